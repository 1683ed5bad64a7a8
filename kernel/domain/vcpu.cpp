// SPDX-License-Identifier: MIT
/// Why a vCPU waits, and the pages it shares with the guest.
#include "kernel/domain/vcpu.hpp"

#include "kernel/abi/compat/shared_info.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/guest_presence.hpp"
#include "kernel/domain/para_clock.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/lib/shared_memory.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes {

namespace {

void one_shot_expired(Timer& timer) { raise_virq(*static_cast<Vcpu*>(timer.context), VirtualInterrupt::Timer); }
/// Senders of events, and the guest, go on changing `from`.
void copy_live(xen::VcpuInfo& to, xen::VcpuInfo& from)
{
    constexpr size_t words = sizeof(xen::VcpuInfo) / sizeof(u64);
    auto* const target = reinterpret_cast<u64*>(&to);
    auto* const source = reinterpret_cast<u64*>(&from);
    for (size_t i = 0; i != words; ++i)
        std::atomic_ref{target[i]}.store(std::atomic_ref{source[i]}.load(std::memory_order_relaxed),
                                         std::memory_order_relaxed);
}

/// All words of event bits, in vcpu_info of either layout.
template <typename Info>
void select_all(Info& info)
{
    using Selector = decltype(info.event_pending_selector);
    std::atomic_ref{info.event_pending_selector}.store(~Selector{0}, std::memory_order_release);
}

void poll_expired(Timer& timer) { static_cast<Vcpu*>(timer.context)->clear_waiting(WaitReason::Polling); }

}

Vcpu::~Vcpu()
{
    if (virtual_cpu_) arch::destroy_virtual_cpu(virtual_cpu_);
}

Expected<> Vcpu::initialize()
{
    auto const cpu = arch::create_virtual_cpu(*this);
    if (!cpu) return failure(cpu.error());
    virtual_cpu_ = *cpu;
    one_shot_timer.function = one_shot_expired;
    one_shot_timer.context = this;
    poll_timer.function = poll_expired;
    poll_timer.context = this;
    use_info_in_shared_info();
    scheduler::add(*this);
    return {};
}

bool Vcpu::set_waiting(WaitReason reason)
{
    u32 const bit = static_cast<u32>(reason);
    u32 const before = waiting_.fetch_or(bit, std::memory_order_acq_rel);
    // Not only for the first reason: who set that may not have come to this yet, and the caller goes on from here on
    // the ground that the vCPU is off its CPU or is seen on it.
    if ((before & bit) == 0) scheduler::deschedule(*this);
    return (before & bit) != 0;
}

bool Vcpu::clear_waiting(WaitReason reason)
{
    u32 const bit = static_cast<u32>(reason);
    if (reason == WaitReason::Down) has_been_up_.store(true, std::memory_order_relaxed);
    u32 const before = waiting_.fetch_and(~bit, std::memory_order_acq_rel);
    if (before == bit) scheduler::wake(*this);
    return (before & bit) != 0;
}

void Vcpu::notice_event()
{
    std::atomic_thread_fence(std::memory_order_seq_cst); // the event is visible before the look at `waiting_`
    if (waits_for(WaitReason::Halted)) clear_waiting(WaitReason::Halted);
    if (waits_for(WaitReason::Polling)) clear_waiting(WaitReason::Polling);
    GuestPresence::nudge(*this);
}

Expected<> Vcpu::register_info(OwnRam page, u32 offset)
{
    auto* const place = reinterpret_cast<xen::VcpuInfo*>(arch::reach_as<u8>(address_of(page.frame())) + offset);
    {
        auto held = areas.lock();
        if (held->has_info_page() || domain_.is_dying()) return failure(Error::Invalid);
        if (xen::VcpuInfo* const before = info())
            copy_live(*place, *before);
        else
            store_shared(*place, xen::VcpuInfo{});
        static_cast<void>(held->exchange_info_page(std::move(page)));
        info_.store(place, std::memory_order_release);
        para_clock::publish(*this, *held);
        // Whatever arrived while the guest was looking elsewhere must be looked for once (abi.md 4.2).
        if (domain_.has_narrow_shared_info())
            select_all(*reinterpret_cast<compat::VcpuInfo*>(place));
        else
            select_all(*place);
        std::atomic_ref{place->event_upcall_pending}.store(1, std::memory_order_release);
    }
    arch::raise_upcall(*this);
    return {};
}

/// The first vCPUs have a place there; the others have none until they register one.
void Vcpu::use_info_in_shared_info()
{
    xen::SharedInfo* const shared = domain_.shared_info();
    if (!shared || id_ >= shared->vcpu_info.size()) return;
    auto held = areas.lock();
    info_.store(&shared->vcpu_info[id_], std::memory_order_release);
    para_clock::publish(*this, *held);
}

void Vcpu::retire()
{
    timers::cancel(one_shot_timer);
    timers::cancel(poll_timer);
    if (virtual_cpu_) arch::retire_virtual_cpu(*virtual_cpu_);
    // Taken out with the lock, let go without it.
    struct Taken {
        std::optional<OwnRam> info_page;
        std::optional<GuestArea> run_state, time;
    };
    Taken const taken = [this] {
        auto held = areas.lock();
        info_.store(nullptr, std::memory_order_release);
        return Taken{held->exchange_info_page({}), held->exchange_run_state({}), held->exchange_time({})};
    }();
}

}
