// SPDX-License-Identifier: MIT
/// Rule: a page is reached by another domain only through a grant entry that allows it, for as long and with such
/// rights as it says, and the entry shows whether it is in use (abi.md, 3.2 and 4.8).
/// Failure looks like lost disk blocks, "deferring g.e." messages, or one guest writing into another.
///
/// The domain grants to itself here, which the ABI allows; between two domains see tests/system.

#include "tests/guests/framework/grants.hpp"

#include <array>

#include "kernel/abi/xen/cpuid.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

using xen::GrantStatus;
namespace map_flag = xen::grant_map_flag;
namespace entry_flag = xen::grant_entry_flag;

constexpr u16 nobody = 0x1234;
constexpr u32 host_map = map_flag::host_map;
constexpr u32 host_map_readonly = map_flag::host_map | map_flag::readonly;

u16 own_id() { return static_cast<u16>(cpuid(xen::cpuid_first_leaf + 4).ecx); }

u64 window(u64 number) { return unused_gfn(number) << page_shift; }

void size_and_version()
{
    xen::GrantQuerySize size{};
    size.domain = xen::domid_self;
    report(succeeds(grants::operation(xen::GrantTableCommand::QuerySize, &size)), "query_size");
    report(grants::is(size.status, GrantStatus::Okay), "its status");
    report(size.nr_frames >= 1 && size.max_nr_frames >= size.nr_frames, "at least one frame");
    xen::GrantSetVersion version{1};
    report(succeeds(grants::operation(xen::GrantTableCommand::SetVersion, &version)), "version 1 is accepted");
    version = {3};
    report(fails_with(grants::operation(xen::GrantTableCommand::SetVersion, &version), Error::Invalid),
           "version 3 is not");
    xen::GrantGetVersion get{};
    get.domain = xen::domid_self;
    report(grants::operation(xen::GrantTableCommand::GetVersion, &get) == 0 && get.version == 1, "get_version says 1");
}

void map_and_unmap()
{
    auto* page = allocate_pages();
    page[5] = 0x5a;
    auto reference = grants::grant(own_id(), gfn_of(page));
    auto mapped = grants::map(window(0), host_map, reference, own_id());
    report(grants::is(mapped.status, GrantStatus::Okay), "map");
    auto& flags = grants::entry(reference).flags;
    report((flags & entry_flag::reading) != 0, "the entry says reading");
    report((flags & entry_flag::writing) != 0, "and writing");
    auto* seen = map_window(0, unused_gfn(0), page_present | page_writable);
    report(equal(seen[5], 0x5a), "the granted page's contents are there");
    seen[6] = 0x6b;
    if (on_hospes()) {
        report(equal(page[6], 0x6b), "and writes reach it");
    } else {
        skip("Xen takes a page that its owner maps through a grant away from where it was");
    }
    report(!grants::withdraw(reference), "a used entry cannot be withdrawn");

    auto again = grants::map(window(1), host_map_readonly, reference, own_id());
    report(grants::is(again.status, GrantStatus::Okay), "map it a second time, for reading");
    report(grants::is(grants::unmap(window(0), mapped.handle).status, GrantStatus::Okay), "unmap the first");
    report((flags & entry_flag::reading) != 0, "still read");
    report((flags & entry_flag::writing) == 0, "no longer written");
    report(grants::is(grants::unmap(window(1), again.handle).status, GrantStatus::Okay), "unmap the second");
    report((flags & (entry_flag::reading | entry_flag::writing)) == 0, "unused");
    report(grants::is(grants::unmap(window(0), mapped.handle).status, GrantStatus::BadHandle),
           "a handle is good for once");
    report(grants::withdraw(reference), "withdraw");
    report(!grants::is(grants::map(window(0), host_map, reference, own_id()).status, GrantStatus::Okay).holds,
           "a withdrawn grant cannot be mapped");
}

void refusals()
{
    auto* page = allocate_pages();
    auto id = own_id();
    auto readonly = grants::grant(id, gfn_of(page), true);
    report(grants::is(grants::map(window(2), host_map, readonly, id).status, GrantStatus::GeneralError),
           "a read-only grant is not mapped writable");
    auto mapped = grants::map(window(2), host_map_readonly, readonly, id);
    report(grants::is(mapped.status, GrantStatus::Okay), "but for reading");
    report((grants::entry(readonly).flags & entry_flag::writing) == 0, "without the writing bit");
    (void)grants::unmap(window(2), mapped.handle);

    report(grants::is(grants::map(window(2), host_map, 0x00ff'ffff, id).status, GrantStatus::BadReference),
           "a reference past the end");
    report(grants::is(grants::map(window(2), host_map, readonly, nobody).status, GrantStatus::BadDomain),
           "an unknown domain");
    report(grants::is(grants::map(window(2), host_map, 300, id).status, GrantStatus::GeneralError), "an empty entry");
    report(!grants::is(grants::map(window(2), 0, readonly, id).status, GrantStatus::Okay).holds,
           "neither host nor device map");
    auto other = grants::grant(nobody, gfn_of(page));
    report(grants::is(grants::map(window(2), host_map, other, id).status, GrantStatus::GeneralError),
           "a grant to somebody else");
    auto hole = grants::grant(id, unused_gfn(500));
    report(!grants::is(grants::map(window(2), host_map, hole, id).status, GrantStatus::Okay).holds,
           "a grant of no memory");
    report(grants::is(grants::unmap(window(2), 0xffff'ff00).status, GrantStatus::BadHandle), "an absurd handle");

    report(
        fails_with(hypercall(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::MapGrantRef, unmapped_address, 1u),
                   Error::BadAddress),
        "operations at a bad address");
    report(succeeds(hypercall(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::MapGrantRef, page, 0u)),
           "no operations at all");
    report(fails_with(hypercall(xen::Hypercall::GrantTableOp, 99u, page, 1u), Error::NotImplemented),
           "an undefined operation");
    report(fails_with(hypercall(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::MapGrantRef, page, ~0u),
                      Error::Invalid),
           "a negative count");
}

xen::GrantCopy copy_request(u32 reference, u64 target_gfn, u16 offset, u16 length)
{
    xen::GrantCopy request{};
    request.source.u.reference = reference;
    request.source.domain = xen::domid_self;
    request.source.offset = offset;
    request.destination.u.gfn = target_gfn;
    request.destination.domain = xen::domid_self;
    request.length = length;
    request.flags = xen::grant_copy_flag::source_is_reference;
    return request;
}

GrantStatus copied(xen::GrantCopy request)
{
    if (grants::operation(xen::GrantTableCommand::Copy, &request) != 0) return GrantStatus::NoSpace;
    return request.status;
}

void copying()
{
    auto* source = allocate_pages();
    auto* target = allocate_pages();
    for (size_t i = 0; i != page_size; ++i) source[i] = static_cast<u8>(i * 7);
    auto reference = grants::grant(own_id(), gfn_of(source));
    report(grants::is(copied(copy_request(reference, gfn_of(target), 100, 1000)), GrantStatus::Okay),
           "copy from a grant");
    bool same = true;
    for (size_t i = 0; i != 1000; ++i) same &= target[i] == source[100 + i];
    report(same && target[1000] == 0, "exactly those bytes");
    report((grants::entry(reference).flags & entry_flag::reading) == 0, "and the entry is unused again");
    report(grants::is(copied(copy_request(reference, gfn_of(target), 4000, 100)), GrantStatus::BadCopyArgument),
           "across a page's end");
    report(grants::is(copied(copy_request(0x00ff'ffff, gfn_of(target), 0, 16)), GrantStatus::BadReference),
           "from no reference");

    auto readonly = grants::grant(own_id(), gfn_of(target), true);
    auto request = copy_request(0, 0, 0, 16);
    request.source.u.gfn = gfn_of(source);
    request.destination.u.reference = readonly;
    request.flags = xen::grant_copy_flag::destination_is_reference;
    report(grants::is(copied(request), GrantStatus::GeneralError), "into a read-only grant");
    request.flags = 0;
    request.destination.u.gfn = gfn_of(target);
    request.source.domain = nobody;
    report(!grants::is(copied(request), GrantStatus::Okay).holds, "from an unknown domain's frame");
}

void batches()
{
    constexpr size_t count = 32;
    static constinit std::array<xen::GrantMap, count> maps{};
    static constinit std::array<xen::GrantUnmap, count> unmaps{};
    auto* page = allocate_pages();
    auto reference = grants::grant(own_id(), gfn_of(page));
    for (size_t i = 0; i != count; ++i) {
        maps[i] = {window(10 + i), host_map, reference, own_id(), GrantStatus::Okay, 0, 0};
    }
    maps[7].reference = 0x00ff'ffff;
    report(succeeds(grants::operation(xen::GrantTableCommand::MapGrantRef, maps.data(), count)), "a batch of 32");
    size_t good = 0;
    for (auto const& one : maps) good += one.status == GrantStatus::Okay ? 1 : 0;
    report(equal(good, count - 1), "one bad operation does not stop the others");
    for (size_t i = 0; i != count; ++i) unmaps[i] = {window(10 + i), 0, maps[i].handle, GrantStatus::Okay, 0};
    unmaps[7].handle = 0xffff'ff00;
    report(succeeds(grants::operation(xen::GrantTableCommand::UnmapGrantRef, unmaps.data(), count)), "unmap the batch");
    report(grants::withdraw(reference), "all mappings of the batch are gone");
}

void run()
{
    size_and_version();
    map_and_unmap();
    refusals();
    copying();
    batches();
}

}

constinit Guest const this_guest{"grant", run};

}
