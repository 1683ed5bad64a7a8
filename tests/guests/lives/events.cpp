// SPDX-License-Identifier: MIT
/// Guests that leave timers running and event channels open, and one that holds on to a neighbour that is being
/// destroyed.

#include <atomic>

#include "kernel/abi/xen/event_channel.hpp"
#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/lives/story.hpp"

namespace hospes::test {
namespace {

constinit std::atomic<u32> ticking{0};

void start_ticking(u32)
{
    constexpr u64 divide_by_one = 0xb, periodic = 1 << 17, masked = 1 << 16;
    apic::enable();
    write_msr(apic::timer_divide, divide_by_one);
    write_msr(apic::timer_entry, periodic | masked | 0x40);
    write_msr(apic::timer_initial, 1);
    ++ticking;
}

}

/// Ends with the fastest periodic timers there are running on each vCPU.
void ticker()
{
    enable_events();
    start_others(2, start_ticking);
    start_ticking(0);
    spin_until([] { return ticking == 2; });
}

/// Has all the event channels there are, twice.
void collector()
{
    constexpr u32 all = xen::event_two_level_channels - 1;
    (void)shared_info();
    u32 got = 0;
    while (event_channel::bind_ipi(0).result == 0) ++got;
    report(equal(got, all), "every port but the first");
    xen::EventReset request{xen::domid_self};
    report(succeeds(hypercall(xen::Hypercall::EventChannelOp, xen::EventChannelCommand::Reset, &request)), "reset");
    got = 0;
    while (event_channel::alloc_unbound(xen::domid_self, xen::domid_self).result == 0) ++got;
    report(equal(got, all), "and again");
}

namespace {

constexpr u32 offers = 256;

}

void offering()
{
    for (u32 i = 0; i != offers; ++i)
        if (event_channel::alloc_unbound(xen::domid_self, id_of_actor()).result != 0) abandon("no port to offer");
    say_ready();
    for (;;) (void)schedule::block();
}

/// Binds and closes in step with the destruction of its neighbour, then sends through whatever it is left with.
void clinger()
{
    (void)shared_info();
    for (u32 refused = 0; refused != offers;) {
        refused = 0;
        for (u32 port = 1; port <= offers; ++port) {
            auto const bound = event_channel::bind_interdomain(id_of_partner(), port);
            if (bound.result == -static_cast<s64>(Error::NoSuchDomain)) ++refused;
            if (bound.result == 0 && port % 16 != 0) (void)event_channel::close(bound.port);
        }
        say_ready();
    }
    for (u32 port = 1; port != 1024; ++port) (void)event_channel::send(port);
}

}
