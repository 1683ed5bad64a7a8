// SPDX-License-Identifier: MIT
/// From SVM's exit codes to the common vocabulary.
#include "arch/x86_64/irq/vectors.hpp"
#include "arch/x86_64/svm/svm_vcpu.hpp"

namespace hospes::svm {

using arch::Exit;
using arch::ExitKind;
using emulator::Operation;

namespace {

struct Meaning {
    ExitKind kind = ExitKind::Unknown;
    Operation operation = Operation::None; ///< the instruction, where the exit is about one
};

struct Row {
    u64 code;
    Meaning meaning;
};

/// (APM vol. 2, appendix C)
constexpr auto rows = std::to_array<Row>({
    {exit_code::read_cr4, {ExitKind::ControlRegister, Operation::MovFromControl}},
    {exit_code::write_cr4, {ExitKind::ControlRegister, Operation::MovToControl}},
    {exit_code::interrupt, {ExitKind::HostInterrupt}},
    {exit_code::nmi, {ExitKind::HostNmi}},
    {exit_code::init, {ExitKind::HostInterrupt}},
    {exit_code::virtual_interrupt, {ExitKind::InterruptWindow}},
    {exit_code::iret, {ExitKind::NmiWindow}},
    {exit_code::cpuid, {ExitKind::Cpuid, Operation::Cpuid}},
    {exit_code::hlt, {ExitKind::Halt, Operation::Hlt}},
    {exit_code::vmmcall, {ExitKind::Hypercall, Operation::Vmmcall}},
    {exit_code::msr, {ExitKind::ReadMsr, Operation::Rdmsr}}, // or a write, see EXITINFO1
    {exit_code::port, {ExitKind::Port}},
    {exit_code::xsetbv, {ExitKind::WriteXcr, Operation::Xsetbv}},
    {exit_code::invd, {ExitKind::FlushCaches, Operation::Invd}},
    {exit_code::wbinvd, {ExitKind::FlushCaches, Operation::Wbinvd}},
    {exit_code::rsm, {ExitKind::RefusedInstruction, Operation::Rsm}},
    {exit_code::invlpga, {ExitKind::RefusedInstruction, Operation::Invlpga}},
    {exit_code::vmrun, {ExitKind::RefusedInstruction, Operation::Vmrun}},
    {exit_code::vmload, {ExitKind::RefusedInstruction, Operation::Vmload}},
    {exit_code::vmsave, {ExitKind::RefusedInstruction, Operation::Vmsave}},
    {exit_code::stgi, {ExitKind::RefusedInstruction, Operation::Stgi}},
    {exit_code::clgi, {ExitKind::RefusedInstruction, Operation::Clgi}},
    {exit_code::skinit, {ExitKind::RefusedInstruction, Operation::Skinit}},
    {exit_code::monitor, {ExitKind::RefusedInstruction, Operation::Monitor}},
    {exit_code::mwait, {ExitKind::RefusedInstruction, Operation::Mwait}},
    {exit_code::mwait_armed, {ExitKind::RefusedInstruction, Operation::Mwait}},
    {exit_code::rdpmc, {ExitKind::RefusedInstruction, Operation::Rdpmc}},
    {exit_code::rdpru, {ExitKind::RefusedInstruction, Operation::Rdpru}},
    {exit_code::invlpgb, {ExitKind::RefusedInstruction}},
    {exit_code::mcommit, {ExitKind::RefusedInstruction}},
    {exit_code::tlbsync, {ExitKind::RefusedInstruction}},
    {exit_code::ferr_freeze, {ExitKind::HostInterrupt}},
    {exit_code::shutdown, {ExitKind::TripleFault}},
    {exit_code::task_switch, {ExitKind::TaskSwitch}},
});

constexpr auto meanings = [] {
    std::array<Meaning, exit_code::table_size> table{};
    for (Row const& row : rows) table[row.code] = row.meaning;
    for (u64 code = exit_code::exception_first; code <= exit_code::exception_last; ++code)
        table[code] = {ExitKind::Exception};
    table[exit_code::exception_first + exception::machine_check] = {ExitKind::MachineCheck};
    return table;
}();

bool is_entry_failure(u64 code) { return static_cast<u32>(code) == static_cast<u32>(exit_code::invalid); }

arch::PortExit describe_port(PortInformation information)
{
    u8 const bytes = information.get<PortInformation::Bytes4>()   ? 4
                     : information.get<PortInformation::Bytes2>() ? 2
                                                                  : 1;
    return {.port = information.get<PortInformation::Port>(),
            .bytes = bytes,
            .write = !information.get<PortInformation::In>(),
            .string = information.get<PortInformation::String>()};
}

arch::MemoryExit describe_fault(Vmcb const& vmcb)
{
    NestedFault const fault{vmcb.exit_information_1};
    return {.where = Gpa{vmcb.exit_information_2},
            .write = fault.get<NestedFault::Write>(),
            .execute = fault.get<NestedFault::Execute>(),
            .reserved_bits = fault.get<NestedFault::ReservedBits>(),
            .in_page_walk = fault.get<NestedFault::InPageWalk>(),
            .in_delivery = EventInformation{vmcb.exit_interrupt_information}.get<EventInformation::Valid>()};
}

/// #AC is the only intercepted exception with an error code.
arch::ExceptionExit describe_exception(Vmcb const& vmcb)
{
    u8 const vector = static_cast<u8>(vmcb.exit_code - exit_code::exception_first);
    return {.vector = vector,
            .has_error_code = vector == exception::alignment_check,
            .error_code = static_cast<u32>(vmcb.exit_information_1)};
}

ExitKind kind_of(Vmcb const& vmcb)
{
    u64 const code = vmcb.exit_code;
    if (code < meanings.size()) {
        ExitKind const kind = meanings[code].kind;
        if (kind == ExitKind::ReadMsr) [[unlikely]]
            return vmcb.exit_information_1 != 0 ? ExitKind::WriteMsr : kind;
        return kind;
    }
    if (code == exit_code::nested_fault) return ExitKind::MemoryFault;
    return is_entry_failure(code) ? ExitKind::EntryFailure : ExitKind::Unknown;
}

/// Of a kind that has details.
Exit describe_details(Vmcb const& vmcb, ExitKind kind)
{
    switch (kind) {
    case ExitKind::Port: return describe_port(PortInformation{vmcb.exit_information_1});
    case ExitKind::MemoryFault: return describe_fault(vmcb);
    case ExitKind::Exception: return describe_exception(vmcb);
    default: return arch::UnknownExit{vmcb.exit_code, vmcb.exit_information_1, vmcb.exit_information_2};
    }
}

}

Exit describe_exit(Vmcb const& vmcb)
{
    ExitKind const kind = kind_of(vmcb);
    return Exit::made_of(kind, [&] { return describe_details(vmcb, kind); });
}

/// INVD and WBINVD count as one: QEMU's TCG reports the first as the second.
bool can_have_caused_exit(Vmcb const& vmcb, Operation operation)
{
    if (vmcb.exit_code == exit_code::msr)
        return operation == (vmcb.exit_information_1 != 0 ? Operation::Wrmsr : Operation::Rdmsr);
    if (vmcb.exit_code >= meanings.size()) return false;
    Meaning const& meaning = meanings[vmcb.exit_code];
    if (meaning.kind == ExitKind::FlushCaches) return operation == Operation::Invd || operation == Operation::Wbinvd;
    return operation != Operation::None && operation == meaning.operation;
}

}
