// SPDX-License-Identifier: MIT
/// The envelopes of domctl and sysctl, and questions about the machine.

#include "tests/guests/framework/toolstack.hpp"

#include <array>

#include "kernel/abi/xen/versions.hpp"
#include "kernel/hypercall/domctl/layout.hpp"
#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {

namespace {

/// The oldest release that is answered, whose calls Debian's Xen takes, too.
constexpr xen::Release const& release = xen::releases.front();

}

s64 domctl(xen::DomctlCommand command, u16 domain, xen::Domctl& call)
{
    call.command = static_cast<u32>(command);
    call.interface_version = release.domctl_version;
    call.domain = domain;
    control::narrow(call, release);
    s64 const result = hypercall(xen::Hypercall::Domctl, &call);
    control::widen(call, release);
    return result;
}

s64 domctl(xen::DomctlCommand command, u16 domain)
{
    xen::Domctl call{};
    return domctl(command, domain, call);
}

s64 sysctl(xen::SysctlCommand command, xen::Sysctl& call)
{
    call.command = static_cast<u32>(command);
    call.interface_version = release.sysctl_version;
    return hypercall(xen::Hypercall::Sysctl, &call);
}

bool keep_off_first_cpu(u16 domain, u32 vcpu)
{
    constexpr u8 all_but_first = 0xfe;
    std::array<u8, 8> cpus{all_but_first, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    xen::Domctl call{};
    call.u.vcpu_affinity.vcpu = vcpu;
    call.u.vcpu_affinity.flags = xen::vcpu_affinity_flag::hard;
    call.u.vcpu_affinity.hard = {.bitmap = {address(cpus.data())}, .nr_bits = 8 * cpus.size(), .pad = 0};
    return domctl(xen::DomctlCommand::SetVcpuAffinity, domain, call) == 0;
}

std::optional<xen::DomctlGetDomainInfo> domain_info(u16 domain)
{
    xen::Domctl call{};
    if (domctl(xen::DomctlCommand::GetDomainInfo, domain, call) != 0 || call.domain != domain) return std::nullopt;
    return call.u.get_domain_info;
}

u64 free_pages()
{
    xen::Sysctl call{};
    if (sysctl(xen::SysctlCommand::PhysInfo, call) != 0) abandon("the machine cannot be described");
    return call.u.phys_info.free_pages;
}

u64 free_pages_at_rest()
{
    constexpr u32 looks = 50;
    u64 pages = free_pages();
    for (u32 same = 0; same != looks;) {
        (void)schedule::poll(nullptr, 0, now() + millisecond);
        u64 const seen = free_pages();
        same = seen == pages ? same + 1 : 0;
        pages = seen;
    }
    return pages;
}

u32 domain_count()
{
    static std::array<xen::DomctlGetDomainInfo, 64> domains;
    xen::Sysctl call{};
    call.u.get_domain_info_list.max_domains = domains.size();
    call.u.get_domain_info_list.buffer = {address(domains.data())};
    if (sysctl(xen::SysctlCommand::GetDomainInfoList, call) != 0) abandon("the domains cannot be listed");
    return call.u.get_domain_info_list.nr_domains;
}

}
