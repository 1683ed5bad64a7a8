// SPDX-License-Identifier: MIT
/// A domain's vCPUs and their scheduling.
#include "kernel/hypercall/control_bitmap.hpp"
#include "kernel/hypercall/domctl/domctl_call.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes::control {

Expected<> max_vcpus(DomctlCall& call)
{
    if (call.request.u.max_vcpus.max_vcpus != call.domain->configuration().max_vcpus) return failure(Error::Invalid);
    return call.domain->create_vcpus(call.budget());
}

Expected<> get_vcpu_info(DomctlCall& call)
{
    auto& request = call.request.u.get_vcpu_info;
    auto const found = call.vcpu(request.vcpu);
    if (!found) return failure(Error::NoSuchDomain);
    Vcpu const& vcpu = **found;
    s32 const on_cpu = vcpu.scheduling.on_cpu.load();
    request.online = vcpu.waits_for(WaitReason::Down) ? 0 : 1;
    request.blocked = vcpu.waits_for(WaitReason::Halted) || vcpu.waits_for(WaitReason::Polling) ? 1 : 0;
    request.running = on_cpu >= 0 ? 1 : 0;
    request.cpu_time = scheduler::running_time(vcpu);
    request.cpu = on_cpu >= 0 ? static_cast<u32>(on_cpu) : vcpu.scheduling.home_cpu.load();
    return {};
}

Expected<> get_vcpu_affinity(DomctlCall& call)
{
    auto const& request = call.request.u.vcpu_affinity;
    auto const vcpu = call.vcpu(request.vcpu);
    if (!vcpu) return failure(Error::NoSuchDomain);
    SchedulingState const& state = (*vcpu)->scheduling;
    if ((request.flags & xen::vcpu_affinity_flag::hard) != 0)
        if (auto const copied = write_bitmap(call.caller, request.hard, state.hard_affinity.load()); !copied)
            return copied;
    if ((request.flags & xen::vcpu_affinity_flag::soft) != 0)
        if (auto const copied = write_bitmap(call.caller, request.soft, state.soft_affinity.load()); !copied)
            return copied;
    return {};
}

/// Sets what the flags name, and answers with what is in effect.
Expected<> set_vcpu_affinity(DomctlCall& call)
{
    auto const& request = call.request.u.vcpu_affinity;
    auto const vcpu = call.vcpu(request.vcpu);
    if (!vcpu) return failure(Error::NoSuchDomain);
    SchedulingState const& state = (*vcpu)->scheduling;
    CpuSet hard = state.hard_affinity;
    CpuSet soft = state.soft_affinity;
    if ((request.flags & xen::vcpu_affinity_flag::hard) != 0) {
        auto const wanted = read_bitmap(call.caller, request.hard);
        if (!wanted) return failure(wanted.error());
        hard = *wanted;
    }
    if ((request.flags & xen::vcpu_affinity_flag::soft) != 0) {
        auto const wanted = read_bitmap(call.caller, request.soft);
        if (!wanted) return failure(wanted.error());
        soft = *wanted;
    }
    if (auto const set = scheduler::set_affinity(**vcpu, hard, soft); !set) return set;
    return get_vcpu_affinity(call);
}

namespace {

constexpr u16 keep_cap = 0xffff; ///< the toolstack's "leave it as it is"

Expected<> put_parameters(Domain& domain, xen::SchedCredit2Params const& wanted)
{
    if (wanted.cap != keep_cap && wanted.cap > 100 * max_vcpus_per_domain) return failure(Error::Invalid);
    scheduler::set_share(domain, wanted.weight != 0 ? wanted.weight : domain.share.weight.load(),
                         wanted.cap != keep_cap ? wanted.cap : domain.share.cap_percent.load());
    return {};
}

}

Expected<> scheduler_op(DomctlCall& call)
{
    auto& request = call.request.u.scheduler_op;
    if (static_cast<xen::SchedulerId>(request.scheduler_id) != xen::SchedulerId::Credit2)
        return failure(Error::Invalid);
    switch (static_cast<xen::DomctlSchedulerCommand>(request.command)) {
    case xen::DomctlSchedulerCommand::PutInfo: return put_parameters(*call.domain, request.u.credit2);
    case xen::DomctlSchedulerCommand::GetInfo:
        request.u.credit2 = {.weight = static_cast<u16>(call.domain->share.weight.load()),
                             .cap = static_cast<u16>(call.domain->share.cap_percent.load())};
        return {};
    default: return failure(Error::Invalid);
    }
}

/// Only NMI; PVH guests have no buttons to press.
Expected<> send_trigger(DomctlCall& call)
{
    auto const& request = call.request.u.send_trigger;
    auto const vcpu = call.vcpu(request.vcpu);
    if (!vcpu) return failure(Error::NoSuchDomain);
    if (static_cast<xen::Trigger>(request.trigger) != xen::Trigger::Nmi) return failure(Error::NotImplemented);
    arch::inject_nmi(**vcpu);
    return {};
}

}
