// SPDX-License-Identifier: MIT
/// Guests that try to keep memory, or to have the hypervisor keep it: by areas registered twice at once, by frames that
/// live on as grants, by mappings taken away under a grant, by pages that are not theirs, by empty tables.

#include <algorithm>
#include <atomic>

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/lives/story.hpp"

namespace hospes::test {
namespace {

using xen::GrantStatus;
using xen::MapSpace;

constexpr u32 host_map = xen::grant_map_flag::host_map;
constexpr u16 self = xen::domid_self;

constinit std::atomic<u32> at_work{0};

/// Until the other vCPU has come as far; they then collide.
void meet()
{
    ++at_work;
    spin_until([] { return at_work == 2; });
}

bool give_up(u64 gfn) { return memory_operation::decrease_reservation(self, &gfn, 1, 0) == 1; }
bool take_back(u64 gfn) { return memory_operation::populate_physmap(self, &gfn, 1, 0) == 1; }

// --- two vCPUs register areas for a third, which is down ---

constexpr u32 target = 2, registrations = 500, areas = 16;

void register_areas(u32 cpu)
{
    u8 const* const pages = allocate_pages(areas);
    (void)now();
    meet();
    for (u32 i = 0; i != registrations; ++i) {
        u8 const* const page = pages + i % areas * page_size;
        (void)vcpu_operation::register_runstate(target, address(page));
        if (give_up(gfn_of(page))) (void)take_back(gfn_of(page));
    }
    (void)vcpu_operation::register_vcpu_info(target, gfn_of(pages), cpu * 64);
    ++at_work;
}

}

void twins()
{
    enable_events();
    start_others(2, register_areas);
    register_areas(0);
    spin_until([] { return at_work == 4; });
}

// --- a frame that was given up lives on in a grant mapping: does it still count? ---

void hoarder()
{
    constexpr u32 rounds = 256;
    u8 const* const page = allocate_pages();
    u32 const reference = grants::grant(own_id(), gfn_of(page));
    std::array<u32, rounds> handles{};
    u32 held = 0;
    while (held != rounds) {
        auto const mapped = grants::map(hole(held), host_map, reference, own_id());
        if (mapped.status != GrantStatus::Okay || !give_up(gfn_of(page))) break;
        handles[held++] = mapped.handle;
        if (!take_back(gfn_of(page))) break;
    }
    report(held <= 8, "frames that live on in grant mappings count towards the limit");
    for (u32 i = 0; i != held / 2; ++i)
        report(grants::is(grants::unmap(hole(i), handles[i]).status, GrantStatus::Okay), "unmap half of them");
}

// --- what takes a grant mapping away from under its handle? ---

namespace {

/// `action(gfn)` is tried on the place of a grant mapping. Whatever it does, the use of the grant can be ended.
template <typename Action>
void under_a_handle(u32 number, std::string_view what, Action action)
{
    u32 const reference = grants::grant(own_id(), gfn_of(allocate_pages()));
    auto const mapped = grants::map(hole(number), host_map, reference, own_id());
    report(grants::is(mapped.status, GrantStatus::Okay), "map");
    action(hole(number) >> page_shift);
    (void)grants::unmap(hole(number), mapped.handle);
    report(grants::withdraw(reference), what);
}

}

void zombie()
{
    auto const home = gfn_of(&shared_info());
    under_a_handle(0, "shared_info over a grant mapping", [&](u64 gfn) {
        if (memory_operation::add_to_physmap(self, MapSpace::SharedInfo, 0, gfn) == 0)
            (void)memory_operation::add_to_physmap(self, MapSpace::SharedInfo, 0, home);
    });
    under_a_handle(1, "a frame of the grant table over a grant mapping",
                   [](u64 gfn) { (void)memory_operation::add_to_physmap(self, MapSpace::GrantTable, 3, gfn); });
    under_a_handle(2, "remove_from_physmap of a grant mapping",
                   [](u64 gfn) { (void)memory_operation::remove_from_physmap(self, gfn); });
    under_a_handle(3, "a grant mapping given up as memory", [](u64 gfn) { (void)give_up(gfn); });
    under_a_handle(4, "memory populated over a grant mapping", [](u64 gfn) { (void)take_back(gfn); });
}

// --- the same by chance: two vCPUs change the same places at once ---

namespace {

constexpr u32 collisions = 400, contested_pages = 4;

u64 contested(u32 number)
{
    static u8 const* const pages = allocate_pages(contested_pages);
    return gfn_of(pages) + number % contested_pages;
}

void map_grants_there(u32)
{
    u32 const reference = grants::grant(own_id(), gfn_of(allocate_pages()));
    meet();
    for (u32 i = 0; i != collisions; ++i) {
        (void)give_up(contested(i));
        auto const mapped = grants::map(contested(i) << page_shift, host_map, reference, own_id());
        if (mapped.status == GrantStatus::Okay) (void)grants::unmap(contested(i) << page_shift, mapped.handle);
        (void)take_back(contested(i));
    }
    report(grants::withdraw(reference), "each use of the grant has ended");
    ++at_work;
}

}

void racer()
{
    enable_events();
    (void)contested(0);
    u64 const home = gfn_of(&shared_info());
    start_others(2, map_grants_there);
    meet();
    for (u32 i = 0; i != collisions; ++i) {
        (void)give_up(contested(i));
        (void)memory_operation::remove_from_physmap(self, contested(i + 1));
        if (i % 8 == 0) (void)memory_operation::add_to_physmap(self, MapSpace::SharedInfo, 0, contested(i));
        (void)take_back(contested(i + 2));
    }
    (void)memory_operation::add_to_physmap(self, MapSpace::SharedInfo, 0, home);
    spin_until([] { return at_work == 3; });
}

// --- a page of somebody else's: does the hypervisor write there after it was taken back? ---

namespace {

/// `use(gfn)` has the hypervisor keep a granted page, `write()` makes it write there.
template <typename Use, typename Write>
void keep_a_granted_page(u32 number, std::string_view what, Use use, Write write)
{
    u8* const page = allocate_pages();
    u32 const reference = grants::grant(own_id(), gfn_of(page));
    auto const mapped = grants::map(hole(number), host_map, reference, own_id());
    report(grants::is(mapped.status, GrantStatus::Okay), "map");
    use(hole(number) >> page_shift);
    report(grants::is(grants::unmap(hole(number), mapped.handle).status, GrantStatus::Okay), "unmap");
    report(grants::withdraw(reference), "withdraw");
    std::fill_n(page, page_size, u8{0});
    write();
    report(equal(page_size - static_cast<u64>(std::count(page, page + page_size, u8{0})), 0), what);
}

}

void pinned()
{
    enable_events();
    auto const port = event_channel::bind_ipi(0).port;
    unmask_port_quietly(port);
    keep_a_granted_page(
        0, "no run state is written into a page that its owner took back",
        [](u64 gfn) { (void)vcpu_operation::register_runstate(0, gfn << page_shift); },
        [] { (void)schedule::poll(nullptr, 0, now() + 100 * microsecond); });
    keep_a_granted_page(
        1, "no event is written into a page that its owner took back",
        [](u64 gfn) { (void)vcpu_operation::register_vcpu_info(0, gfn, 0); }, [=] { (void)event_channel::send(port); });
}

// --- tables with one entry each, and then with none ---

void sparse()
{
    constexpr u64 pages_of_a_table = 512;
    u64 const home = gfn_of(&shared_info());
    u64 tables = 0;
    for (u64 gfn = 4 * gib >> page_shift; tables != 3000; ++tables, gfn += pages_of_a_table)
        if (memory_operation::add_to_physmap(self, MapSpace::SharedInfo, 0, gfn) != 0) break;
    report(tables > 500, "shared_info can be mapped in many places, one after the other");
    report(succeeds(memory_operation::add_to_physmap(self, MapSpace::SharedInfo, 0, home)), "and comes home");
}

}
