// SPDX-License-Identifier: MIT
/// A domain: what it owns, and its life.
///
///   Building ──first unpause──▶ Running ──SCHEDOP_shutdown──▶ ShutDown
///       └──────────────┬────────────┴───────────────────────────┘
///                  destroydomain (repeated until done)
///                      ▼
///                   Dying ──all torn down──▶ Dead ──last reference dropped──▶ buried (burial.hpp), freed
///
/// A Dead domain stays while other domains still map its frames; its id is not reused before it is gone.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>

#include "kernel/abi/xen/sched.hpp"
#include "kernel/arch/domain_state.hpp"
#include "kernel/domain/domain_configuration.hpp"
#include "kernel/domain/domain_control.hpp"
#include "kernel/domain/large_extents.hpp"
#include "kernel/domain/para_clock.hpp"
#include "kernel/domain/physmap.hpp"
#include "kernel/domain/vcpu.hpp"
#include "kernel/domain/watchdogs.hpp"
#include "kernel/evtchn/event_channel.hpp"
#include "kernel/grant/grant_table.hpp"
#include "kernel/mm/quota.hpp"
#include "kernel/sched/policy.hpp"
#include "kernel/sync/turn.hpp"

namespace hospes {

using DomainId = xen::DomainId;
using xen::ShutdownReason;

inline constexpr unsigned max_vcpus_per_domain = 128;

class Domain {
public:
    enum class Life : u32 { Building, Running, ShutDown, Dying, Dead };

    /// A new domain, not yet on the list. Errors: OutOfMemory.
    [[nodiscard]] static Expected<Domain*> create(DomainId id, DomainConfiguration const& configuration,
                                                  bool is_control_domain);

    [[nodiscard]] DomainId id() const { return id_; }
    /// Never 0, and never that of another domain, before or after: unlike `id()`.
    [[nodiscard]] u64 unique_id() const { return unique_id_; }
    /// dom0: may manage other domains, and owns the devices.
    [[nodiscard]] bool is_control_domain() const { return is_control_domain_; }
    [[nodiscard]] DomainConfiguration const& configuration() const { return configuration_; }

    // --- vCPUs: created once by create_vcpus(), then fixed ---
    /// Restart: there are more to create. OutOfMemory: another call goes on with the one that failed.
    [[nodiscard]] Expected<> create_vcpus(Budget& budget);
    /// All of them at once, while booting. OutOfMemory.
    [[nodiscard]] Expected<> create_vcpus();
    [[nodiscard]] std::span<std::unique_ptr<Vcpu> const> vcpus() const
    {
        return {vcpus_.data(), vcpu_count_.load(std::memory_order_acquire)};
    }
    /// Null if there is none with that number.
    [[nodiscard]] Vcpu* vcpu(u32 id) const { return id < vcpus().size() ? vcpus()[id].get() : nullptr; }

    ~Domain();

    // --- life ---
    [[nodiscard]] Life life() const { return life_.load(std::memory_order_acquire); }
    [[nodiscard]] bool is_dying() const { return life() >= Life::Dying; }
    /// Why it ended; nothing while it has not.
    [[nodiscard]] std::optional<ShutdownReason> shutdown_reason() const
    {
        auto const reason = shutdown_reason_.load(std::memory_order_acquire);
        return reason == not_shut_down ? std::nullopt : std::optional{reason};
    }
    /// The guest ended (or crashed). Stops all its vCPUs and tells the control domain (VIRQ_DOM_EXC). For the control
    /// domain itself this ends the machine.
    void shut_down(ShutdownReason reason);
    /// XEN_DOMCTL_resumedomain: a domain that has shut down goes on; nothing happens to any other.
    [[nodiscard]] Expected<> resume();
    /// Counted pause by the control domain. Returns when every vCPU is off its CPU. Invalid once it is dying.
    [[nodiscard]] Expected<> pause();
    /// Takes back one pause(); the first of a new domain starts it. Invalid if the domain is not paused.
    [[nodiscard]] Expected<> unpause();
    /// A new StateTransfer, which holds the domain still, as pause() does, until the transfer ends.
    /// Invalid once the domain is dying.
    [[nodiscard]] Expected<StateTransfer> begin_transfer(StateTransfer::Direction direction);
    /// False if there was none.
    bool end_transfer();
    /// Waits for nothing: true if no vCPU is on a CPU.
    [[nodiscard]] bool is_quiescent() const;
    /// Frees a domain that never got onto the list.
    void abandon();
    /// Goes on with the destruction; Restart until all is done. Repeatable, by one CPU at a time (control_turn).
    [[nodiscard]] Expected<> destroy_slice(Budget& budget);
    /// Frees vCPUs and tables, until nothing is left that takes long; then true. Nobody may know the domain any more.
    [[nodiscard]] bool dismantle(Budget& budget);
    /// A vCPU went down; when none is up any more the domain has powered off (abi.md 5.5).
    void vcpu_went_down();

    // --- references: keep the object alive, not the guest running ---
    void hold(u64 count = 1) { references_.fetch_add(count, std::memory_order_relaxed); }
    /// False if the last reference is already gone.
    [[nodiscard]] bool try_hold();
    void release(u64 count = 1);

    // --- what it owns ---
    Quota quota; ///< all that it is charged for; before whatever holds a charge
    Physmap physmap;
    LargeExtents large_extents; ///< RAM that it will get
    EventChannels event_channels;
    GrantTable grants;
    Watchdogs watchdogs;
    arch::DomainState virtual_machine; ///< CPUID policy, and who answers at ports and addresses

    // --- what the control domain sets ---
    Guarded<DomainControl, LockRank::DomainControl> control;
    Turn control_turn;   ///< domctls on one domain are carried out one after the other
    policy::Share share; ///< changed by scheduler::set_share()
    para_clock::Settings clock;

    // --- what the guest is shown ---
    std::atomic<u64> translation_generation{1}; ///< GuestPresence
    /// Null once it has been released; until then it stays where it is for who holds `control`. In
    /// which layout is for who writes to know: see has_narrow_shared_info().
    [[nodiscard]] xen::SharedInfo* shared_info() const { return shared_info_; }
    /// Whether shared info, vcpu_info and run-state areas are those of 32-bit code (kernel/abi/compat).
    [[nodiscard]] bool has_narrow_shared_info() const { return narrow_shared_info_.load(std::memory_order_relaxed); }
    /// The guest sets up its hypercall page or its call-back: the mode in which it does so decides about the layout.
    /// What is there is not moved, but for the wall clock. (xen/arch/x86/hvm/hvm.c, hvm_latch_shinfo_size.)
    void latch_shared_info(bool is_narrow);
    [[nodiscard]] Hfn shared_info_frame() const { return shared_info_frame_; }
    /// XENMAPSPACE_shared_info: maps it at `where`, away from where it was. Frees what `where` held;
    /// otherwise the errors of Physmap::replace().
    [[nodiscard]] Expected<> map_shared_info(Gfn where);
    [[nodiscard]] std::optional<Gfn> shared_info_position() const;

private:
    Domain(DomainId id, DomainConfiguration const& configuration, bool is_control_domain);
    void stop_vcpus();
    void wait_until_quiescent() const;
    void allow_vcpus_if_nothing_holds_them(DomainControl const& held);
    void forget_guest_pages();
    void release_shared_info();

    DomainId const id_;
    bool const is_control_domain_;
    DomainConfiguration const configuration_;
    u64 const unique_id_;
    std::atomic<Life> life_{Life::Building};
    static constexpr ShutdownReason not_shut_down{0xffff};
    std::atomic<ShutdownReason> shutdown_reason_{not_shut_down};
    std::atomic<u64> references_{1};
    std::array<std::unique_ptr<Vcpu>, max_vcpus_per_domain> vcpus_;
    std::atomic<size_t> vcpu_count_{0};
    u32 vcpus_made_ = 0; ///< on the way to vcpu_count_
    xen::SharedInfo* shared_info_ = nullptr;
    Hfn shared_info_frame_{};
    std::atomic<bool> narrow_shared_info_{false};
    std::atomic<u64> shared_info_position_{~u64{0}};

public:
    Domain* next = nullptr; ///< domain list, ascending id; then the burial's; under LockRank::DomainList
};

}
