// SPDX-License-Identifier: MIT
#include "kernel/domain/vcpu.hpp"

#include <cstring>

#include "kernel/domain/domain.hpp"
#include "kernel/domain/guest_presence.hpp"
#include "kernel/domain/para_clock.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes {

namespace {

void one_shot_expired(Timer& timer) { raise_virq(*static_cast<Vcpu*>(timer.context), VirtualInterrupt::Timer); }
void poll_expired(Timer& timer) { static_cast<Vcpu*>(timer.context)->clear_waiting(WaitReason::Polling); }

}

Vcpu::~Vcpu()
{
    if (machine_) arch::destroy_virtual_cpu(machine_);
}

Expected<> Vcpu::initialize()
{
    auto const machine = arch::create_virtual_cpu(*this);
    if (!machine) return failure(machine.error());
    machine_ = *machine;
    one_shot_timer.function = one_shot_expired;
    one_shot_timer.context = this;
    poll_timer.function = poll_expired;
    poll_timer.context = this;
    reset_info();
    scheduler::add(*this);
    return {};
}

bool Vcpu::set_waiting(WaitReason reason)
{
    u32 const bit = static_cast<u32>(reason);
    u32 const before = waiting_.fetch_or(bit, std::memory_order_acq_rel);
    if (before == 0) scheduler::deschedule(*this);
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

Expected<> Vcpu::register_info(FrameReference page, u32 offset)
{
    if (info_page_) return failure(Error::Invalid);
    PinnedPage pinned{std::move(page)};
    auto* const place = pinned.at<xen::VcpuInfo>(offset);
    if (info_)
        std::memcpy(place, info_, sizeof *place);
    else
        std::memset(place, 0, sizeof *place);
    info_page_.emplace(std::move(pinned));
    info_ = place;
    para_clock::publish(*this);
    // Whatever arrived while the guest was looking elsewhere must be looked for once (abi.md 4.2).
    std::atomic_ref{place->event_pending_selector}.store(~u64{0}, std::memory_order_release);
    std::atomic_ref{place->event_upcall_pending}.store(1, std::memory_order_release);
    arch::raise_upcall(*this);
    return {};
}

void Vcpu::reset_info()
{
    info_page_.reset();
    xen::SharedInfo* const shared = domain_.shared_info();
    info_ = shared && id_ < shared->vcpu_info.size() ? &shared->vcpu_info[id_] : nullptr;
    para_clock::publish(*this);
}

void Vcpu::retire()
{
    timers::cancel(one_shot_timer);
    timers::cancel(poll_timer);
    run_state.area.reset();
    run_state.time_area.reset();
    info_ = nullptr;
    info_page_.reset();
}

}
