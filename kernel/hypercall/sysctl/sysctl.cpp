// SPDX-License-Identifier: MIT
/// sysctl(call): the toolstack's view of the machine. (xen/include/public/sysctl.h; abi.md 3.11, 3.14.)
#include "kernel/abi/xen/versions.hpp"
#include "kernel/hypercall/command_table.hpp"
#include "kernel/hypercall/sysctl/sysctl_call.hpp"

namespace hospes {

namespace {

struct Row {
    xen::SysctlCommand number;
    system_control::Handler handler;
};

using enum xen::SysctlCommand;

/// What the machine does not have, in Xen's words; anything else is NotImplemented.
Expected<> no_such_device(system_control::SysctlCall&) { return failure(Error::NoSuchDevice); }

constexpr std::array rows{
    Row{ReadConsole, system_control::read_console},
    Row{PhysInfo, system_control::physical_information},
    Row{SchedId, system_control::scheduler_id},
    Row{PerfcOp, system_control::performance_counters},
    Row{GetDomainInfoList, system_control::domain_list},
    Row{DebugKeys, system_control::press_debug_keys},
    Row{GetCpuInfo, system_control::cpu_idle_times},
    Row{AvailHeap, system_control::available_heap},
    Row{GetPmStat, no_such_device},
    Row{CpuTopologyInfo, system_control::cpu_topology},
    Row{NumaInfo, system_control::numa_information},
    Row{CpupoolOp, system_control::cpupool_op},
    Row{SchedulerOp, system_control::scheduler_op},
    Row{PsrCmtOp, no_such_device},
    Row{PciTopologyInfo, system_control::pci_topology},
    Row{PsrAlloc, no_such_device},
    Row{GetCpuLevellingCaps, system_control::levelling_capabilities},
    Row{GetCpuFeatureset, system_control::cpu_feature_set},
    Row{GetCpuPolicy, system_control::cpu_policy},
};
constexpr auto commands = command_table<rows>();

}

Expected<u64> sysctl(Vcpu& caller, HypercallArguments& arguments)
{
    auto const claim = claim_of<xen::Sysctl>(arguments[0]);
    auto request = copy_in(caller, claim);
    if (!request) return failure(request.error());
    if (!xen::is_known_sysctl(request->interface_version)) return failure(Error::AccessDenied);
    Row const* const row = commands.find(request->command);
    if (!row || !row->handler) return failure(Error::NotImplemented);
    system_control::SysctlCall call{caller, *request, arguments.progress};
    auto const done = row->handler(call);
    if (!done && done.error() != Error::Restart) return failure(done.error());
    if (auto const copied = copy_out(caller, claim, *request); !copied) return failure(copied.error());
    if (!done) return failure(done.error());
    return 0;
}

}
