// SPDX-License-Identifier: MIT
/// From VMX's exit reasons to the common vocabulary.
#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/guest/control_policy.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "arch/x86_64/vmx/control_registers.hpp"
#include "arch/x86_64/vmx/vmx_vcpu.hpp"

namespace hospes::vmx {

using arch::Exit;
using arch::ExitKind;

namespace {

struct Row {
    u16 first;
    u16 last;
    ExitKind kind;
};

/// (SDM vol. 3, appendix C)
constexpr auto rows = std::to_array<Row>({
    {reason::external_interrupt, reason::external_interrupt, ExitKind::HostInterrupt},
    {reason::triple_fault, reason::triple_fault, ExitKind::TripleFault},
    {reason::init, reason::startup, ExitKind::HostInterrupt},
    {reason::interrupt_window, reason::interrupt_window, ExitKind::InterruptWindow},
    {reason::nmi_window, reason::nmi_window, ExitKind::NmiWindow},
    {reason::task_switch, reason::task_switch, ExitKind::TaskSwitch},
    {reason::cpuid, reason::cpuid, ExitKind::Cpuid},
    {reason::getsec, reason::getsec, ExitKind::RefusedInstruction},
    {reason::hlt, reason::hlt, ExitKind::Halt},
    {reason::control_register, reason::control_register, ExitKind::ControlRegister},
    {reason::invd, reason::invd, ExitKind::FlushCaches},
    {reason::rdpmc, reason::rdpmc, ExitKind::RefusedInstruction},
    {reason::rsm, reason::rsm, ExitKind::RefusedInstruction},
    {reason::vmcall, reason::vmcall, ExitKind::Hypercall},
    {reason::vmclear, reason::vmxon, ExitKind::RefusedInstruction},
    {reason::port, reason::port, ExitKind::Port},
    {reason::rdmsr, reason::rdmsr, ExitKind::ReadMsr},
    {reason::wrmsr, reason::wrmsr, ExitKind::WriteMsr},
    {reason::mwait, reason::mwait, ExitKind::RefusedInstruction},
    {reason::monitor, reason::monitor, ExitKind::RefusedInstruction},
    {reason::tpr_below_threshold, reason::tpr_below_threshold, ExitKind::InterruptWindow},
    {reason::virtualized_end_of_interrupt, reason::virtualized_end_of_interrupt, ExitKind::EndOfInterrupt},
    {reason::ept_violation, reason::ept_misconfiguration, ExitKind::MemoryFault},
    {reason::invept, reason::invept, ExitKind::RefusedInstruction},
    {reason::invvpid, reason::invvpid, ExitKind::RefusedInstruction},
    {reason::wbinvd, reason::wbinvd, ExitKind::FlushCaches},
    {reason::xsetbv, reason::xsetbv, ExitKind::WriteXcr},
    {reason::apic_write, reason::apic_write, ExitKind::ApicWrite},
    {reason::vmfunc, reason::encls, ExitKind::RefusedInstruction},
    {reason::seamcall, reason::tdcall, ExitKind::RefusedInstruction},
});

constexpr auto kinds = [] {
    std::array<ExitKind, reason::table_size> table{};
    table.fill(ExitKind::Unknown);
    for (Row const& row : rows)
        for (u16 code = row.first; code <= row.last; ++code) table[code] = row.kind;
    return table;
}();

arch::PortExit describe_port(PortQualification qualification)
{
    return {.port = qualification.get<PortQualification::Port>(),
            .bytes = static_cast<u8>(qualification.get<PortQualification::LastByte>() + 1),
            .write = !qualification.get<PortQualification::In>(),
            .string = qualification.get<PortQualification::String>()};
}

arch::MemoryExit describe_violation(EptQualification qualification, bool delivering)
{
    bool const in_walk =
        qualification.get<EptQualification::HasLinear>() && !qualification.get<EptQualification::FinalAccess>();
    return {.where = Gpa{read(field::guest_physical_address)},
            .write = qualification.get<EptQualification::Write>(),
            .execute = qualification.get<EptQualification::Execute>(),
            .in_page_walk = in_walk,
            .in_delivery = delivering};
}

/// NMIs stay blocked until the next IRET: the one in our own handler. (SDM vol. 3, 28.3.3)
void take_host_nmi() { asm volatile("int %0" : : "i"(exception::non_maskable_interrupt) : "memory"); }

}

ExitKind kind_of(u16 reason) { return reason < kinds.size() ? kinds[reason] : ExitKind::Unknown; }

Exit VmxVcpu::describe_exit(u16 reason, ExitKind kind)
{
    if (reason == reason::exception_or_nmi) return describe_exception();
    u64 const qualification = read(field::exit_qualification);
    switch (kind) {
    case ExitKind::Port: return describe_port(PortQualification{qualification});
    // Both are like traps: RIP is behind the instruction, and what the APIC's page says is done.
    case ExitKind::EndOfInterrupt:
        return arch::EndOfInterruptExit{ApicQualification{qualification}.get<ApicQualification::Vector>()};
    case ExitKind::ApicWrite:
        return arch::ApicWriteExit{ApicQualification{qualification}.get<ApicQualification::Offset>()};
    case ExitKind::MemoryFault: return describe_memory_fault(reason, EptQualification{qualification});
    default: return arch::UnknownExit{reason, qualification, 0};
    }
}

arch::MemoryExit VmxVcpu::describe_memory_fault(u16 reason, EptQualification qualification)
{
    if (reason == reason::ept_misconfiguration)
        return {.where = Gpa{read(field::guest_physical_address)}, .reserved_bits = true};
    bool const delivering = EventInformation{read(field::interrupted_event)}.get<EventInformation::Valid>();
    if (qualification.get<EptQualification::NmiUnblocked>() && !delivering) restore_nmi_blocking();
    return describe_violation(qualification, delivering);
}

Exit VmxVcpu::describe_exception()
{
    EventInformation const event{read(field::exit_event)};
    u8 const vector = event.get<EventInformation::Vector>();
    if (event.get<EventInformation::Kind>() == EventInformation::Type::Nmi) {
        take_host_nmi();
        return ExitKind::HostNmi;
    }
    if (vector == exception::machine_check) return ExitKind::MachineCheck;
    if (event.get<EventInformation::NmiUnblocked>() && vector != exception::double_fault) restore_nmi_blocking();
    if (vector == exception::debug) note_debug_exception();
    // INT1 is a trap: its exception comes after it.
    if (event.get<EventInformation::Kind>() == EventInformation::Type::PrivilegedSoftwareException)
        registers_.rip += read(field::exit_instruction_length);
    bool const has_error_code = event.get<EventInformation::HasErrorCode>();
    return arch::ExceptionExit{.vector = vector,
                               .has_error_code = has_error_code,
                               .error_code = has_error_code ? read(field::exit_error_code) : 0};
}

/// An exit leaves DR6 and DR7 alone; the exception would have changed them. (SDM vol. 3, 28.1 and 18.2.3)
void VmxVcpu::note_debug_exception()
{
    constexpr u64 breakpoint_bits = 0xf;
    constexpr u64 general_detect = 1 << 13; ///< DR7.GD
    arch::DebugRegisters now = debug();
    now.dr6 = (now.dr6 & ~breakpoint_bits) | (read(field::exit_qualification) & debug_qualification_bits);
    now.dr7 &= ~general_detect;
    set_debug(now);
}

/// The exit interrupted an IRET that had already unblocked NMIs; it will be executed again. (SDM vol. 3, 28.2.3)
void VmxVcpu::restore_nmi_blocking()
{
    Interruptibility const state{read(field::guest_interruptibility)};
    write(field::guest_interruptibility, state.with<Interruptibility::ByNmi>(true).raw());
}

// --- CR0 and CR4 ---

/// The guest touched a bit that is ours: carry its instruction out here.
void VmxVcpu::access_control_register()
{
    if (auto const after = after_access(read(field::exit_qualification))) {
        set_controls(*after);
        skip_instruction();
    } else {
        inject({.kind = arch::Event::Kind::Exception, .vector = exception::general_protection, .has_error_code = true});
    }
}

std::optional<arch::ControlRegisters> VmxVcpu::after_access(u64 raw) const
{
    using Access = ControlRegisterQualification::Type;
    ControlRegisterQualification const access{raw};
    arch::ControlRegisters const before = controls();
    bool const in_64_bit_code = code_level().mode == emulator::Mode::Bits64;
    if (access.get<ControlRegisterQualification::Access>() == Access::Lmsw)
        return after_cr0_write(
            before, cr0_after_lmsw(before.cr0, access.get<ControlRegisterQualification::LmswSource>()), in_64_bit_code);
    u64 const full = registers_.gpr[access.get<ControlRegisterQualification::GeneralRegister>()];
    u64 const value = in_64_bit_code ? full : full & 0xffff'ffff;
    if (access.get<ControlRegisterQualification::Number>() == 0) return after_cr0_write(before, value, in_64_bit_code);
    u64 const possible = capabilities().cr4_may_be_one & (guest_cr4_bits | shadowed_cr4_bits);
    return arch::after_cr4_write(before, value, possible & arch::legal_cr4(virtual_cpu_.virtual_machine().policy));
}

}
