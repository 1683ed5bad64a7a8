// SPDX-License-Identifier: MIT
/// What is done for many events at once: a page of words for a thousand that wait, a debug key, the end of the ABI.
#include "tests/bench/stretches/fifo_events.hpp"

#include <array>
#include <atomic>

#include "kernel/abi/xen/event_channel.hpp"
#include "tests/bench/stretches/stopwatch.hpp"
#include "tests/bench/stretches/toolstack.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {
namespace {

using enum xen::EventChannelCommand;

constexpr u32 words_per_page = page_size / sizeof(u32), pages = xen::event_fifo_channels / words_per_page;

constinit xen::EventFifoControlBlock* block = nullptr;
constinit std::array<u32*, pages> words{};

template <typename T>
s64 event(xen::EventChannelCommand command, T request)
{
    return hypercall(xen::Hypercall::EventChannelOp, command, &request);
}

u32& word(u32 port) { return words[port / words_per_page][port % words_per_page]; }

/// From event to event until a queue is empty. Which they were is of no interest.
void take_queue(u32 port)
{
    while (port != 0) {
        constexpr u32 taken = u32{1} << xen::event_fifo_linked_bit | xen::event_fifo_link_mask;
        u32 const next = std::atomic_ref{word(port)}.fetch_and(~taken) & xen::event_fifo_link_mask;
        std::atomic_ref{word(port)}.fetch_and(~(u32{1} << xen::event_fifo_pending_bit));
        port = next;
    }
}

void take_events()
{
    std::atomic_ref{vcpu_info().event_upcall_pending}.exchange(0);
    if (std::atomic_ref{block->ready}.exchange(0) != 0) take_queue(block->head[xen::event_fifo_priority_default]);
}

bool add_words(u32 page)
{
    auto* const memory = allocate_pages();
    words[page] = reinterpret_cast<u32*>(memory);
    return event(ExpandArray, xen::EventExpandArray{gfn_of(memory)}) == 0;
}

/// All up to `last`.
bool take_ports(u32 last)
{
    for (;;) {
        auto const taken = event_channel::bind_ipi(0);
        if (taken.result != 0) return false;
        if (taken.port == last) return true;
    }
}

}

void measure_fifo_events()
{
    auto* const memory = allocate_pages();
    block = reinterpret_cast<xen::EventFifoControlBlock*>(memory);
    bool const can = event(InitControl, xen::EventInitControl{gfn_of(memory), 0, 0, 0, {}}) == 0 && add_words(0);
    if (!can) return report(false, "FIFO events");
    Stopwatch::take_events_by(take_events);

    report(take_ports(2 * words_per_page - 1), "ports for two pages of words");
    for (u32 port = words_per_page; port != 2 * words_per_page; ++port) (void)event_channel::send(port);
    Stopwatch::measure("expand_array, 1,024 events wait", [] { return add_words(1); });

    bool good = true;
    for (u32 page = 2; page != pages; ++page) good &= add_words(page);
    report(good && take_ports(xen::event_fifo_channels - 1), "all 131,071 ports");
    measure_ports("debug key e, all FIFO ports of dom0 in use");
    Stopwatch::take_port(xen::event_fifo_channels - 1);
    Stopwatch::measure("reset of all FIFO ports", [] { return event(Reset, xen::EventReset{xen::domid_self}) == 0; });
}

}
