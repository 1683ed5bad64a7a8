// SPDX-License-Identifier: MIT
/// The table of hypercalls, and the way through it: count, permit, call, turn errors into results.
#include "kernel/hypercall/table.hpp"

#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/counters.hpp"

namespace hospes {

namespace {

constexpr std::array hypercalls{
    Hypercall{xen::Hypercall::PlatformOp, "platform_op", Caller::ControlDomain, platform_op},
    Hypercall{xen::Hypercall::MemoryOp, "memory_op", Caller::AnyDomain, memory_op},
    Hypercall{xen::Hypercall::Multicall, "multicall", Caller::AnyDomain, multicall},
    Hypercall{xen::Hypercall::SetTimerOp, "set_timer_op", Caller::AnyDomain, set_timer_op},
    Hypercall{xen::Hypercall::XenVersion, "xen_version", Caller::AnyDomain, xen_version},
    Hypercall{xen::Hypercall::ConsoleIo, "console_io", Caller::ControlDomain, console_io},
    Hypercall{xen::Hypercall::GrantTableOp, "grant_table_op", Caller::AnyDomain, grant_table_op},
    Hypercall{xen::Hypercall::VmAssist, "vm_assist", Caller::AnyDomain, vm_assist},
    Hypercall{xen::Hypercall::VcpuOp, "vcpu_op", Caller::AnyDomain, vcpu_op},
    Hypercall{xen::Hypercall::SchedOp, "sched_op", Caller::AnyDomain, sched_op},
    Hypercall{xen::Hypercall::EventChannelOp, "event_channel_op", Caller::AnyDomain, event_channel_op},
    Hypercall{xen::Hypercall::PhysdevOp, "physdev_op", Caller::ControlDomain, physdev_op},
    Hypercall{xen::Hypercall::HvmOp, "hvm_op", Caller::AnyDomain, hvm_op},
    Hypercall{xen::Hypercall::Sysctl, "sysctl", Caller::ControlDomain, sysctl},
    Hypercall{xen::Hypercall::Domctl, "domctl", Caller::ControlDomain, domctl},
};

/// Row of the table by hypercall number; absent numbers have none.
constexpr auto rows = [] {
    std::array<Hypercall const*, hypercall_numbers> by_number{};
    for (Hypercall const& row : hypercalls) by_number[static_cast<u32>(row.number)] = &row;
    return by_number;
}();

}

HypercallResult dispatch_hypercall(Vcpu& caller, u64 number, HypercallArguments& arguments)
{
    caller.budget = {};
    return dispatch_inner_hypercall(caller, number, arguments);
}

HypercallResult dispatch_inner_hypercall(Vcpu& caller, u64 number, HypercallArguments& arguments)
{
    if (number >= hypercall_numbers) return HypercallResult::of(Error::NotImplemented);
    ++hypercall_counters.mine()[number];
    Hypercall const* const row = rows[number];
    if (!row) return HypercallResult::of(Error::NotImplemented);
    if (row->allowed == Caller::ControlDomain && !caller.domain().is_control_domain())
        return HypercallResult::of(Error::NotPermitted);
    auto const result = row->handler(caller, arguments);
    if (result) return {.value = *result};
    if (result.error() == Error::Restart) return {.restart = true};
    return HypercallResult::of(result.error());
}

std::string_view hypercall_name(u64 number)
{
    return number < hypercall_numbers && rows[number] ? rows[number]->name : "";
}

}
