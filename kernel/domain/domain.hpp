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

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/hvm_params.hpp"
#include "kernel/abi/xen/memory.hpp"
#include "kernel/abi/xen/sched.hpp"
#include "kernel/arch/domain_state.hpp"
#include "kernel/domain/large_extents.hpp"
#include "kernel/domain/physmap.hpp"
#include "kernel/domain/vcpu.hpp"
#include "kernel/evtchn/event_channel.hpp"
#include "kernel/grant/grant_table.hpp"
#include "kernel/lib/static_vector.hpp"
#include "kernel/mm/quota.hpp"
#include "kernel/sched/policy.hpp"
#include "kernel/sync/guarded.hpp"
#include "kernel/sync/turn.hpp"

namespace hospes {

using DomainId = xen::DomainId;
inline constexpr unsigned max_vcpus_per_domain = 128;

using xen::ShutdownReason;

/// What the control domain chose when it created the domain.
struct DomainConfiguration {
    u32 max_vcpus = 1;
    u32 max_event_port = 4095;
    u32 max_grant_frames = 64;
    u32 max_maptrack_frames = 1024;
    bool grants_allowed = true;
    u32 flags = 0;           ///< XEN_DOMCTL_CDF_*
    u32 emulation_flags = 0; ///< XEN_X86_EMU_*
    u32 ssidref = 0;
    u32 cpupool = 0;
    std::array<u8, 16> handle{};
};

/// How far the toolstack has been told which pages were written.
struct DirtyLog {
    u64 next_frame = 0;
    u32 dirty_count = 0; ///< of the frames before
};

/// Where the domain's saved state is on its way to or from the toolstack, between two stretches of the call that moves
/// it. The last one begun counts: it takes the place of one that is not finished, whose caller is told Busy if he comes
/// back. So a caller who never does hinders nobody.
struct StateTransfer {
    enum class Direction : u8 { Saving, Loading };
    Direction direction;
    u32 number;         ///< of this domain's transfers; never 0
    u64 host_tsc;       ///< read once for all vCPUs, so that their clocks agree
    u32 next_vcpu = 0;  ///< when saving
    u32 bytes_done = 0; ///< of the caller's buffer
};

/// Toolstack-visible settings, under LockRank::DomainControl.
struct DomainControl {
    u32 pause_count = 1; ///< by the control domain; a new domain starts paused
    StaticVector<xen::E820Entry, 128> memory_map;
    std::array<u64, xen::nr_hvm_params> parameters{};
    xen::DomctlTscInfo tsc_info{};
    u64 paging_pool_bytes = 0;
    std::optional<DirtyLog> dirty_log;     ///< there while the toolstack has it switched on
    std::optional<StateTransfer> transfer; ///< as long as there is one, the domain is paused
    u32 transfers_begun = 0;
    std::array<u8, 16> handle{}; ///< the toolstack's UUID

    [[nodiscard]] bool is_paused() const { return pause_count > 0 || transfer; }
};

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
    /// All of them at once, while booting.
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
    /// XEN_DOMCTL_resumedomain.
    [[nodiscard]] Expected<> resume();
    /// Counted pause by the control domain. Returns when every vCPU is off its CPU. Invalid once it is dying.
    [[nodiscard]] Expected<> pause();
    [[nodiscard]] Expected<> unpause();
    /// A new StateTransfer, which holds the domain still, as pause() does, until it ends.
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

    Quota quota; ///< all that it is charged for; before whatever holds a charge
    Physmap physmap;
    LargeExtents large_extents; ///< RAM that it will get
    EventChannels event_channels;
    GrantTable grants;
    Guarded<DomainControl, LockRank::DomainControl> control;
    Turn control_turn;                              ///< domctls on one domain are carried out one after the other
    arch::DomainState virtual_machine;              ///< CPUID policy, MMIO and port dispatch, virtual IOAPIC
    std::atomic<u64> translation_generation{1};     ///< GuestPresence
    std::atomic<u32> weight{256};                   ///< scheduler share
    policy::CapAccount cap_account;                 ///< what it may still run in this period
    std::atomic<u32> cap_percent{0};                ///< scheduler cap, per cent of one CPU; 0: none
    std::atomic<s64> clock_offset{0};               ///< seconds its wall clock is ahead of the machine's
    std::atomic<bool> run_state_update_flag{false}; ///< VMASST_TYPE_runstate_update_flag

    [[nodiscard]] xen::SharedInfo* shared_info() const { return shared_info_; }
    [[nodiscard]] Hfn shared_info_frame() const { return shared_info_frame_; }
    /// XENMAPSPACE_shared_info: maps it at `where`, away from where it was. Frees the RAM that was there.
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
    std::atomic<u64> shared_info_position_{~u64{0}};

public:
    Domain* next = nullptr; ///< domain list, ascending id; then the burial's; under LockRank::DomainList
};

/// Keeps a domain alive for a scope.
class [[nodiscard]] DomainReference {
public:
    explicit DomainReference(Domain& domain) : domain_{&domain} { domain.hold(); }
    /// Takes over a reference that the caller holds.
    [[nodiscard]] static DomainReference adopt(Domain& domain) { return DomainReference{&domain}; }
    DomainReference(DomainReference&& other) noexcept : domain_{std::exchange(other.domain_, nullptr)} {}
    DomainReference& operator=(DomainReference&&) = delete;
    ~DomainReference()
    {
        if (domain_) domain_->release();
    }
    Domain& operator*() const { return *domain_; }
    Domain* operator->() const { return domain_; }

private:
    explicit DomainReference(Domain* held) : domain_{held} {}
    Domain* domain_;
};

}
