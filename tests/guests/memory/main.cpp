// SPDX-License-Identifier: MIT
/// Rule: a domain can give memory back and take it again, counts are exact, and an operation on what is not
/// there says so (abi.md, 3.1).
/// Failure looks like a balloon driver's BUG, memory that leaks with every guest, or a page owned twice.

#include "tests/guests/framework/memory.hpp"

#include <array>
#include <bit>
#include <utility>

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u16 self = xen::domid_self;
constexpr u16 nobody = 0x1234;

s64 pages() { return memory_operation::current_reservation(self); }

void map_protocol()
{
    std::array<xen::E820Entry, 128> entries{};
    xen::MemoryMap request{};
    request.nr_entries = 128;
    request.buffer = {address(entries.data())};
    report(succeeds(hypercall(xen::Hypercall::MemoryOp, xen::MemoryCommand::MemoryMap, &request)), "memory_map");
    auto whole = request.nr_entries;
    report(whole > 0 && whole < 128, "number of entries");
    bool apart = true;
    for (u32 i = 0; i < whole; ++i) {
        for (u32 j = 0; j < i; ++j) {
            apart &= entries[i].address + entries[i].size <= entries[j].address ||
                     entries[j].address + entries[j].size <= entries[i].address;
        }
    }
    report(apart, "no overlap"); // not sorted: libxl appends its special pages
    std::array<xen::E820Entry, 2> two{};
    two[1].type = 77;
    request.nr_entries = 1;
    request.buffer = {address(two.data())};
    report(succeeds(hypercall(xen::Hypercall::MemoryOp, xen::MemoryCommand::MemoryMap, &request)), "with room for one");
    report(request.nr_entries == 1 && two[1].type == 77, "only one is written");
    request.nr_entries = 1;
    request.buffer = {unmapped_address};
    report(fails_with(hypercall(xen::Hypercall::MemoryOp, xen::MemoryCommand::MemoryMap, &request), Error::BadAddress),
           "at a bad address");
}

void single_pages()
{
    auto before = pages();
    report(before > 0, "current_reservation");
    report(memory_operation::maximum_reservation(self) >= before, "maximum_reservation");
    auto* page = allocate_pages(4);
    std::array<u64, 4> gfns{gfn_of(page), gfn_of(page) + 1, gfn_of(page) + 2, gfn_of(page) + 3};
    report(equal(memory_operation::decrease_reservation(self, gfns.data(), 4, 0), 4), "give back four pages");
    report(equal(pages(), before - 4), "the count falls by four");
    (void)memory_operation::decrease_reservation(self, gfns.data(), 1, 0);
    report(equal(pages(), before - 4), "giving one back twice changes nothing");
    report(equal(memory_operation::populate_physmap(self, gfns.data(), 4, 0), 4), "take four");
    report(equal(pages(), before), "the count is as before");
    auto volatile* memory = page;
    for (size_t i = 0; i != 4; ++i) memory[i * page_size] = static_cast<u8>(i + 1);
    report(memory[0] == 1 && memory[3 * page_size] == 4, "and they are memory, four different pages");
}

void large_pages()
{
    constexpr u32 order = 9;
    auto spare = spare_memory(2 * mib, 2 * mib);
    if (!spare) return skip("no 2 MiB to spare");
    auto before = pages();
    std::array<u64, 1> gfns{*spare >> page_shift};
    report(equal(memory_operation::decrease_reservation(self, gfns.data(), 1, order), 1), "give back 2 MiB");
    report(equal(pages(), before - 512), "512 pages fewer");
    report(equal(memory_operation::populate_physmap(self, gfns.data(), 1, order), 1), "take 2 MiB");
    report(equal(pages(), before), "512 pages more");
    auto volatile* last = reinterpret_cast<u8 volatile*>(*spare + 2 * mib - 1);
    *last = 0x77;
    report(equal(*last, 0x77), "its last byte is memory");
}

void wrong_reservations()
{
    auto* page = allocate_pages();
    std::array<u64, 2> gfns{gfn_of(page), gfn_of(page)};
    auto before = pages();
    report(equal(memory_operation::populate_physmap(self, gfns.data(), 1, 40), 0), "an absurd order does nothing");
    report(memory_operation::populate_physmap(self, gfns.data(), ~u64{0}, 0) <= 0, "an absurd count does nothing");
    report(memory_operation::decrease_reservation(self, gfns.data(), ~u64{0}, 0) <= 0, "nor an absurd decrease");
    report(memory_operation::decrease_reservation(self, reinterpret_cast<u64 const*>(unmapped_address), 1, 0) <= 0,
           "a list at a bad address does nothing");
    std::array<u64, 1> hole{unused_gfn(100)};
    (void)memory_operation::decrease_reservation(self, hole.data(), 1, 0);
    std::array<u64, 1> absurd{~u64{0} >> 12};
    (void)memory_operation::decrease_reservation(self, absurd.data(), 1, 0);
    report(equal(pages(), before), "none of it changed the count");
    auto claimed = memory_operation::populate_physmap(self, absurd.data(), 1, 0);
    if (on_hospes()) {
        report(equal(claimed, 0), "no memory beyond the last address");
        report(equal(pages(), before), "and no page lost on it");
    } else {
        skip("Xen takes a page for an impossible frame number and loses it");
    }
    report(fails_with(memory_operation::current_reservation(nobody), Error::NoSuchDomain), "an unknown domain's count");
    report(memory_operation::decrease_reservation(nobody, gfns.data(), 1, 0) <= 0, "an unknown domain's page");
    report(fails_with(hypercall(xen::Hypercall::MemoryOp, 63u, page), Error::NotImplemented), "an undefined operation");
}

void physmap()
{
    auto& shared = shared_info();
    auto where = gfn_of(&shared);
    auto* page = allocate_pages();
    shared.nmi_reason = 0xabcd;
    report(succeeds(memory_operation::add_to_physmap(self, xen::MapSpace::SharedInfo, 0, gfn_of(page))),
           "shared_info moves");
    report(equal(reinterpret_cast<xen::SharedInfo*>(page)->nmi_reason, 0xabcd), "with its contents");
    report(succeeds(memory_operation::add_to_physmap(self, xen::MapSpace::SharedInfo, 0, where)), "and back");
    auto refused = memory_operation::add_to_physmap(self, xen::MapSpace{77}, 0, gfn_of(page));
    report(refused < 0, "an undefined space");
    report(memory_operation::add_to_physmap(self, xen::MapSpace::GrantTable, 100'000, gfn_of(page)) < 0,
           "a grant frame past the end");
    report(memory_operation::add_to_physmap(self, xen::MapSpace::GmfnForeign, 1, gfn_of(page)) < 0,
           "no foreign page by this call");
    report(fails_with(memory_operation::add_to_physmap(nobody, xen::MapSpace::SharedInfo, 0, gfn_of(page)),
                      Error::NoSuchDomain),
           "an unknown domain");

    std::array<u64, 1> gfns{gfn_of(page)};
    (void)memory_operation::populate_physmap(self, gfns.data(), 1, 0);
    report(succeeds(memory_operation::remove_from_physmap(self, gfns[0])), "remove a page");
    report(memory_operation::remove_from_physmap(self, gfns[0]) < 0, "it is gone");
    report(memory_operation::remove_from_physmap(self, unused_gfn(101)) < 0, "a hole cannot be removed");
}

void far_frame()
{
    // Linux puts grants and foreign pages at unused frame numbers far above RAM.
    std::array<u64, 1> page{gfn_of(allocate_pages())};
    auto far = unused_gfn(200);
    report(equal(memory_operation::decrease_reservation(self, page.data(), 1, 0), 1), "free one page");
    report(equal(memory_operation::populate_physmap(self, &far, 1, 0), 1), "populate a frame in a hole");
    auto volatile* there = map_window(3, far, page_present | page_writable);
    *there = 0x42;
    report(equal(*there, 0x42), "it is memory");
    report(equal(memory_operation::decrease_reservation(self, &far, 1, 0), 1), "and give it back");
}

void run()
{
    (void)shared_info();
    map_protocol();
    single_pages();
    large_pages();
    wrong_reservations();
    physmap();
    far_frame();
}

}

constinit Guest const this_guest{"memory", run};

}
