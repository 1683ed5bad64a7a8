// SPDX-License-Identifier: MIT
/// A virtual CPU's machine: its registers, its interrupt controller, what waits for it.
///
/// Which state is where while the vCPU is on a CPU, and who moves it:
///
///     state                               saved / loaded by              cleared for the next guest by
///     ──────────────────────────────────  ─────────────────────────────  ─────────────────────────────
///     RIP, RSP, RAX, RFLAGS, CRs, EFER,   the CPU, every entry and exit  the CPU
///       CS DS ES SS, GDTR, IDTR, DR6/7
///     other general-purpose registers     svm_entry.S, every exit        svm_entry.S
///     FS GS TR LDTR, SYSCALL and          svm_entry.S (VMLOAD, VMSAVE),  svm_entry.S
///       SYSENTER MSRs                       every exit
///     x87, SSE, AVX, XCR0, PKRU           switch_in(), switch_out()      switch_in() of the next, in full
///     DR0 … DR3                           switch_in(), switch_out()      switch_in() of the next
///     TSC_AUX                             switch_in(); writes trap       switch_in() of the next
///     PAT                                 the CPU, in the control block  the CPU
///     branch predictors                   nobody                         switch_in(), between domains (IBPB)
///     XSS, SPEC_CTRL, PMU, LBR            guests have none               nobody
#pragma once

#include <memory>

#include "arch/x86_64/guest/domain_machine.hpp"
#include "arch/x86_64/guest/extended_state.hpp"
#include "arch/x86_64/guest/mtrr.hpp"
#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/guest/virtual_local_apic.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/log/console.hpp"

namespace hospes::arch {

/// MSRs that are only remembered, or mean little.
struct GuestMsrs {
    u64 tsc_aux = 0;
    u64 tsc_adjust = 0;
    u64 misc_enable = 0;
    u64 northbridge_configuration = 0;
};

/// Puts a guest's TSC_AUX into the CPU.
void load_tsc_aux(u64 value);

struct ExitCounters;

class VirtualCpu final : public ApicSurroundings {
public:
    /// APIC id of vCPU n; CPUID and the MADT say the same.
    [[nodiscard]] static constexpr u32 apic_id_of(VcpuId id) { return id * 2; }

    /// Takes over the zeroed frame, for the local APIC.
    VirtualCpu(Vcpu& owner, Hfn apic_frame);
    ~VirtualCpu();
    [[nodiscard]] Expected<> initialize();

    [[nodiscard]] DomainMachine& domain_machine() const { return *vcpu.domain().machine; }
    [[nodiscard]] Hfn apic_frame() const { return apic_frame_; }

    // --- life (vcpu_reset.cpp) ---
    /// All registers as after INIT.
    void reset();
    /// INIT or SIPI from another CPU. They are carried out by the vCPU itself before its next entry.
    void request_init();
    void request_startup(u8 vector);
    /// Carries them out.
    void apply_start_requests();
    [[nodiscard]] bool has_start_request() const { return start_requests_.load(std::memory_order_relaxed) != 0; }
    /// The vCPU's registers were set from outside: no SIPI is needed to start it, and none will be heeded.
    void mark_started() { waits_for_startup_.store(false); }

    // --- events (vcpu_events.cpp) ---
    void request_nmi();
    /// Queues the most urgent event for the coming entry, or asks for the moment when it can be taken.
    void prepare_events()
    {
        if (local_apic.wants_attention()) deliver_events();
    }
    [[nodiscard]] bool has_deliverable_event() const;
    void inject_exception(u8 vector, std::optional<u32> error_code = std::nullopt);

    void set_tsc_offset(u64 offset);
    [[nodiscard]] u64 tsc_offset() const { return tsc_offset_; }
    [[nodiscard]] emulator::GuestRegisters emulator_registers() const;

    // --- ApicSurroundings ---
    [[nodiscard]] u64 now() override;
    [[nodiscard]] u64 time_of_guest_tsc(u64 tsc) override;
    void arm_timer(u64 deadline) override;
    void disarm_timer() override;
    void send(ApicMessage const& message, ApicShorthand shorthand) override;
    void end_of_interrupt(u8 vector) override;
    void local_apic_enabled() override;
    void attract_attention() override { vcpu.notice_event(); }

    Vcpu& vcpu;
    std::unique_ptr<VcpuBackend> backend;
    ExtendedState extended;
    std::array<u64, 4> debug_addresses{}; ///< DR0 … DR3, while not on a CPU
    MemoryTypeRanges memory_types;
    GuestMsrs msrs;
    console::GuestLineBuffer debug_line;
    std::atomic<u8> upcall_vector{0};
    ExitCounters* exits = nullptr; ///< of the CPU that it is on

private:
    Hfn const apic_frame_;
    Timer apic_timer_;

public:
    VirtualLocalApic local_apic; ///< after the timer, which it uses

private:
    static constexpr u32 init_requested = 1 << 8;
    static constexpr u32 startup_requested = 1 << 9; ///< vector in bits 7..0
    [[nodiscard]] bool has_callback_vector() const;
    [[nodiscard]] bool has_direct_upcall() const;
    [[nodiscard]] bool inject_nmi();
    [[nodiscard]] bool inject_direct_upcall();
    [[nodiscard]] bool inject_apic_interrupt();
    void inject(Event event);
    void deliver_events();
    void start_in_real_mode(u8 vector);

    u64 tsc_offset_ = 0;
    std::atomic<u32> start_requests_{0};
    std::atomic<bool> waits_for_startup_{true};
    std::atomic<bool> nmi_pending_{false};
};

}
