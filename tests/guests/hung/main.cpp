// SPDX-License-Identifier: MIT
/// Rule: a guest that has armed its watchdog and then hangs is ended. In dom0 that ends the machine, which begins anew;
/// with `noreboot` the hypervisor stops and says so.
/// Failure looks like a machine that hangs for ever.

#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {
namespace {

void run()
{
    report(equal(schedule::watchdog(0, 1), 1), "taking a watchdog");
    print("hung: nothing more will come from here\n");
    enable_interrupts(); // Bochs cannot take a CPU away otherwise (README.md)
    for (;;) asm volatile("" : : : "memory");
}

}

constinit Guest const this_guest{"hung", run};

}
