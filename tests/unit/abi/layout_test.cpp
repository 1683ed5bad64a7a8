// SPDX-License-Identifier: MIT
/// Our transcription of the Xen ABI is compared with the C headers of libxen-dev, and with those of other releases
/// (`make check-abi`): every constant, and the place of every member. That the tables leave nothing out is checked in
/// completeness_test.cpp.

#include "tests/unit/abi/all_tables.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace hospes::xen {
namespace {

std::string describe(Place place) { return std::to_string(place.size) + " bytes at " + std::to_string(place.offset); }

TEST(XenAbi, EveryConstantHasXensValue)
{
    for (Table const& table : all_tables()) {
        for (ValueRow const& row : table.values)
            if (row.theirs) EXPECT_EQ(row.ours, *row.theirs) << table.header << ": " << row.name;
    }
}

TEST(XenAbi, EveryStructureHasXensSize)
{
    for (Table const& table : all_tables()) {
        for (StructureRow const& row : table.structures)
            if (row.their_size && !(row.may_be_longer && *row.their_size > row.our_size))
                EXPECT_EQ(row.our_size, *row.their_size) << table.header << ": " << row.name;
    }
}

TEST(XenAbi, EveryMemberIsWhereXenHasIt)
{
    for (Table const& table : all_tables()) {
        for (StructureRow const& structure : table.structures) {
            for (MemberRow const& row : structure.members) {
                if (!row.theirs) continue;
                EXPECT_EQ(row.ours, *row.theirs) << table.header << ": " << structure.name << "::" << row.name << " is "
                                                 << describe(row.ours) << ", Xen's " << describe(*row.theirs);
            }
        }
    }
}

/// A member that the table leaves out shows as bytes that nothing covers.
TEST(XenAbi, TheMembersListedCoverEveryByte)
{
    for (Table const& table : all_tables()) {
        for (StructureRow const& structure : table.structures) {
            if (!structure.their_size) continue;
            std::vector<bool> covered(structure.our_size);
            for (MemberRow const& row : structure.members) {
                ASSERT_LE(row.ours.offset + row.ours.size, covered.size()) << structure.name << "::" << row.name;
                std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(row.ours.offset), row.ours.size, true);
            }
            EXPECT_TRUE(std::ranges::all_of(covered, std::identity{})) << table.header << ": " << structure.name;
        }
    }
}

/// What has no counterpart must be called what it is, so that no real member escapes the comparison.
TEST(XenAbi, OnlyPaddingAndRawBytesHaveNoCounterpart)
{
    for (Table const& table : all_tables()) {
        for (StructureRow const& structure : table.structures) {
            for (MemberRow const& row : structure.members) {
                if (row.theirs) continue;
                std::string const last = row.name.substr(row.name.rfind('.') + 1);
                EXPECT_TRUE(last.starts_with("pad") || last == "raw" || last == "text")
                    << table.header << ": " << structure.name << "::" << row.name;
            }
        }
    }
}

/// Rings are templates of ours and macros of Xen's, so they have no row in the tables.
template <typename Ring, typename Theirs>
void expect_same_ring(u32 their_entries)
{
    EXPECT_EQ(Ring::nr_entries, their_entries);
    EXPECT_EQ(offsetof(Ring, request_producer), offsetof(Theirs, req_prod));
    EXPECT_EQ(offsetof(Ring, request_event), offsetof(Theirs, req_event));
    EXPECT_EQ(offsetof(Ring, response_producer), offsetof(Theirs, rsp_prod));
    EXPECT_EQ(offsetof(Ring, response_event), offsetof(Theirs, rsp_event));
    EXPECT_EQ(offsetof(Ring, entries), offsetof(Theirs, ring));
    EXPECT_EQ(sizeof(typename Ring::Entry), sizeof(std::declval<Theirs&>().ring[0]));
}

TEST(XenAbi, RingsHaveXensLayout)
{
    expect_same_ring<BlockRing, blkif_sring>(__CONST_RING_SIZE(blkif, 4096));
    expect_same_ring<NetworkTxRing, netif_tx_sring>(__CONST_RING_SIZE(netif_tx, 4096));
    expect_same_ring<NetworkRxRing, netif_rx_sring>(__CONST_RING_SIZE(netif_rx, 4096));
}

}
}
