// SPDX-License-Identifier: MIT
/// Rule: a domain has two watchdogs; one that it does not arm again in time ends it, with the reason that says so, and
/// one that it does arm again, or gives back, ends nothing (abi.md, 3.5).
/// Failure looks like a guest that hangs for ever although it had asked to be ended, or one that is ended while it
/// works.
///
/// With "silent" on the command line it arms one and falls silent, for tests/system; in dom0 that ends the machine.

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/loaded_guest.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u32 hours = 10'000; ///< in seconds: it will not come

void rules()
{
    report(fails_with(schedule::watchdog(1, hours), Error::Invalid), "arming one that was not taken");
    report(equal(schedule::watchdog(0, hours), 1), "taking one");
    report(equal(schedule::watchdog(0, hours), 2), "taking the other");
    report(fails_with(schedule::watchdog(0, hours), Error::NoSpace), "there is no third");
    report(fails_with(schedule::watchdog(3, hours), Error::Invalid), "nor a number for it");
    report(succeeds(schedule::watchdog(2, hours)), "arming again");
    report(succeeds(schedule::watchdog(2, 0)), "giving back");
    report(fails_with(schedule::watchdog(2, 0), Error::Invalid), "giving back what is not taken");
    report(equal(schedule::watchdog(0, hours), 2), "taking what was given back");
    report(succeeds(schedule::watchdog(1, 0)), "giving back one");
    report(succeeds(schedule::watchdog(2, 0)), "giving back the other");
    report(fails_with(hypercall(xen::Hypercall::SchedOp, xen::SchedCommand::Watchdog, unmapped_address),
                      Error::BadAddress),
           "a bad address");
}

/// Interrupts are on, for Bochs cannot take a CPU away otherwise (README.md).
[[noreturn]] void fall_silent()
{
    static_cast<void>(schedule::watchdog(0, 1));
    enable_interrupts();
    for (;;) asm volatile("" : : : "memory");
}

void sleep(u64 nanoseconds) { static_cast<void>(schedule::poll(nullptr, 0, now() + nanoseconds)); }

/// Arms its watchdog again and again for longer than that lasts, and gives it back in the end.
void give_signs_of_life()
{
    report(equal(schedule::watchdog(0, 2), 1), "taking one");
    for (u64 const begin = now(); now() < begin + 4 * second; sleep(second / 2))
        if (schedule::watchdog(1, 2) != 0) abandon("it cannot be armed again");
    report(succeeds(schedule::watchdog(1, 0)), "giving it back");
    sleep(3 * second);
}

xen::ShutdownReason end_of(std::string_view what)
{
    auto const guest = LoadedGuest::start({}, what);
    if (!guest) abandon("no other domain");
    return guest->wait();
}

void others()
{
    report(equal(end_of("silent"), xen::ShutdownReason::Watchdog), "a domain that falls silent is ended");
    report(equal(end_of("lively"), xen::ShutdownReason::Poweroff), "one that gives signs of life is not");
}

void run()
{
    if (has_argument("silent")) fall_silent();
    if (has_argument("lively")) return give_signs_of_life();
    rules();
    if (is_dom0()) others();
}

}

constinit Guest const this_guest{"watchdog", run};

}
