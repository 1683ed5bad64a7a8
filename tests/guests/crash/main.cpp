// SPDX-License-Identifier: MIT
/// Rule: a guest says why it stops, and the toolstack sees that reason: SCHEDOP_shutdown(crash) here, or another one
/// given as reason=N on the command line (0 power off, 1 reboot, 2 suspend, 3 crash, 4 watchdog).
/// Failure looks like a crashed guest that is listed as running. In dom0 a crash ends the machine's work; with
/// `noreboot` the hypervisor stops and says so.

#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

void run()
{
    auto reason = static_cast<u32>(argument("reason", static_cast<u64>(xen::ShutdownReason::Crash)));
    print("crash: shutting down with reason ", reason, "\n");
    auto result = schedule::shutdown(xen::ShutdownReason{reason});
    if (reason == static_cast<u32>(xen::ShutdownReason::Suspend)) {
        report(result == 0 || result == 1, "resumed");
    } else {
        report(false, "the shutdown came back");
    }
}

}

constinit Guest const this_guest{"crash", run};

}
