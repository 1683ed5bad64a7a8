// SPDX-License-Identifier: MIT
/// A domain's event channels as lines of the log. A domain can have thousands, so only the first are shown singly.
#include "kernel/debug/event_channels.hpp"

#include <string_view>

#include "kernel/domain/domain.hpp"
#include "kernel/log/log.hpp"

namespace hospes {

namespace {

using xen::EventStatusKind;

constexpr u32 most_lines = 32;

void show_port(xen::EventPort port, xen::EventStatus const& status, bool is_pending)
{
    std::string_view const pending = is_pending ? ", pending" : "";
    switch (status.status) {
    case EventStatusKind::Unbound: return log_info("  port {} for domain {}{}", port, status.u.unbound.domain, pending);
    case EventStatusKind::Interdomain:
        return log_info("  port {} on vCPU {}, with port {} of domain {}{}", port, status.vcpu,
                        status.u.interdomain.port, status.u.interdomain.domain, pending);
    case EventStatusKind::Virq:
        return log_info("  port {} on vCPU {}, VIRQ {}{}", port, status.vcpu, status.u.virq, pending);
    case EventStatusKind::Ipi: return log_info("  port {} on vCPU {}, IPI{}", port, status.vcpu, pending);
    default: return;
    }
}

}

void show_event_channels(Domain& domain)
{
    EventChannels& channels = domain.event_channels;
    log_info("domain {}: event channels", domain.id());
    PortTable::Numbers const in_use = channels.in_use();
    u32 lines = 0;
    for (auto port = in_use.first_set(); port && lines != most_lines; port = in_use.first_set(*port + 1), ++lines)
        if (auto const status = channels.status(*port)) show_port(*port, *status, channels.is_pending(*port));
    if (u32 const all = in_use.count(); all > lines) log_info("  and {} more", all - lines);
}

}
