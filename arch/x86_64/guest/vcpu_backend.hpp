// SPDX-License-Identifier: MIT
/// The vendor seam: what VMX and SVM must supply. Nothing above this file says VMCS or VMCB.
///
/// `Virtualization` is the machine's extension, one object; `VcpuBackend` is one virtual CPU's state in it.
/// A backend is used by one CPU at a time: by the one that runs it, or by whoever knows that it is not running.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "arch/x86_64/emulator/registers.hpp"
#include "arch/x86_64/guest/exit.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"

namespace hospes {
class SecondStage;
}

namespace hospes::arch {

class VirtualCpu;
class VirtualLocalApic;

/// What handlers look at most. Complete while the guest does not run.
struct GeneralRegisters {
    std::array<u64, 16> gpr{}; ///< indexed by emulator::Gpr
    u64 rip = 0;
    u64 rflags = 0;

    [[nodiscard]] u64& operator[](emulator::Gpr which) { return gpr[std::to_underlying(which)]; }
    [[nodiscard]] u64 operator[](emulator::Gpr which) const { return gpr[std::to_underlying(which)]; }
};

struct ControlRegisters {
    u64 cr0 = 0;
    u64 cr2 = 0;
    u64 cr3 = 0;
    u64 cr4 = 0;
    u64 efer = 0; ///< as the guest sees it
};

/// Encoding order; Ldtr and Tr behind. The first six are emulator::Segment.
enum class SegmentName : u8 { Es, Cs, Ss, Ds, Fs, Gs, Ldtr, Tr };

/// `attributes` as the toolstack's records have them: type 3..0, S 4, DPL 6..5, P 7, AVL 8, L 9, D/B 10, G 11.
struct SegmentRegister {
    u16 selector = 0;
    u16 attributes = 0;
    u32 limit = 0;
    u64 base = 0;
};

/// What SGDT and SIDT show.
struct TableBase {
    u64 base = 0;
    u32 limit = 0;
};

/// Registers behind SYSCALL, SYSENTER and SWAPGS.
struct SystemCallRegisters {
    u64 star = 0, lstar = 0, cstar = 0, sfmask = 0, kernel_gs_base = 0;
    u64 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
};

struct DebugRegisters {
    u64 dr6 = 0;
    u64 dr7 = 0;
};

/// What the code at RIP is, and may.
struct CodeLevel {
    emulator::Mode mode = emulator::Mode::Bits16; ///< what the code segment and long mode make of its bytes
    u8 privilege = 0;
};

class VcpuBackend {
public:
    virtual ~VcpuBackend() = default;

    /// Runs the guest until it exits. Interrupts are disabled before and after. `flush`: forget cached translations.
    [[nodiscard]] virtual Exit enter(bool flush) = 0;
    /// The vCPU comes to this CPU / leaves it.
    virtual void load() = 0;
    virtual void unload() = 0;

    /// Valid between exits; changes take effect at the next entry.
    [[nodiscard]] GeneralRegisters& registers() { return registers_; }
    [[nodiscard]] GeneralRegisters const& registers() const { return registers_; }
    [[nodiscard]] virtual ControlRegisters controls() const = 0;
    virtual void set_controls(ControlRegisters const& value) = 0;
    [[nodiscard]] virtual SegmentRegister segment(SegmentName which) const = 0;
    virtual void set_segment(SegmentName which, SegmentRegister const& value) = 0;
    [[nodiscard]] virtual TableBase gdt() const = 0;
    [[nodiscard]] virtual TableBase idt() const = 0;
    virtual void set_descriptor_tables(TableBase gdt, TableBase idt) = 0;
    [[nodiscard]] virtual SystemCallRegisters system_calls() const = 0;
    virtual void set_system_calls(SystemCallRegisters const& value) = 0;
    [[nodiscard]] virtual DebugRegisters debug() const = 0;
    virtual void set_debug(DebugRegisters value) = 0;
    [[nodiscard]] virtual u64 pat() const = 0;
    virtual void set_pat(u64 value) = 0;
    /// Of the vCPU that this CPU runs, and nobody else's.
    [[nodiscard]] virtual CodeLevel code_level() const = 0;
    [[nodiscard]] virtual u64 cr4() const = 0; ///< as in controls(): CPUID's answers depend on it

    /// Delivers `event` with the next entry. One at a time: an exception takes the place of an interrupt, which then
    /// waits (it is never lost).
    virtual void inject(Event event) = 0;
    /// What inject() or an interrupted delivery has queued for the next entry.
    [[nodiscard]] virtual std::optional<Event> queued_event() const = 0;
    /// Takes an interrupt or NMI out of what is queued, if there is one; exceptions stay.
    [[nodiscard]] virtual std::optional<Event> take_back_event() = 0;
    /// As a CPU after INIT: nothing is queued or half delivered, no shadow, no NMI being handled.
    virtual void forget_events() = 0;
    /// The instruction that would be next is another one: the shadow of the one before it is over.
    virtual void end_shadow() = 0;
    /// RFLAGS.IF is set, no interrupt shadow, nothing queued.
    [[nodiscard]] virtual bool can_take_interrupt() const = 0;
    /// No NMI is being handled, no interrupt shadow, nothing queued.
    [[nodiscard]] virtual bool can_take_nmi() const = 0;
    /// Exit as soon as the guest can take an interrupt of this priority class (vector / 16) / an NMI.
    /// Holds for the next entry only.
    virtual void request_interrupt_window(u8 priority) = 0;
    virtual void request_nmi_window() = 0;
    /// Lets the CPU deliver the APIC's interrupts from its page, by itself, if it can do that: then true, and software
    /// delivers none and needs no window for them. Called before an entry when something about the APIC has changed.
    /// Whoever delivers: the task priority in the APIC's page is what CR8 shows the guest from the entry on, and after
    /// an exit the page has what the guest has written to CR8.
    [[nodiscard]] virtual bool hand_over(VirtualLocalApic const& apic) = 0;

    /// Steps over the instruction that caused the last exit, and ends the interrupt shadow.
    /// BadAddress if its end cannot be found (the guest changed it meanwhile): nothing happened.
    [[nodiscard]] virtual Expected<> advance() = 0;
    /// Steps to `rip`: the instruction was carried out by software.
    virtual void complete_instruction(u64 rip) = 0;

    /// Carries out the access to a control register that caused the last exit, or injects what it raises.
    virtual void access_control_register() = 0;

    virtual void set_tsc_offset(u64 offset) = 0;
    virtual void set_second_stage(Hpa root) = 0;
    /// Where the bitmap of intercepted ports is: a bit for each port, 8 KiB, and one page of ones behind it.
    virtual void set_port_bitmap(Hpa bitmap) = 0;

    /// For the log: which rule of the manual the state breaks, after an EntryFailure.
    [[nodiscard]] virtual std::string_view describe_entry_failure() const = 0;

protected:
    GeneralRegisters registers_;
};

/// What boot prints, one line for each. (design.md 5)
struct CapabilityReport {
    std::string_view extension;      ///< "SVM" or "VMX"
    bool next_rip = false;           ///< the CPU tells the length of an exiting instruction
    bool has_gibibyte_pages = false; ///< in the second stage
    u32 address_space_ids = 0;
};

class Virtualization {
public:
    virtual ~Virtualization() = default;
    /// Called on every CPU before it enters guests.
    virtual void enable_this_cpu() = 0;
    [[nodiscard]] virtual Expected<std::unique_ptr<VcpuBackend>> create_vcpu(VirtualCpu& cpu) = 0;
    [[nodiscard]] virtual Expected<std::unique_ptr<SecondStage>> create_second_stage() = 0;
    [[nodiscard]] virtual CapabilityReport report() const = 0;
};

/// Finds the CPU's extension, or stops the machine with the reason and the remedy. Once, on the boot CPU.
/// What `use_apic_virtualization` asks for is optional: not every CPU has it.
void initialize_virtualization(bool use_apic_virtualization);
/// The machine's extension.
[[nodiscard]] Virtualization& virtualization();

}
