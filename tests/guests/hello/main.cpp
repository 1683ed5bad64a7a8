// SPDX-License-Identifier: MIT
/// Rule: a guest gets from its entry point to a console line, a memory map and an orderly end.
/// Failure looks like silence: no line at all means the loader, the entry state or the console is broken.

#include "kernel/abi/xen/start_info.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

void run()
{
    print("hello, command line \"", command_line(), "\", ", cpu_count(), " vCPUs\n");
    report(equal(start_info().magic, 0x336ec578), "start_info magic");
    u64 usable = 0;
    for (auto const& range : memory_map()) {
        print("  ", hex(range.begin), " + ", hex(range.size), " type ", range.type, "\n");
        if (range.type == usable_memory) usable += range.size;
    }
    report(usable >= 2 * mib, "the memory map holds RAM");
}

}

constinit Guest const this_guest{"hello", run};

}
