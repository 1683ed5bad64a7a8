// SPDX-License-Identifier: MIT
/// A virtual CPU as the portable kernel sees it: identity, what it waits for, what it shares with the guest.
/// Its registers and its interrupt controller live behind kernel/arch/virtual_cpu.hpp.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "kernel/abi/xen/shared_info.hpp"
#include "kernel/abi/xen/vcpu.hpp"
#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/domain/leaf_cache.hpp"
#include "kernel/domain/shared_areas.hpp"
#include "kernel/sched/scheduling_state.hpp"
#include "kernel/sync/guarded.hpp"
#include "kernel/time/budget.hpp"
#include "kernel/time/timer.hpp"

namespace hospes {

class Domain;
class NarrowCall;

using VcpuId = u32;

/// Reasons why a vCPU cannot run; it runs when none is set.
enum class WaitReason : u32 {
    Halted = 1 << 0,       ///< HLT with interrupts enabled, SCHEDOP_block: any event ends it
    Down = 1 << 1,         ///< not started, or taken offline (VCPUOP_down, HLT with interrupts disabled)
    Paused = 1 << 2,       ///< this vCPU is paused (pause_count > 0)
    DomainPaused = 1 << 3, ///< the whole domain is (control domain, shutdown, being destroyed)
    Polling = 1 << 4,      ///< SCHEDOP_poll: an event on one of the ports, or the timeout, ends it
    Examined = 1 << 5,     ///< for a moment, while a debug key reads its registers
};

class Vcpu {
public:
    Vcpu(Domain& domain, VcpuId id) : domain_{domain}, id_{id} {}
    Vcpu(Vcpu const&) = delete;
    Vcpu& operator=(Vcpu const&) = delete;
    ~Vcpu();
    /// Gives it its virtual CPU. It starts Down. OutOfMemory.
    [[nodiscard]] Expected<> initialize();

    [[nodiscard]] Domain& domain() const { return domain_; }
    [[nodiscard]] VcpuId id() const { return id_; }
    [[nodiscard]] arch::VirtualCpu& virtual_cpu() const { return *virtual_cpu_; }

    // --- waiting (kernel/domain/vcpu.cpp; all lock-free, any CPU may call) ---
    [[nodiscard]] bool is_runnable() const { return waiting_.load(std::memory_order_acquire) == 0; }
    [[nodiscard]] bool waits_for(WaitReason reason) const
    {
        return (waiting_.load(std::memory_order_acquire) & static_cast<u32>(reason)) != 0;
    }
    /// All reasons at once, as bits, to be shown.
    [[nodiscard]] u32 waiting_reasons() const { return waiting_.load(std::memory_order_relaxed); }
    /// Sets a reason; the scheduler takes the vCPU off its CPU soon. Returns whether it was set before.
    bool set_waiting(WaitReason reason);
    /// Clears a reason and wakes the vCPU if it was the last. Returns whether it was set before.
    bool clear_waiting(WaitReason reason);
    /// Has it ever been started? VCPUOP_up resumes it where it was, but cannot start it.
    [[nodiscard]] bool has_been_up() const { return has_been_up_.load(std::memory_order_relaxed); }
    /// An event has arrived: ends Halted and Polling, and makes a running vCPU look.
    void notice_event();

    // --- memory shared with the guest ---
    /// The vcpu_info the guest reads: inside shared info at first, then where VCPUOP_register_vcpu_info put it; null
    /// for one that has neither, and at the end. Both places stay until all event channels are closed, so senders need
    /// no lock.
    [[nodiscard]] xen::VcpuInfo* info() const { return info_.load(std::memory_order_acquire); }
    /// Moves vcpu_info to `page`+`offset`: copies the contents, marks all selectors pending. Once only: Invalid.
    [[nodiscard]] Expected<> register_info(OwnRam page, u32 offset);
    GuardedAreas areas;

    static constexpr u32 several_ports = ~u32{0}; ///< see polled_port

    SchedulingState scheduling;                    ///< owned by kernel/sched
    Timer one_shot_timer;                          ///< VCPUOP_set_singleshot_timer; raises VIRQ_TIMER
    Timer poll_timer;                              ///< SCHEDOP_poll's time-out
    std::atomic<u32> polled_port{0};               ///< the port polled for, or several_ports
    u32 pause_count = 0;                           ///< under LockRank::DomainControl
    std::array<std::atomic<u32>, 24> virq_ports{}; ///< VIRQ → local port, 0 when unbound; changed under EventChannel

    RunState run_state; ///< statistics, kept by kernel/sched
    /// Drops every page shared with the guest and stops the timers: the domain is being destroyed.
    void retire();

    u64 seen_generation = 0;           ///< translation generation at the last entry (GuestPresence)
    Budget budget;                     ///< of the hypercall that it is in; used by the CPU that runs it
    LeafCache leaves;                  ///< used by the CPU that runs it (GuestLook)
    NarrowCall* narrow_call = nullptr; ///< the hypercall that it is in, if its code there is not 64-bit code

private:
    friend class Domain;
    void use_info_in_shared_info();
    Domain& domain_;
    VcpuId const id_;
    std::atomic<u32> waiting_{static_cast<u32>(WaitReason::Down) | static_cast<u32>(WaitReason::DomainPaused)};
    std::atomic<bool> has_been_up_{false};
    arch::VirtualCpu* virtual_cpu_ = nullptr;
    std::atomic<xen::VcpuInfo*> info_{nullptr}; ///< changed under the lock of `areas`
};

}
