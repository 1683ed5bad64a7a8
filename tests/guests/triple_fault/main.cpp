// SPDX-License-Identifier: MIT
/// Rule: a triple fault ends the guest that made it, as a reboot (HVM_PARAM_TRIPLE_FAULT_REASON), and nothing else.
/// Failure looks like a machine that resets because of one guest. As dom0 the machine does go down: in order, with
/// a line that names dom0.

#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {
namespace {

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};

void run()
{
    print("triple_fault: no interrupt table any more\n");
    TablePointer none{0, 0};
    asm volatile("lidt %0; ud2" : : "m"(none));
    report(false, "the CPU went on after a triple fault");
}

}

constinit Guest const this_guest{"triple_fault", run};

}
