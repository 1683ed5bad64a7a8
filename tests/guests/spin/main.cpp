// SPDX-License-Identifier: MIT
/// Rule: a guest that never gives up its CPU, with interrupts off, can be paused, listed and destroyed like any
/// other, and the others get their share.
/// Failure looks like a host that no longer answers. It has no verdict of its own: tests/system starts it beside
/// others.

#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {
namespace {

void run()
{
    disable_interrupts();
    print("spin: spinning\n");
    for (;;) asm volatile("" : : : "memory");
}

}

constinit Guest const this_guest{"spin", run};

}
