// SPDX-License-Identifier: MIT
/// FIFO event channels of the first CPU, all of one priority: enough to hear of events, whichever they are.
#pragma once

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/lib/address.hpp"

namespace hospes::test::fifo_events {

inline constexpr u32 words_per_page = page_size / sizeof(u32), pages = xen::event_fifo_channels / words_per_page;

/// Takes up the ABI: ports are unmasked from now on, and those below 1,024 have their words. Ends with reset.
[[nodiscard]] bool start();
/// Words for the next 1,024 ports.
[[nodiscard]] bool add_words();
/// Takes all events out of the queue.
void take();

}
