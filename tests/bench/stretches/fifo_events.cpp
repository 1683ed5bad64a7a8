// SPDX-License-Identifier: MIT
/// What is done for many events at once: a page of words for a thousand that wait, a debug key, the end of the ABI.
#include "tests/guests/framework/fifo_events.hpp"

#include "tests/bench/stretches/fifo_events.hpp"
#include "tests/bench/stretches/stopwatch.hpp"
#include "tests/bench/stretches/toolstack.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {
namespace {

using namespace fifo_events;

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
    if (!start()) return report(false, "FIFO events");
    Stopwatch::take_events_by(fifo_events::take);

    report(take_ports(2 * words_per_page - 1), "ports for two pages of words");
    for (u32 port = words_per_page; port != 2 * words_per_page; ++port) (void)event_channel::send(port);
    Stopwatch::measure("expand_array, 1,024 events wait", add_words);

    bool good = true;
    for (u32 page = 2; page != pages; ++page) good &= add_words();
    report(good && take_ports(xen::event_fifo_channels - 1), "all 131,071 ports");
    measure_ports("debug key e, all FIFO ports of dom0 in use");
    Stopwatch::take_port(xen::event_fifo_channels - 1);
    Stopwatch::measure("reset of all FIFO ports", [] {
        xen::EventReset request{xen::domid_self};
        return hypercall(xen::Hypercall::EventChannelOp, xen::EventChannelCommand::Reset, &request) == 0;
    });
}

}
