// SPDX-License-Identifier: MIT
/// Rule: 4 MiB are enough for a guest with a console, a disk and a network; thousands of such guests fit a machine.
/// Failure looks like a hypervisor that needs more for a guest than the guest itself.
///
/// It says "tiny: ready", then answers pings until seconds=N are over (for ever otherwise). Linked at 1 MiB (build.mk).

#include "tests/guests/framework/block.hpp"
#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/network.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

void run()
{
    u64 usable = 0;
    for (auto const& range : memory_map()) usable += range.type == usable_memory ? range.size : 0;
    print("  ", usable / kib, " KiB of memory\n");
    if (auto disk = BlockDevice::connect()) {
        auto* page = allocate_pages();
        report(disk->read(0, page, 1).has_value(), "read the disk");
    } else {
        skip("no disk");
    }
    auto network = NetworkDevice::connect();
    if (!network) skip("no network");
    print("tiny: ready at ", now() / microsecond, " us\n");
    auto seconds = argument("seconds", 1'000'000'000);
    auto deadline = now() + seconds * second;
    if (network) {
        (void)answer_pings(*network, {10, 0, 0, static_cast<u8>(argument("host", 2))}, ~0u, deadline);
    } else {
        (void)schedule::poll(nullptr, 0, deadline);
    }
    report(true, "the end");
}

}

constinit Guest const this_guest{"tiny", run};

}
