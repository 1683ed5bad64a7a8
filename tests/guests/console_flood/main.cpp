// SPDX-License-Identifier: MIT
/// Rule: a guest may write to its console without end and only fills its own log; a line is never mixed with the
/// hypervisor's or lost inside. kilobytes=N on the command line sets how much.
/// Failure looks like a host console that cannot be used any more, or numbers missing from the log.

#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u64 line_length = 64;

void run()
{
    u64 lines = argument("kilobytes", 16) * kib / line_length;
    for (u64 line = 0; line != lines; ++line) {
        print("console_flood line ", 100'000 + line, " ......................................\n");
    }
    report(true, "everything was taken");
}

}

constinit Guest const this_guest{"console_flood", run};

}
