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

/// What the domain's own bits say.
std::string_view flags_of(EventChannels const& channels, xen::EventPort port)
{
    if (channels.is_pending(port)) return channels.is_masked(port) ? ", pending, masked" : ", pending";
    return channels.is_masked(port) ? ", masked" : "";
}

void show_port(xen::EventPort port, xen::EventStatus const& status, std::string_view flags)
{
    switch (status.status) {
    case EventStatusKind::Unbound: return log_info("  port {} for domain {}{}", port, status.u.unbound.domain, flags);
    case EventStatusKind::Interdomain:
        return log_info("  port {} on vCPU {}, with port {} of domain {}{}", port, status.vcpu,
                        status.u.interdomain.port, status.u.interdomain.domain, flags);
    case EventStatusKind::Virq:
        return log_info("  port {} on vCPU {}, VIRQ {}{}", port, status.vcpu, status.u.virq, flags);
    case EventStatusKind::Ipi: return log_info("  port {} on vCPU {}, IPI{}", port, status.vcpu, flags);
    default: return;
    }
}

/// How many of the lines stand before that of `port`.
u32 lines_before(PortTable::Numbers const& in_use, u32 port)
{
    u32 lines = 0;
    for (auto at = in_use.first_set(); at && *at < port; at = in_use.first_set(*at + 1)) ++lines;
    return lines;
}

}

bool show_event_channels(Domain& domain, u32& port, Budget& budget)
{
    EventChannels& channels = domain.event_channels;
    PortTable::Numbers const in_use = channels.in_use();
    if (port == 0) log_info("domain {}: event channels", domain.id());
    u32 lines = lines_before(in_use, port);
    for (auto next = in_use.first_set(port); next && lines < most_lines; next = in_use.first_set(port), ++lines) {
        if (auto const status = channels.status(*next)) show_port(*next, *status, flags_of(channels, *next));
        port = *next + 1;
        if (budget.is_spent() && port < PortTable::capacity) return false;
    }
    if (u32 const all = in_use.count(); all > lines) log_info("  and {} more", all - lines);
    return true;
}

}
