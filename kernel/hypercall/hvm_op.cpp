// SPDX-License-Identifier: MIT
/// hvm_op(command, argument): parameters and the upcall vector. (xen/include/public/hvm/hvm_op.h; abi.md 3.6.)
#include "kernel/abi/xen/hvm_op.hpp"

#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/command_table.hpp"
#include "kernel/time/clock.hpp"

namespace hospes {

namespace {

using enum xen::HvmParamIndex;

/// Who may set and get a parameter; the control domain may do both on every one that is listed.
struct Parameter {
    xen::HvmParamIndex index;
    bool guest_sets = false;
    bool guest_gets = false;
};

/// The parameters that exist. The others are deprecated, or belong to features we leave out: Invalid.
constexpr std::array parameters{
    Parameter{CallbackIrq, true, true},
    Parameter{StorePfn, false, true},
    Parameter{StoreEventChannel, true, true},
    Parameter{IoreqPfn},
    Parameter{BufferedIoreqPfn},
    Parameter{Viridian},
    Parameter{TimerMode},
    Parameter{HpetEnabled},
    Parameter{IdentityPageTable},
    Parameter{AcpiSState},
    Parameter{Vm86Tss, true, true},
    Parameter{VptAlign},
    Parameter{ConsolePfn, false, true},
    Parameter{ConsoleEventChannel, true, true},
    Parameter{AcpiIoportsLocation, true, true},
    Parameter{PagingRingPfn},
    Parameter{MonitorRingPfn},
    Parameter{SharingRingPfn},
    Parameter{TripleFaultReason},
    Parameter{IoreqServerPfn},
    Parameter{NrIoreqServerPages},
    Parameter{VmGenerationIdAddress, true, true},
    Parameter{Altp2m},
    Parameter{X87FipWidth, true, true},
    Parameter{Vm86TssSized, true, true},
    Parameter{McaCap},
};

Parameter const* find_parameter(u32 index)
{
    for (Parameter const& row : parameters)
        if (static_cast<u32>(row.index) == index) return &row;
    return nullptr;
}

/// Only a vector is routed by us. Any other value is remembered, because the toolstack reads "not zero" as "has
/// paravirtual drivers" (abi.md 4.5).
void route_callback(Domain& domain, u64 value)
{
    auto const type = static_cast<xen::HvmCallbackType>(value >> xen::hvm_callback_type_shift);
    arch::set_callback_vector(domain, type == xen::HvmCallbackType::Vector ? static_cast<u8>(value) : u8{0});
}

Expected<> set_parameter(Vcpu& caller, xen::HvmParam const& request)
{
    Parameter const* const row = find_parameter(request.index);
    if (!row) return failure(Error::Invalid);
    auto const domain = domains::resolve(caller, request.domain);
    if (!domain) return failure(domain.error());
    if (!row->guest_sets && !caller.domain().is_control_domain()) return failure(Error::NotPermitted);
    if (row->index == TripleFaultReason && request.value > xen::shutdown_reason_max) return failure(Error::Invalid);
    (*domain)->control.lock()->parameters[request.index] = request.value;
    if (row->index != CallbackIrq) return {};
    route_callback(**domain, request.value);
    if (&**domain == &caller.domain()) caller.domain().latch_shared_info(caller.narrow_call != nullptr);
    return {};
}

Expected<> get_parameter(Vcpu& caller, xen::HvmParam& request)
{
    Parameter const* const row = find_parameter(request.index);
    if (!row) return failure(Error::Invalid);
    auto const domain = domains::resolve(caller, request.domain);
    if (!domain) return failure(domain.error());
    if (!row->guest_gets && !caller.domain().is_control_domain()) return failure(Error::NotPermitted);
    request.value = (*domain)->control.lock()->parameters[request.index];
    return {};
}

Expected<> set_upcall_vector(Vcpu& caller, xen::HvmEventUpcallVector const& request)
{
    constexpr u8 first_vector = 0x10; // below lie the processor's own exceptions
    if (request.vector < first_vector) return failure(Error::Invalid);
    Vcpu* const target = caller.domain().vcpu(request.vcpu);
    if (!target) return failure(Error::NotFound);
    arch::set_upcall_vector(*target, request.vector);
    return {};
}

Expected<> get_time(Vcpu&, xen::HvmGetTime& answer)
{
    answer.now = clock::now();
    return {};
}

/// A hint about shadow page tables, which do not exist here. Linux probes for it.
Expected<> page_table_dying(Vcpu&) { return failure(Error::Invalid); }

constexpr std::array rows{
    CommandRow{xen::HvmCommand::SetParam, taking<set_parameter>},
    CommandRow{xen::HvmCommand::GetParam, answering<get_parameter>},
    CommandRow{xen::HvmCommand::PagetableDying, plain<page_table_dying>},
    CommandRow{xen::HvmCommand::GetTime, telling<get_time>},
    CommandRow{xen::HvmCommand::SetEventUpcallVector, taking<set_upcall_vector>},
};
constexpr auto commands = command_table<rows>();

}

Expected<u64> hvm_op(Vcpu& caller, HypercallArguments& arguments)
{
    return run_command(commands.find(static_cast<u32>(arguments[0])), caller, caller, arguments[1]);
}

}
