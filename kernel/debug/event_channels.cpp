// SPDX-License-Identifier: MIT
/// A domain's event channels as lines of the log. A domain can have thousands, so only the first are shown singly.
#include "kernel/debug/event_channels.hpp"

#include <algorithm>
#include <string_view>

#include "kernel/domain/domain.hpp"
#include "kernel/lib/bounded_text.hpp"
#include "kernel/log/log.hpp"

namespace hospes {

namespace {

using xen::EventStatusKind;

constexpr u32 most_ports = most_event_channel_lines - 2; ///< that are shown singly

using PortNotes = BoundedText<48>;

/// What the domain's own bits say of a port, and how it is queued where that is not the usual way.
PortNotes notes_on(EventChannels& channels, xen::EventPort port)
{
    PortNotes notes;
    if (channels.is_pending(port)) notes.add(", pending");
    if (channels.is_masked(port)) notes.add(", masked");
    auto const queue = channels.fifo_state(port);
    if (!queue) return notes;
    if (queue->priority != xen::event_fifo_priority_default) notes.add(", priority {}", queue->priority);
    if (queue->is_linked) notes.add(", in a queue");
    return notes;
}

void show_heading(xen::DomainId domain, EventChannels const& channels)
{
    if (!channels.uses_fifo()) return log_info("domain {}: event channels", domain);
    log_info("domain {}: event channels, FIFO with words for {} ports", domain, channels.fifo_words());
}

void show_port(xen::EventPort port, xen::EventStatus const& status, std::string_view notes)
{
    switch (status.status) {
    case EventStatusKind::Unbound: return log_info("  port {} for domain {}{}", port, status.u.unbound.domain, notes);
    case EventStatusKind::Interdomain:
        return log_info("  port {} on vCPU {}, with port {} of domain {}{}", port, status.vcpu,
                        status.u.interdomain.port, status.u.interdomain.domain, notes);
    case EventStatusKind::Virq:
        return log_info("  port {} on vCPU {}, VIRQ {}{}", port, status.vcpu, status.u.virq, notes);
    case EventStatusKind::Ipi: return log_info("  port {} on vCPU {}, IPI{}", port, status.vcpu, notes);
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
    if (auto const status = channels.status(*port)) show_port(*port, *status, notes_on(channels, *port).text());
}

}
