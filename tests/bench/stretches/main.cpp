// SPDX-License-Identifier: MIT
/// Rule: nothing that a guest or the toolstack can ask for keeps a CPU from interrupts for longer than 100,000
/// instructions. Each line is the worst argument of one call; tests/bench/run.py prints them beside Xen's.
/// Failure looks like a host whose other guests and devices stand still while one guest makes a hypercall.

#include <array>

#include "kernel/abi/xen/cpuid.hpp"
#include "kernel/abi/xen/grant_table.hpp"
#include "kernel/abi/xen/multicall.hpp"
#include "tests/bench/stretches/fifo_events.hpp"
#include "tests/bench/stretches/stopwatch.hpp"
#include "tests/bench/stretches/toolstack.hpp"
#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {
namespace {

constexpr u16 self = xen::domid_self;
constexpr u64 calls = 32;             ///< in one multicall
constexpr u64 frames_per_call = 1024; ///< of a populate or a decrease
constexpr u64 pieces_per_call = 128;  ///< of a list of grant operations

constinit std::array<u64, calls * frames_per_call> gfns{};
constinit std::array<xen::MulticallEntry, calls> entries{};
constinit std::array<xen::MemoryReservation, calls> reservations{};

bool run_multicall(u64 count) { return hypercall(xen::Hypercall::Multicall, entries.data(), count) == 0; }

/// One multicall of many times the same operation on memory.
bool many_reservations(xen::MemoryCommand command)
{
    for (u64 i = 0; i != calls; ++i) {
        reservations[i] = {.extent_start = {address(&gfns[i * frames_per_call])},
                           .nr_extents = frames_per_call,
                           .extent_order = 0,
                           .mem_flags = 0,
                           .domain = self,
                           .pad = {}};
        entries[i] = {.operation = static_cast<u64>(xen::Hypercall::MemoryOp),
                      .result = 0,
                      .arguments = {static_cast<u64>(command), address(&reservations[i])}};
    }
    bool good = run_multicall(calls);
    for (auto const& entry : entries) good &= entry.result == frames_per_call;
    return good;
}

void memory()
{
    constexpr u64 bytes = calls * frames_per_call * page_size;
    auto const spare = spare_memory(bytes, 2 * mib);
    if (!spare) return report(false, "memory for the test");
    for (u64 i = 0; i != gfns.size(); ++i) gfns[i] = (*spare >> page_shift) + i;
    u64 const* const first = gfns.data();
    using namespace memory_operation;
    Stopwatch::measure("multicall of 32 decreases",
                       [] { return many_reservations(xen::MemoryCommand::DecreaseReservation); });
    Stopwatch::measure("multicall of 32 populates",
                       [] { return many_reservations(xen::MemoryCommand::PopulatePhysmap); });
    Stopwatch::measure("decrease, 1,024 pages", [=] { return decrease_reservation(self, first, 1024, 0) == 1024; });
    Stopwatch::measure("populate, 1,024 pages", [=] { return populate_physmap(self, first, 1024, 0) == 1024; });
    Stopwatch::measure("decrease, 2 MiB mapped by pages", [=] { return decrease_reservation(self, first, 1, 9) == 1; });
    Stopwatch::measure("populate, 2 MiB", [=] { return populate_physmap(self, first, 1, 9) == 1; });
    Stopwatch::measure("decrease, 2 MiB", [=] { return decrease_reservation(self, first, 1, 9) == 1; });
    (void)populate_physmap(self, first, 1, 9);
}

// --- grants ---

constinit std::array<xen::GrantMap, pieces_per_call> maps{};
constinit std::array<xen::GrantUnmap, pieces_per_call> unmaps{};
constinit std::array<xen::GrantCopy, pieces_per_call> copies{};

bool all_okay(auto const& operations)
{
    for (auto const& operation : operations)
        if (operation.status != xen::GrantStatus::Okay) return false;
    return true;
}

bool copy_many()
{
    for (auto& entry : entries)
        entry = {.operation = static_cast<u64>(xen::Hypercall::GrantTableOp),
                 .result = 0,
                 .arguments = {static_cast<u64>(xen::GrantTableCommand::Copy), address(copies.data()), copies.size()}};
    return run_multicall(calls) && all_okay(copies);
}

void grant_operations()
{
    u16 const own_id = static_cast<u16>(cpuid(xen::cpuid_first_leaf + 4).ecx);
    u64 const source = gfn_of(allocate_pages());
    u64 const target = gfn_of(allocate_pages());
    for (u32 i = 0; i != pieces_per_call; ++i) {
        u32 const reference = grants::grant(own_id, source);
        maps[i] = {};
        maps[i].host_address = unused_gfn(i) << page_shift;
        maps[i].flags = xen::grant_map_flag::host_map;
        maps[i].reference = reference;
        maps[i].domain = own_id;
        copies[i] = {};
        copies[i].source.u.reference = reference;
        copies[i].source.domain = own_id;
        copies[i].destination.u.gfn = target;
        copies[i].destination.domain = self;
        copies[i].length = page_size;
        copies[i].flags = xen::grant_copy_flag::source_is_reference;
    }
    using enum xen::GrantTableCommand;
    Stopwatch::measure("map 128 grants",
                       [] { return grants::operation(MapGrantRef, maps.data(), maps.size()) == 0 && all_okay(maps); });
    for (u32 i = 0; i != pieces_per_call; ++i) {
        unmaps[i] = {};
        unmaps[i].host_address = maps[i].host_address;
        unmaps[i].handle = maps[i].handle;
    }
    Stopwatch::measure("unmap 128 grants", [] {
        return grants::operation(UnmapGrantRef, unmaps.data(), unmaps.size()) == 0 && all_okay(unmaps);
    });
    Stopwatch::measure("multicall of 32 times 128 grant copies", copy_many);
}

// --- events ---

void event_channels()
{
    u16 const own_id = static_cast<u16>(cpuid(xen::cpuid_first_leaf + 4).ecx);
    u32 pairs = 0;
    for (;; ++pairs) {
        auto const unbound = event_channel::alloc_unbound(self, own_id);
        if (unbound.result != 0 || event_channel::bind_interdomain(own_id, unbound.port).result != 0) break;
    }
    report(pairs > 400, "many ports");
    measure_ports("debug key e, all ports of dom0 in use");
    Stopwatch::take_port(xen::event_two_level_channels -
                         1); // ports are closed in ascending order, the stopwatch's own among them
    Stopwatch::measure("reset of all event channels", [] {
        xen::EventReset request{.domain = self};
        return hypercall(xen::Hypercall::EventChannelOp, xen::EventChannelCommand::Reset, &request) == 0;
    });
}

void run()
{
    Stopwatch::prepare();
    memory();
    grant_operations();
    measure_domains();
    measure_machine();
    event_channels();
    measure_fifo_events();
}

}

constinit Guest const this_guest{"stretches", run};

}
