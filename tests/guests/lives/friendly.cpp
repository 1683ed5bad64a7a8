// SPDX-License-Identifier: MIT
/// Guests that do what guests do: events, timers, grants, memory given up and taken back, alone and with a neighbour.

#include <atomic>

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/lives/story.hpp"

namespace hospes::test {
namespace {

constexpr u32 host_map = xen::grant_map_flag::host_map;

constinit std::atomic<u32> pings{0}, pongs{0}, ticks{0};
constinit std::array<u32, 2> ports{};
constinit std::atomic<bool> other_is_ready{false}, other_may_stop{false};

void answer(u32)
{
    enable_events();
    other_is_ready = true;
    while (!other_may_stop) let_interrupts_in();
}

void set_up()
{
    enable_events();
    start_others(2, answer);
    if (!wait_until([] { return other_is_ready.load(); }, long_enough)) abandon("the other vCPU does not come");
    ports = {event_channel::bind_ipi(0).port, event_channel::bind_ipi(1).port};
    auto const ping = [](u32) {
        ++pings;
        (void)event_channel::send(ports[0]);
    };
    set_event_handler(ports[1], ping, 1);
    set_event_handler(ports[0], [](u32) { ++pongs; }, 0);
    (void)set_timer_handler([](u32) { ++ticks; });
}

void use_events()
{
    u32 const before = pongs;
    (void)event_channel::send(ports[1]);
    report(wait_until([=] { return pongs > before; }, long_enough), "an event goes there and back");
    u32 const tick = ticks;
    (void)start_timer(now() + 50 * microsecond);
    report(wait_until([=] { return ticks > tick; }, long_enough), "the timer fires");
}

void use_grants()
{
    static u8* const page = allocate_pages();
    u32 const reference = grants::grant(own_id(), gfn_of(page));
    auto const mapped = grants::map(hole(0), host_map, reference, own_id());
    report(grants::is(mapped.status, xen::GrantStatus::Okay), "a page is granted and mapped");
    report(grants::is(grants::unmap(hole(0), mapped.handle).status, xen::GrantStatus::Okay), "and unmapped");
    report(grants::withdraw(reference), "and withdrawn");
}

void use_memory()
{
    constexpr u64 count = 32;
    static u8* const pages = allocate_pages(count);
    std::array<u64, count> gfns{};
    for (u64 i = 0; i != count; ++i) gfns[i] = gfn_of(pages) + i;
    report(equal(memory_operation::decrease_reservation(xen::domid_self, gfns.data(), count, 0), count),
           "memory is given up");
    report(equal(memory_operation::populate_physmap(xen::domid_self, gfns.data(), count, 0), count), "and taken back");
}

}

void friendly()
{
    set_up();
    for (u32 round = 0; round != 8; ++round) {
        use_events();
        use_grants();
        use_memory();
    }
    other_may_stop = true;
}

void endless()
{
    set_up();
    for (say_ready();;) {
        use_events();
        use_memory();
    }
}

namespace {

constexpr u32 inheritance = 64; ///< pages

}

/// Grants pages to the guest after it, and is gone before that one has finished with them.
void generous()
{
    u8 const* const pages = allocate_pages(inheritance);
    for (u32 i = 0; i != inheritance; ++i) (void)grants::grant(id_of_actor(), gfn_of(pages) + i);
    say_ready();
    for (;;) (void)schedule::block();
}

void heir()
{
    std::array<xen::GrantMap, inheritance> mapped{};
    for (u32 i = 0; i != inheritance; ++i) {
        mapped[i] = grants::map(hole(i), host_map, xen::grant_reserved_entries + i, id_of_partner());
        report(grants::is(mapped[i].status, xen::GrantStatus::Okay), "map a neighbour's page");
    }
    say_ready();
    auto& word = *reinterpret_cast<u32 volatile*>(hole(0));
    for (u32 i = 0; i != 1000; ++i) {
        word = i;
        (void)schedule::yield();
    }
    report(equal(word, 999), "its pages outlive the granter");
    for (u32 i = 0; i != inheritance / 2; ++i)
        report(grants::is(grants::unmap(hole(i), mapped[i].handle).status, xen::GrantStatus::Okay), "unmap half");
}

}
