// SPDX-License-Identifier: MIT
/// Adds up a domain's vCPUs and translates its life into Xen's flags.
#include "kernel/hypercall/domain_info.hpp"

#include "kernel/sched/scheduler.hpp"

namespace hospes {

namespace {

constexpr u32 no_shutdown_code = 0xffff;

struct VcpuSummary {
    u32 online = 0;
    u32 blocked = 0;
    bool any_running = false;
    u64 cpu_time = 0;
};

VcpuSummary summarize(Domain const& domain)
{
    VcpuSummary summary;
    for (auto const& vcpu : domain.vcpus()) {
        summary.cpu_time += scheduler::running_time(*vcpu);
        if (vcpu->waits_for(WaitReason::Down)) continue;
        ++summary.online;
        summary.blocked += vcpu->waits_for(WaitReason::Halted) || vcpu->waits_for(WaitReason::Polling) ? 1u : 0u;
        summary.any_running = summary.any_running || scheduler::is_on_cpu(*vcpu);
    }
    return summary;
}

u32 state_flags(Domain& domain, VcpuSummary const& vcpus)
{
    using namespace xen::domain_info_flag;
    u32 flags = hvm_guest | hap;
    if (domain.life() == Domain::Life::Dead) flags |= dying;
    if (domain.control.lock()->is_paused()) flags |= paused;
    if (vcpus.any_running) flags |= running;
    if (vcpus.online > 0 && vcpus.blocked == vcpus.online) flags |= blocked;
    auto const reason = domain.shutdown_reason();
    if (reason) flags |= shutdown;
    u32 const code = reason ? static_cast<u32>(*reason) : no_shutdown_code;
    return flags | code << xen::domain_info_shutdown_shift;
}

}

xen::DomctlGetDomainInfo describe_domain(Domain& domain)
{
    constexpr u8 second_stage_address_bits = 48;
    VcpuSummary const vcpus = summarize(domain);
    DomainConfiguration const& configuration = domain.configuration();
    xen::DomctlGetDomainInfo info{};
    info.domain = domain.id();
    info.flags = state_flags(domain, vcpus);
    info.total_pages = domain.quota.ram.used();
    info.max_pages = domain.quota.ram.limit();
    auto const shared_info = domain.shared_info_position();
    info.shared_info_frame = shared_info ? shared_info->raw() : ~u64{0};
    info.cpu_time = vcpus.cpu_time;
    info.nr_online_vcpus = vcpus.online;
    info.max_vcpu_id = domain.vcpus().empty() ? xen::invalid_max_vcpu_id : static_cast<u32>(domain.vcpus().size()) - 1;
    info.ssidref = configuration.ssidref;
    info.handle = domain.control.lock()->handle;
    info.guest_physical_address_bits = second_stage_address_bits;
    info.arch_config.emulation_flags = configuration.emulation_flags;
    return info;
}

xen::DomctlGetDomainState describe_state(Domain const& domain)
{
    using namespace xen::domain_state;
    using namespace xen::domain_capability;
    u16 state = exists;
    if (domain.shutdown_reason()) state |= shut_down;
    if (domain.life() == Domain::Life::Dying) state |= dying;
    if (domain.life() == Domain::Life::Dead) state |= dead;
    u16 const capabilities = domain.is_control_domain() ? control | hardware : 0;
    return {.state = state, .capabilities = capabilities, .pad = 0, .unique_id = domain.unique_id()};
}

}
