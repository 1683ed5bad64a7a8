// SPDX-License-Identifier: MIT
/// A virtual CPU: its registers, its interrupt controller, what waits for it.
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
///     branch predictors                   nobody                         switch_in(), between vCPUs (IBPB)
///     XSS, SPEC_CTRL, PMU, LBR            guests have none               nobody
#pragma once

#include <memory>

#include "arch/x86_64/guest/extended_state.hpp"
#include "arch/x86_64/guest/mtrr.hpp"
#include "arch/x86_64/guest/recent_exits.hpp"
#include "arch/x86_64/guest/start_requests.hpp"
#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/guest/virtual_machine.hpp"
#include "arch/x86_64/virtual_apic/virtual_local_apic.hpp"
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
    /// Tells this state from every other that there ever was: an address can come again. Never 0.
    u64 const serial;

    /// Takes over the zeroed frame, for the local APIC.
    VirtualCpu(Vcpu& owner, Hfn apic_frame);
    ~VirtualCpu();
    [[nodiscard]] Expected<> initialize();

    [[nodiscard]] VirtualMachine& virtual_machine() const { return *vcpu.domain().virtual_machine; }
    [[nodiscard]] Hfn apic_frame() const { return apic_frame_; }

    // --- life (vcpu_reset.cpp) ---
    /// All registers as after INIT.
    void reset();
    /// INIT or SIPI from another CPU. They are carried out by the vCPU itself before its next entry.
    void request_init();
    void request_startup(u8 vector);
    /// Its state is to be logged: by itself before its next entry, or when it leaves its CPU.
    void request_report();
    /// Carries them out, and all else that the vCPU itself has to do before its next entry.
    void apply_requests();
    [[nodiscard]] bool has_request() const { return requests_.any(); }
    [[nodiscard]] bool has_start_request() const { return requests_.to_start(); }
    /// The vCPU's registers were set from outside: no SIPI is needed to start it, and none will be heeded.
    void mark_started() { requests_.mark_started(); }

    // --- events (vcpu_events.cpp) ---
    void request_nmi();
    /// Queues the most urgent event for the coming entry, or asks for the moment when it can be taken.
    void prepare_events()
    {
        if (local_apic.wants_attention()) deliver_events();
    }
    [[nodiscard]] bool has_deliverable_event() const;
    void inject_exception(u8 vector, std::optional<u32> error_code = std::nullopt);
    /// What is queued for the next entry goes back to where it came from, but for an exception, so that the record of
    /// the vCPU's state has room for all that waits. It is not running.
    void take_back_events();
    /// What the record has to name, after take_back_events().
    [[nodiscard]] std::optional<Event> undelivered_event() const;

    /// What the guest's TSC shows beyond the host's. The only way to change it: whatever depends on it follows. The
    /// vCPU writes its time record (para_clock) anew before its next entry.
    void set_tsc_offset(u64 offset);
    [[nodiscard]] u64 tsc_offset() const { return tsc_offset_.load(std::memory_order_relaxed); }
    [[nodiscard]] emulator::GuestRegisters emulator_registers() const;

    // --- the local APIC's timer (vcpu_timer.cpp) ---
    /// The vCPU has come to this CPU: what expired meanwhile is taken in, and what counts is armed here.
    void resume_timer()
    {
        if (local_apic.has_timer() || timer_armed_) resume_counting_timer();
    }
    /// The vCPU leaves its CPU. The timer stays armed only if it may be what the vCPU waits for.
    void suspend_timer()
    {
        if (timer_armed_ && !waits_for_event()) disarm_timer();
    }

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
    RecentExits recent_exits;
    /// Logs its state. For whoever may use the backend.
    void report() const;
    void report_if_asked()
    {
        if (requests_.take_report()) report();
    }

private:
    Hfn const apic_frame_;
    Timer apic_timer_;
    bool timer_armed_ = false; ///< since arm_timer(), whether or not it has fired; used by who may use the APIC

public:
    VirtualLocalApic local_apic; ///< after the timer, which it uses

private:
    [[nodiscard]] bool has_callback_vector() const;
    [[nodiscard]] bool has_direct_upcall() const;
    [[nodiscard]] bool inject_nmi();
    [[nodiscard]] bool inject_direct_upcall();
    [[nodiscard]] bool inject_apic_interrupt();
    void inject(Event event);
    void deliver_events();
    void start_in_real_mode(u8 vector);
    [[nodiscard]] bool waits_for_event() const;
    void resume_counting_timer();
    static void timer_fired(Timer& timer);

    std::atomic<u64> tsc_offset_{0}; ///< changed by who sets it, read by who publishes the time
    StartRequests requests_;
    std::atomic<bool> nmi_pending_{false};
};

}
