// SPDX-License-Identifier: MIT
/// A domain's event channels as lines of the log. A domain can have thousands, so only the first are shown singly.
#include "kernel/debug/event_channels.hpp"

#include <algorithm>
#include <string_view>

#include "kernel/domain/domain.hpp"
#include "kernel/log/log.hpp"

namespace hospes {

namespace {

using xen::EventStatusKind;

constexpr u32 most_ports = most_event_channel_lines - 2; ///< that are shown singly

/// What the domain's own bits say.
std::string_view flags_of(EventChannels& channels, xen::EventPort port)
{
    if (channels.is_pending(port)) return channels.is_masked(port) ? ", pending, masked" : ", pending";
    return channels.is_masked(port) ? ", masked" : "";
}

void show_heading(xen::DomainId domain, EventChannels const& channels)
{
    if (!channels.uses_fifo()) return log_info("domain {}: event channels", domain);
    log_info("domain {}: event channels, FIFO with words for {} ports", domain, channels.fifo_words());
}

/// Where it is in no queue and has the usual priority there is nothing to be said.
void show_queue(EventChannels& channels, xen::EventPort port)
{
    auto const state = channels.fifo_state(port);
    if (!state || (!state->is_linked && state->priority == xen::event_fifo_priority_default)) return;
    log_info("    priority {}{}", state->priority, state->is_linked ? ", in a queue" : "");
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

}

u32 event_channel_lines(Domain& domain) { return 1 + std::min(domain.event_channels.count_in_use(), most_ports + 1); }

void show_event_channel_line(Domain& domain, u32 line)
{
    EventChannels& channels = domain.event_channels;
    if (line == 0) return show_heading(domain.id(), channels);
    u32 const in_use = channels.count_in_use();
    if (line > most_ports) return log_info("  and {} more", in_use - std::min(in_use, most_ports));
    auto port = channels.next_in_use(1);
    for (u32 before = 1; port && before != line; ++before) port = channels.next_in_use(*port + 1);
    if (!port) return;
    auto const status = channels.status(*port);
    if (!status) return;
    show_port(*port, *status, flags_of(channels, *port));
    show_queue(channels, *port);
}

}
