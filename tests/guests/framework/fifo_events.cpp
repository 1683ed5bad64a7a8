// SPDX-License-Identifier: MIT
/// One queue, taken out from head to head.
#include "tests/guests/framework/fifo_events.hpp"

#include <array>
#include <atomic>

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"

namespace hospes::test::fifo_events {

namespace {

using enum xen::EventChannelCommand;

constinit xen::EventFifoControlBlock* block = nullptr;
constinit std::array<u32*, pages> words{};
constinit u32 page_count = 0;

template <typename T>
bool event(xen::EventChannelCommand command, T request)
{
    return hypercall(xen::Hypercall::EventChannelOp, command, &request) == 0;
}

u32& word(u32 port) { return words[port / words_per_page][port % words_per_page]; }

}

bool start()
{
    auto* const memory = allocate_pages();
    block = reinterpret_cast<xen::EventFifoControlBlock*>(memory);
    page_count = 0;
    return event(InitControl, xen::EventInitControl{gfn_of(memory), 0, 0, 0, {}}) && add_words();
}

bool add_words()
{
    auto* const memory = allocate_pages();
    words[page_count++] = reinterpret_cast<u32*>(memory);
    return event(ExpandArray, xen::EventExpandArray{gfn_of(memory)});
}

void take()
{
    std::atomic_ref{vcpu_info().event_upcall_pending}.exchange(0);
    if (std::atomic_ref{block->ready}.exchange(0) == 0) return;
    constexpr u32 linked = u32{1} << xen::event_fifo_linked_bit, pending = u32{1} << xen::event_fifo_pending_bit;
    for (u32 port = block->head[xen::event_fifo_priority_default]; port != 0;) {
        u32 const before = std::atomic_ref{word(port)}.fetch_and(~(linked | xen::event_fifo_link_mask));
        std::atomic_ref{word(port)}.fetch_and(~pending);
        port = before & xen::event_fifo_link_mask;
    }
}

}
