// SPDX-License-Identifier: MIT
/// Grants through the real hypercall, between real domains.
#include "kernel/grant/grant_table.hpp"

#include <gtest/gtest.h>

#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

using fakes::as_result;
using fakes::TestDomain;
using xen::GrantStatus;
using enum xen::GrantTableCommand;
namespace entry_flag = xen::grant_entry_flag;
namespace map_flag = xen::grant_map_flag;

constexpr auto number = xen::Hypercall::GrantTableOp;
constexpr u64 window = 0x1000'0000; ///< guest-physical addresses with nothing behind them
constexpr u16 in_use = entry_flag::reading | entry_flag::writing;

class GrantTest : public testing::Test {
protected:
    GrantTest()
    {
        EXPECT_TRUE(granter->grants.grow(2, fakes::no_hurry()));
        entries =
            static_cast<xen::GrantEntryV1*>(arch::reach(granter->grants.shared_frame(0, fakes::no_hurry())->frame()));
    }

    void grant(xen::GrantReference reference, xen::DomainId to, u32 frame, bool readonly = false) const
    {
        entries[reference] = {static_cast<u16>(entry_flag::permit_access | (readonly ? entry_flag::readonly : u16{0})),
                              to, frame};
    }
    static xen::GrantMap map(TestDomain const& domain, xen::DomainId from, xen::GrantReference reference, u64 where,
                             u32 flags = map_flag::host_map)
    {
        xen::GrantMap request{where, flags, reference, from, GrantStatus::TryAgain, 0, 0};
        EXPECT_EQ(domain.call_with(number, MapGrantRef, request), 0);
        return request;
    }
    static GrantStatus unmap(TestDomain const& domain, u64 where, xen::GrantHandle handle)
    {
        xen::GrantUnmap request{where, 0, handle, GrantStatus::TryAgain, 0};
        EXPECT_EQ(domain.call_with(number, UnmapGrantRef, request), 0);
        return request.status;
    }
    static GrantStatus copy(TestDomain const& domain, xen::GrantCopy request)
    {
        request.status = GrantStatus::TryAgain;
        EXPECT_EQ(domain.call_with(number, Copy, request), 0);
        return request.status;
    }
    static xen::GrantCopy copy_request(u64 source, xen::DomainId source_domain, u64 destination,
                                       xen::DomainId destination_domain, u16 length, u16 flags)
    {
        xen::GrantCopy request{};
        request.source.u.gfn = source;
        request.source.domain = source_domain;
        request.destination.u.gfn = destination;
        request.destination.domain = destination_domain;
        request.length = length;
        request.flags = flags;
        return request;
    }

    u64 const free_before = (fakes::start_machine(), frames::free_count());
    TestDomain mapper{0, true, {.max_maptrack_frames = 1}};
    TestDomain granter{3, false, {.max_grant_frames = 4}};
    TestDomain third{4};
    xen::GrantEntryV1* entries = nullptr;
};

TEST_F(GrantTest, MapUseUnmap)
{
    granter.put<u32>(0x5004, 0xabcd);
    grant(9, 0, 5);
    auto const mapped = map(mapper, 3, 9, window);
    ASSERT_EQ(mapped.status, GrantStatus::Okay);
    EXPECT_EQ(entries[9].flags & in_use, in_use);
    EXPECT_EQ(mapper.get<u32>(window + 4), 0xabcdu);
    EXPECT_EQ(mapper->physmap.lookup(Gfn{window >> 12}).type, MappingType::GrantWritable);
    EXPECT_EQ(mapped.device_bus_address, address_of(granter->physmap.lookup(Gfn{5}).frame).raw());

    EXPECT_EQ(unmap(mapper, window + page_size, mapped.handle), GrantStatus::GeneralError);
    EXPECT_EQ(entries[9].flags & in_use, in_use);
    EXPECT_EQ(unmap(mapper, window, mapped.handle), GrantStatus::Okay);
    EXPECT_EQ(entries[9].flags & in_use, 0);
    EXPECT_EQ(mapper.byte(window), nullptr);
    EXPECT_EQ(unmap(mapper, window, mapped.handle), GrantStatus::BadHandle);
}

TEST_F(GrantTest, BitsGoWithTheLastMapping)
{
    grant(9, 0, 5);
    auto const first = map(mapper, 3, 9, window);
    auto const second = map(mapper, 3, 9, window + page_size, map_flag::host_map | map_flag::readonly);
    auto const third_mapping = map(mapper, 3, 9, window + 2 * page_size);
    EXPECT_EQ(unmap(mapper, window, first.handle), GrantStatus::Okay);
    EXPECT_EQ(entries[9].flags & in_use, in_use);
    EXPECT_EQ(unmap(mapper, window + 2 * page_size, third_mapping.handle), GrantStatus::Okay);
    EXPECT_EQ(entries[9].flags & in_use, entry_flag::reading);
    EXPECT_EQ(unmap(mapper, window + page_size, second.handle), GrantStatus::Okay);
    EXPECT_EQ(entries[9].flags, entry_flag::permit_access);
}

TEST_F(GrantTest, Refusals)
{
    grant(9, 0, 5);
    grant(10, 4, 5);
    grant(11, 0, 5, true);
    grant(12, 0, 0x4000);
    EXPECT_EQ(map(mapper, 3, 10, window).status, GrantStatus::GeneralError) << "somebody else's";
    EXPECT_EQ(map(mapper, 3, 11, window).status, GrantStatus::GeneralError) << "read-only";
    EXPECT_EQ(map(mapper, 3, 12, window).status, GrantStatus::BadPage) << "no memory there";
    EXPECT_EQ(entries[12].flags & in_use, 0);
    EXPECT_EQ(map(mapper, 3, 13, window).status, GrantStatus::GeneralError) << "an empty entry";
    EXPECT_EQ(map(mapper, 3, 1024, window).status, GrantStatus::BadReference);
    EXPECT_EQ(map(mapper, 99, 9, window).status, GrantStatus::BadDomain);
    EXPECT_EQ(map(mapper, 3, 9, window + 8).status, GrantStatus::GeneralError) << "not a page";
    for (u32 flags : {0u, map_flag::device_map, map_flag::host_map | map_flag::device_map,
                      map_flag::host_map | map_flag::contains_pte, map_flag::host_map | 1u << 20})
        EXPECT_EQ(map(mapper, 3, 9, window, flags).status, GrantStatus::GeneralError);
    EXPECT_EQ(map(mapper, 3, 9, 0).status, GrantStatus::GeneralError) << "memory is there already";
    EXPECT_EQ(entries[9].flags & in_use, 0) << "every failure undid its use";
    EXPECT_EQ(unmap(mapper, window, 12345), GrantStatus::BadHandle);
}

TEST_F(GrantTest, AGrantedPageOfAnotherCannotBeGrantedOn)
{
    grant(9, 0, 5);
    auto const mapped = map(mapper, 3, 9, window);
    ASSERT_EQ(mapped.status, GrantStatus::Okay);
    ASSERT_TRUE(mapper->grants.grow(1, fakes::no_hurry()));
    auto* const own =
        static_cast<xen::GrantEntryV1*>(arch::reach(mapper->grants.shared_frame(0, fakes::no_hurry())->frame()));
    own[1] = {entry_flag::permit_access, 4, window >> 12};
    EXPECT_EQ(map(third, 0, 1, window).status, GrantStatus::BadPage);
    EXPECT_EQ(unmap(mapper, window, mapped.handle), GrantStatus::Okay);
}

TEST_F(GrantTest, HandlesRunOutAndComeBack)
{
    grant(9, 0, 5);
    for (u64 i = 0; i < 512; ++i) ASSERT_EQ(map(mapper, 3, 9, window + i * page_size).status, GrantStatus::Okay) << i;
    EXPECT_EQ(map(mapper, 3, 9, window + 512 * page_size).status, GrantStatus::NoDeviceSpace);
    EXPECT_EQ(unmap(mapper, window + 7 * page_size, 7), GrantStatus::Okay);
    auto const again = map(mapper, 3, 9, window + 512 * page_size);
    EXPECT_EQ(again.status, GrantStatus::Okay);
    EXPECT_EQ(again.handle, 7u);
}

TEST_F(GrantTest, LongBatchesContinue)
{
    grant(9, 0, 5);
    std::vector<xen::GrantMap> maps(102);
    for (size_t i = 0; i < maps.size(); ++i)
        maps[i] = {window + i * page_size, map_flag::host_map, i == 50 ? 4000u : 9u, 3, GrantStatus::TryAgain, 0, 0};
    EXPECT_EQ(mapper.call_with_array(number, MapGrantRef, std::span{maps}), 0);
    for (size_t i = 0; i < maps.size(); ++i)
        EXPECT_EQ(maps[i].status, i == 50 ? GrantStatus::BadReference : GrantStatus::Okay) << i;
    // 170 of 24 bytes fill the page; more than one run of the hypercall does.
    std::vector<xen::GrantUnmap> unmaps(170);
    for (size_t i = 0; i < unmaps.size(); ++i) {
        bool const mapped = i < maps.size() && i != 50;
        unmaps[i] = {mapped ? maps[i].host_address : 0, 0, mapped ? maps[i].handle : ~0u, GrantStatus::TryAgain, 0};
    }
    EXPECT_EQ(mapper.call_with_array(number, UnmapGrantRef, std::span{unmaps}), 0);
    for (size_t i = 0; i < unmaps.size(); ++i)
        EXPECT_EQ(unmaps[i].status, i < maps.size() && i != 50 ? GrantStatus::Okay : GrantStatus::BadHandle) << i;
    EXPECT_EQ(entries[9].flags & in_use, 0);
}

TEST_F(GrantTest, CopyBothWays)
{
    using namespace xen::grant_copy_flag;
    granter.put<u64>(0x6010, 0x1122'3344'5566'7788);
    grant(9, 0, 6, true);
    auto request = copy_request(9, 3, 2, xen::domid_self, 8, source_is_reference);
    request.source.offset = 0x10;
    request.destination.offset = 0x20;
    EXPECT_EQ(copy(mapper, request), GrantStatus::Okay);
    EXPECT_EQ(mapper.get<u64>(0x2020), 0x1122'3344'5566'7788u);
    EXPECT_EQ(entries[9].flags & in_use, 0);

    EXPECT_EQ(copy(mapper, copy_request(2, xen::domid_self, 9, 3, 8, destination_is_reference)),
              GrantStatus::GeneralError);
    grant(9, 0, 6);
    EXPECT_EQ(copy(mapper, copy_request(2, xen::domid_self, 9, 3, 64, destination_is_reference)), GrantStatus::Okay);
    EXPECT_EQ(granter.get<u64>(0x6020), 0x1122'3344'5566'7788u);
    EXPECT_EQ(copy(mapper, copy_request(9, 3, 9, 3, 64, source_is_reference | destination_is_reference)),
              GrantStatus::Okay);
    EXPECT_EQ(entries[9].flags & in_use, 0);
}

TEST_F(GrantTest, CopyRefusals)
{
    using namespace xen::grant_copy_flag;
    grant(9, 0, 6);
    EXPECT_EQ(copy(mapper, copy_request(6, 3, 2, xen::domid_self, 8, 0)), GrantStatus::PermissionDenied);
    EXPECT_EQ(copy(mapper, copy_request(0x9999, xen::domid_self, 2, xen::domid_self, 8, 0)), GrantStatus::BadPage);
    EXPECT_EQ(copy(mapper, copy_request(1 << 20, 3, 2, xen::domid_self, 8, source_is_reference)),
              GrantStatus::BadReference);
    EXPECT_EQ(copy(mapper, copy_request(9, 55, 2, xen::domid_self, 8, source_is_reference)), GrantStatus::BadDomain);
    auto request = copy_request(9, 3, 2, xen::domid_self, 4096, source_is_reference);
    EXPECT_EQ(copy(mapper, request), GrantStatus::Okay);
    request.source.offset = 1;
    EXPECT_EQ(copy(mapper, request), GrantStatus::BadCopyArgument);
    request.source.offset = 0;
    request.destination.offset = 0xffff;
    EXPECT_EQ(copy(mapper, request), GrantStatus::BadCopyArgument);
}

TEST_F(GrantTest, OverlappingCopyWithinAPage)
{
    for (u8 i = 0; i < 32; ++i) mapper.put<u8>(0x2000 + i, i);
    auto request = copy_request(2, xen::domid_self, 2, xen::domid_self, 16, 0);
    request.destination.offset = 4;
    EXPECT_EQ(copy(mapper, request), GrantStatus::Okay);
    for (u8 i = 0; i < 16; ++i) EXPECT_EQ(mapper.get<u8>(0x2004 + i), i);
}

TEST_F(GrantTest, UnmappingWorksOnADeadGranter)
{
    grant(9, 0, 5);
    granter.put<u32>(0x5000, 77);
    auto const mapped = map(mapper, 3, 9, window);
    ASSERT_EQ(mapped.status, GrantStatus::Okay);
    granter.destroy();
    EXPECT_TRUE(domains::find(3)) << "a zombie while its page is mapped";
    EXPECT_EQ(mapper.get<u32>(window), 77u);
    EXPECT_EQ(map(mapper, 3, 9, window + page_size).status, GrantStatus::BadDomain);
    EXPECT_EQ(unmap(mapper, window, mapped.handle), GrantStatus::Okay);
    EXPECT_FALSE(domains::find(3));
    third.destroy();
    mapper.destroy();
    EXPECT_EQ(frames::free_count(), free_before);
}

TEST_F(GrantTest, ADyingMapperGivesEverythingBack)
{
    grant(9, 4, 5);
    for (u64 i = 0; i < 100; ++i) ASSERT_EQ(map(third, 3, 9, window + i * page_size).status, GrantStatus::Okay);
    EXPECT_EQ(unmap(third, window, 0), GrantStatus::Okay);
    third.destroy();
    EXPECT_FALSE(domains::find(4));
    EXPECT_EQ(entries[9].flags, entry_flag::permit_access);
    granter.destroy();
    EXPECT_FALSE(domains::find(3));
    mapper.destroy();
    EXPECT_EQ(frames::free_count(), free_before);
}

TEST_F(GrantTest, SizeAndVersion)
{
    xen::GrantQuerySize size{};
    size.domain = xen::domid_self;
    EXPECT_EQ(third.call_with(number, QuerySize, size), 0);
    EXPECT_EQ(size.status, GrantStatus::Okay);
    EXPECT_EQ(size.nr_frames, 1u);
    EXPECT_EQ(size.max_nr_frames, 64u);
    size.domain = 3;
    EXPECT_EQ(third.call_with(number, QuerySize, size), 0);
    EXPECT_EQ(size.status, GrantStatus::PermissionDenied);
    EXPECT_EQ(mapper.call_with(number, QuerySize, size), 0);
    EXPECT_EQ(size.max_nr_frames, 4u);

    xen::GrantSetVersion version{1};
    EXPECT_EQ(third.call_with(number, SetVersion, version), 0);
    version = {2};
    EXPECT_EQ(third.call_with(number, SetVersion, version), as_result(Error::NotImplemented));
    EXPECT_EQ(version.version, 1u);
    version = {3};
    EXPECT_EQ(third.call_with(number, SetVersion, version), as_result(Error::Invalid));

    xen::GrantSetupTable setup{};
    setup.domain = xen::domid_self;
    setup.nr_frames = 3;
    EXPECT_EQ(granter.call_with(number, SetupTable, setup), 0);
    EXPECT_EQ(setup.status, GrantStatus::Okay);
    EXPECT_EQ(granter->grants.frame_count(), 3u);
    setup.nr_frames = 5;
    EXPECT_EQ(granter.call_with(number, SetupTable, setup), 0);
    EXPECT_EQ(setup.status, GrantStatus::GeneralError);
    EXPECT_FALSE(granter->grants.shared_frame(4, fakes::no_hurry()));
    EXPECT_FALSE(granter->grants.shared_frame(~0u, fakes::no_hurry()));
}

TEST_F(GrantTest, SwapOnlyWhatIsNotInUse)
{
    grant(9, 0, 5);
    grant(10, 4, 6, true);
    xen::GrantSwap request{9, 10, GrantStatus::TryAgain, 0};
    EXPECT_EQ(granter.call_with(number, SwapGrantRef, request), 0);
    EXPECT_EQ(request.status, GrantStatus::Okay);
    EXPECT_EQ(entries[10].frame, 5u);
    EXPECT_EQ(entries[9].domain, 4);
    auto const mapped = map(mapper, 3, 10, window);
    ASSERT_EQ(mapped.status, GrantStatus::Okay);
    EXPECT_EQ(granter.call_with(number, SwapGrantRef, request), 0);
    EXPECT_EQ(request.status, GrantStatus::GeneralError);
    EXPECT_EQ(unmap(mapper, window, mapped.handle), GrantStatus::Okay);
}

TEST_F(GrantTest, NoGrantsForADomainThatMayNot)
{
    TestDomain const none{8, false, {.grants_allowed = false}};
    EXPECT_FALSE(none->grants.shared_frame(0, fakes::no_hurry()));
    EXPECT_EQ(map(mapper, 8, 0, window).status, GrantStatus::BadReference);
}

TEST_F(GrantTest, WrongCounts)
{
    EXPECT_EQ(mapper.call(number, static_cast<u64>(MapGrantRef), 0, ~u32{0}), as_result(Error::Invalid));
    EXPECT_EQ(mapper.call(number, static_cast<u64>(MapGrantRef), 1u << 30, 1), as_result(Error::BadAddress));
    EXPECT_EQ(mapper.call(number, static_cast<u64>(MapGrantRef), 1u << 30, 0), 0);
    EXPECT_EQ(mapper.call(number, static_cast<u64>(QuerySize), 0, 2), as_result(Error::Invalid));
    EXPECT_EQ(mapper.call(number, 99, 0, 1), as_result(Error::NotImplemented));
}

}
}
