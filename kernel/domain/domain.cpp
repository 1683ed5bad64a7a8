// SPDX-License-Identifier: MIT
/// How a domain comes to be, is paused, and ends slice by slice.
#include "kernel/domain/domain.hpp"

#include <new>

#include "kernel/arch/cpu.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/domain/burial.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/domain/machine_end.hpp"
#include "kernel/domain/para_clock.hpp"
#include "kernel/domain/state_changes.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/log/log.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes {

namespace {

/// All that the hypervisor may need for a domain beside its RAM and its tables, in frames: the shared info page, and
/// what grants and event channels can grow to.
u64 most_overhead(DomainConfiguration const& configuration)
{
    return 1 + GrantTable::most_overhead(configuration) + EventChannels::most_overhead(configuration);
}

u64 next_unique_id()
{
    static constinit std::atomic<u64> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}

Domain::Domain(DomainId id, DomainConfiguration const& configuration, bool is_control_domain)
    : quota{most_overhead(configuration)},
      physmap{*this},
      large_extents{*this},
      event_channels{*this},
      grants{*this},
      watchdogs{*this},
      id_{id},
      is_control_domain_{is_control_domain},
      configuration_{configuration},
      unique_id_{next_unique_id()}
{
    auto held = control.lock();
    held->handle = configuration.handle;
    held->parameters[static_cast<u32>(xen::HvmParamIndex::TripleFaultReason)] =
        static_cast<u64>(ShutdownReason::Reboot);
}

Domain::~Domain() = default;

Expected<Domain*> Domain::create(DomainId id, DomainConfiguration const& configuration, bool is_control_domain)
{
    std::unique_ptr<Domain, void (*)(Domain*)> domain{new (std::nothrow) Domain{id, configuration, is_control_domain},
                                                      [](Domain* failed) { delete failed; }};
    if (!domain) return failure(Error::OutOfMemory);
    if (auto const made = domain->physmap.initialize(); !made) return failure(made.error());
    if (auto const made = domain->virtual_machine.initialize(*domain); !made) return failure(made.error());
    auto charge = Charge::take(domain->quota, AccountKind::Overhead, 1);
    if (!charge) return failure(charge.error());
    auto const frame = frames::allocate_zeroed();
    if (!frame) return failure(frame.error());
    frames::give_to(*domain, *frame, 0, *charge);
    domain->shared_info_frame_ = *frame;
    domain->shared_info_ = static_cast<xen::SharedInfo*>(arch::reach(*frame));
    para_clock::publish_wall_clock(*domain);
    return domain.release();
}

Expected<> Domain::create_vcpus(Budget& budget)
{
    while (vcpus_made_ < configuration_.max_vcpus) {
        auto& vcpu = vcpus_[vcpus_made_];
        vcpu.reset(new (std::nothrow) Vcpu{*this, vcpus_made_});
        if (!vcpu) return failure(Error::OutOfMemory);
        if (auto const made = vcpu->initialize(); !made) {
            vcpu.reset();
            return made;
        }
        if (++vcpus_made_ < configuration_.max_vcpus && budget.is_spent()) return failure(Error::Restart);
    }
    vcpu_count_.store(configuration_.max_vcpus, std::memory_order_release);
    return {};
}

Expected<> Domain::create_vcpus()
{
    for (;;) {
        Budget budget;
        auto const created = create_vcpus(budget);
        if (created || created.error() != Error::Restart) return created;
    }
}

// --- references ---

bool Domain::try_hold()
{
    u64 count = references_.load(std::memory_order_relaxed);
    while (count != 0)
        if (references_.compare_exchange_weak(count, count + 1, std::memory_order_acquire)) return true;
    return false;
}

void Domain::release(u64 count)
{
    if (references_.fetch_sub(count, std::memory_order_acq_rel) != count) return;
    domains::remove(*this);
    burial::add(*this);
}

// --- running and stopping ---

void Domain::stop_vcpus()
{
    watchdogs.stand_still();
    for (auto const& vcpu : vcpus()) vcpu->set_waiting(WaitReason::DomainPaused);
}

void Domain::allow_vcpus_if_nothing_holds_them(DomainControl const& held)
{
    if (held.is_paused() || life() != Life::Running) return;
    watchdogs.go_on();
    for (auto const& vcpu : vcpus()) vcpu->clear_waiting(WaitReason::DomainPaused);
}

bool Domain::is_quiescent() const
{
    for (auto const& vcpu : vcpus())
        if (scheduler::is_on_cpu(*vcpu)) return false;
    return true;
}

/// A vCPU leaves its guest on the kick, and a handler ends by itself without waiting for the control domain.
void Domain::wait_until_quiescent() const
{
    while (!is_quiescent()) arch::spin_hint();
}

Expected<> Domain::pause()
{
    if (is_dying()) return failure(Error::Invalid);
    {
        auto held = control.lock();
        ++held->pause_count;
        stop_vcpus();
    }
    wait_until_quiescent();
    return {};
}

Expected<> Domain::unpause()
{
    auto held = control.lock();
    if (held->pause_count == 0) return failure(Error::Invalid);
    --held->pause_count;
    Life building = Life::Building;
    if (held->pause_count == 0) {
        life_.compare_exchange_strong(building, Life::Running);
        quota.ram.hold_limit(); // of one that was being built
    }
    allow_vcpus_if_nothing_holds_them(*held);
    return {};
}

Expected<StateTransfer> Domain::begin_transfer(StateTransfer::Direction direction)
{
    if (is_dying()) return failure(Error::Invalid);
    StateTransfer transfer{.direction = direction, .number = 0, .host_tsc = 0};
    {
        auto held = control.lock();
        if (++held->transfers_begun == 0) ++held->transfers_begun;
        transfer.number = held->transfers_begun;
        held->transfer = transfer;
        stop_vcpus();
    }
    wait_until_quiescent();
    transfer.host_tsc = arch::read_tsc();
    return transfer;
}

bool Domain::end_transfer()
{
    auto held = control.lock();
    bool const there_was_one = held->transfer.has_value();
    held->transfer.reset();
    if (there_was_one) allow_vcpus_if_nothing_holds_them(*held);
    return there_was_one;
}

void Domain::shut_down(ShutdownReason reason)
{
    if (is_control_domain_) end_machine(reason);
    {
        auto held = control.lock();
        if (life() >= Life::ShutDown) return;
        shutdown_reason_.store(reason, std::memory_order_release);
        life_.store(Life::ShutDown, std::memory_order_release);
        stop_vcpus();
    }
    log_info("domain {} has shut down, reason {}", id_, reason);
    state_changes::note(id_);
    raise_global_virq(VirtualInterrupt::DomainException);
}

Expected<> Domain::resume()
{
    auto held = control.lock();
    Life shut_down = Life::ShutDown;
    if (!life_.compare_exchange_strong(shut_down, Life::Running)) return {};
    shutdown_reason_.store(not_shut_down, std::memory_order_release);
    allow_vcpus_if_nothing_holds_them(*held);
    return {};
}

void Domain::vcpu_went_down()
{
    for (auto const& vcpu : vcpus())
        if (!vcpu->waits_for(WaitReason::Down)) return;
    shut_down(ShutdownReason::Poweroff);
}

// --- the end ---

void Domain::forget_guest_pages()
{
    for (auto const& vcpu : vcpus()) vcpu->retire();
    watchdogs.retire();
}

void Domain::abandon()
{
    life_.store(Life::Dying, std::memory_order_release);
    release_shared_info();
    release();
}

void Domain::release_shared_info()
{
    bool const had_shared_info = [this] {
        auto const held = control.lock(); // whoever writes the wall clock has it
        return std::exchange(shared_info_, nullptr) != nullptr;
    }();
    if (had_shared_info) frames::drop_references(shared_info_frame_);
}

Expected<> Domain::destroy_slice(Budget& budget)
{
    {
        auto held = control.lock();
        if (life() == Life::Dead) return {};
        life_.store(Life::Dying, std::memory_order_release);
        stop_vcpus();
    }
    if (!is_quiescent()) return failure(Error::Restart);

    if (!event_channels.close_all(budget)) return failure(Error::Restart);
    forget_guest_pages();
    if (!grants.release_mappings(budget)) return failure(Error::Restart);
    if (!physmap.tear_down(budget)) return failure(Error::Restart);
    if (!large_extents.discard(budget)) return failure(Error::Restart);
    if (!grants.release_shared_frames(budget)) return failure(Error::Restart);
    release_shared_info();
    for (auto const& vcpu : vcpus()) scheduler::remove(*vcpu);
    life_.store(Life::Dead, std::memory_order_release);
    state_changes::note(id_);
    raise_global_virq(VirtualInterrupt::DomainException);
    release(); // the reference of the domain's own life; the caller still holds one
    return {};
}

bool Domain::dismantle(Budget& budget)
{
    vcpu_count_.store(0, std::memory_order_relaxed);
    while (vcpus_made_ > 0) {
        vcpus_[--vcpus_made_].reset();
        if (budget.is_spent()) return false;
    }
    return event_channels.dismantle(budget) && physmap.free_tables(budget);
}

// --- shared info ---

void Domain::latch_shared_info(bool is_narrow)
{
    if (narrow_shared_info_.exchange(is_narrow, std::memory_order_relaxed) != is_narrow)
        para_clock::publish_wall_clock(*this);
}

std::optional<Gfn> Domain::shared_info_position() const
{
    u64 const position = shared_info_position_.load(std::memory_order_relaxed);
    return position == ~u64{0} ? std::nullopt : std::optional{Gfn{position}};
}

Expected<> Domain::map_shared_info(Gfn where)
{
    Retired retired{*this};
    auto held = control.lock();
    if (auto const old = shared_info_position()) {
        static_cast<void>(physmap.remove_exactly(*old, shared_info_frame_, MappingType::Special, retired));
        shared_info_position_.store(~u64{0}, std::memory_order_relaxed);
    }
    auto page = FrameReference::to(shared_info_frame_);
    if (!page) return failure(Error::Invalid);
    constexpr MappingTypes replaced{MappingType::Ram, MappingType::Foreign, MappingType::Special};
    if (auto const mapped = physmap.replace(where, std::move(*page), MappingType::Special, replaced, retired); !mapped)
        return mapped;
    shared_info_position_.store(where.raw(), std::memory_order_relaxed);
    return {};
}

}
