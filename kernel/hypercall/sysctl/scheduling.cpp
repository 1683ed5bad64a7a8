// SPDX-License-Identifier: MIT
/// The scheduler as a whole. There is one pool with all CPUs; what the toolstack calls credit2 is kernel/sched.
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/control_bitmap.hpp"
#include "kernel/hypercall/sysctl/sysctl_call.hpp"
#include "kernel/sched/policy.hpp"
#include "kernel/time/tick_scale.hpp"

namespace hospes::system_control {

namespace {

Expected<> describe_pool(SysctlCall& call)
{
    auto& request = call.request.u.cpupool_op;
    bool const wants_first = request.cpupool_id == 0 || request.cpupool_id == xen::cpupool_any;
    if (!wants_first) return failure(Error::NotFound);
    request.cpupool_id = 0;
    request.scheduler_id = static_cast<u32>(xen::SchedulerId::Credit2);
    request.nr_domains = domains::count();
    CpuSet cpus;
    for (unsigned cpu = 0; cpu < arch::cpu_count(); ++cpu) cpus.set(cpu);
    return write_bitmap(call.caller, request.cpus, cpus);
}

}

Expected<> scheduler_id(SysctlCall& call)
{
    call.request.u.sched_id.scheduler_id = static_cast<u32>(xen::SchedulerId::Credit2);
    return {};
}

/// The one parameter is how long a vCPU runs before another may preempt it; it is fixed here.
Expected<> scheduler_op(SysctlCall& call)
{
    constexpr u32 fixed_limit = static_cast<u32>(policy::preemption_lead / nanoseconds_per_microsecond);
    auto& request = call.request.u.scheduler_op;
    if (request.cpupool_id != 0) return failure(Error::NoSuchDomain);
    if (static_cast<xen::SchedulerId>(request.scheduler_id) != xen::SchedulerId::Credit2)
        return failure(Error::Invalid);
    switch (static_cast<xen::SysctlSchedulerCommand>(request.command)) {
    case xen::SysctlSchedulerCommand::GetInfo: request.u.credit2.ratelimit_us = fixed_limit; return {};
    case xen::SysctlSchedulerCommand::PutInfo:
        if (request.u.credit2.ratelimit_us == fixed_limit) return {};
        return failure(Error::NotSupported);
    default: return failure(Error::Invalid);
    }
}

Expected<> cpupool_op(SysctlCall& call)
{
    switch (static_cast<xen::CpupoolCommand>(call.request.u.cpupool_op.operation)) {
    case xen::CpupoolCommand::Info: return describe_pool(call);
    case xen::CpupoolCommand::FreeInfo: return write_bitmap(call.caller, call.request.u.cpupool_op.cpus, CpuSet{});
    case xen::CpupoolCommand::Create:
    case xen::CpupoolCommand::Destroy:
    case xen::CpupoolCommand::AddCpu:
    case xen::CpupoolCommand::RemoveCpu:
    case xen::CpupoolCommand::MoveDomain: return failure(Error::NotSupported);
    default: return failure(Error::NotImplemented);
    }
}

}
