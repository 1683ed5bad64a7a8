// SPDX-License-Identifier: MIT
/// The software walk of a guest's page tables: every kind of paging, permissions, canonical addresses.
#include "arch/x86_64/guest/guest_paging.hpp"

#include <gtest/gtest.h>

#include <map>

namespace hospes::arch {
namespace {

using namespace guest_entry;

/// Table entries by address; what is not there cannot be read.
struct FakeTables {
    std::map<u64, u64> entries;
    Expected<u64> read_entry(Gpa where, unsigned bytes)
    {
        auto const found = entries.find(where.raw());
        if (found == entries.end()) return failure(Error::BadAddress);
        return bytes == 4 ? found->second & 0xffff'ffff : found->second;
    }
    void mark(Gpa where, unsigned, u64 seen, u64 bits)
    {
        if (entries[where.raw()] == seen) entries[where.raw()] = seen | bits;
    }
};

constexpr u64 pg_pe_wp = Cr0::Paging::mask | Cr0::ProtectedMode::mask | Cr0::WriteProtect::mask;
constexpr ControlRegisters long_mode{.cr0 = pg_pe_wp,
                                     .cr3 = 0x1000,
                                     .cr4 = Cr4::PhysicalAddressExtension::mask,
                                     .efer = Efer::LongModeEnable::mask | Efer::LongModeActive::mask};

/// 0xffff800000403123 → table entries at index 256, 0, 2, 3.
FakeTables four_levels(u64 leaf)
{
    return {{{0x1000 + 256 * 8, 0x2000 | present | writable},
             {0x2000, 0x3000 | present | writable},
             {0x3000 + 2 * 8, 0x4000 | present | writable},
             {0x4000 + 3 * 8, leaf}}};
}
constexpr Gva mapped{0xffff'8000'0040'3123};

TEST(GuestPaging, WithoutPagingLinearIsPhysical)
{
    FakeTables tables;
    EXPECT_EQ(walk_guest_tables(tables, {}, Gva{0x1234'5678}, {.write = true}), Gpa{0x1234'5678});
}

TEST(GuestPaging, OutsideLongModeNothingLiesBeyond4Gib)
{
    FakeTables tables{{{0, 0x1000 | present | writable}, {0x1000, 0xabc'd000 | present | writable}}};
    ControlRegisters legacy;
    legacy.cr0 = Cr0::Paging::mask;
    ControlRegisters pae = legacy;
    pae.cr4 = Cr4::PhysicalAddressExtension::mask;
    EXPECT_EQ(walk_guest_tables(tables, legacy, Gva{0x123}, {}), Gpa{0xabc'd123});
    for (ControlRegisters const& controls : {ControlRegisters{}, legacy, pae}) {
        EXPECT_FALSE(walk_guest_tables(tables, controls, Gva{0x1'0000'0123}, {}));
        EXPECT_FALSE(walk_guest_tables(tables, controls, Gva{1ull << 62 | 0x123}, {}));
        EXPECT_EQ(wrapped(controls, Gva{0x1'0000'0123}), Gva{0x123});
    }
    EXPECT_EQ(wrapped(long_mode, mapped), mapped);
}

TEST(GuestPaging, FourLevels)
{
    auto tables = four_levels(0xabc'd000 | present | writable);
    EXPECT_EQ(walk_guest_tables(tables, long_mode, mapped, {.write = true}), Gpa{0xabc'd123});
    EXPECT_EQ(tables.entries[0x4000 + 3 * 8] & (accessed | dirty), accessed | dirty);
    EXPECT_EQ(tables.entries[0x3000 + 2 * 8] & (accessed | dirty), accessed);
}

TEST(GuestPaging, AbsentAndNonCanonicalAddressesFail)
{
    auto tables = four_levels(0);
    EXPECT_FALSE(walk_guest_tables(tables, long_mode, mapped, {}));
    EXPECT_FALSE(walk_guest_tables(tables, long_mode, Gva{0x0000'8000'0000'0000}, {}));
    EXPECT_FALSE(walk_guest_tables(tables, long_mode, Gva{~u64{0} >> 1}, {}));
}

TEST(GuestPaging, ReadOnlyIsHonouredUnlessWriteProtectIsOff)
{
    auto tables = four_levels(0xabc'd000 | present);
    EXPECT_TRUE(walk_guest_tables(tables, long_mode, mapped, {}));
    EXPECT_FALSE(walk_guest_tables(tables, long_mode, mapped, {.write = true}));
    ControlRegisters careless = long_mode;
    careless.cr0 &= ~Cr0::WriteProtect::mask;
    EXPECT_TRUE(walk_guest_tables(tables, careless, mapped, {.write = true}));
}

TEST(GuestPaging, LargePages)
{
    FakeTables tables = four_levels(0);
    tables.entries[0x3000 + 2 * 8] = 0x4020'0000 | present | writable | large | u64{1} << 12; // bit 12 is PAT
    EXPECT_EQ(walk_guest_tables(tables, long_mode, mapped, {}), Gpa{0x4020'3123});
    tables.entries[0x2000] = 0x40'4000'0000 | present | writable | large;
    EXPECT_EQ(walk_guest_tables(tables, long_mode, mapped, {.write = true}), Gpa{0x40'4040'3123});
}

TEST(GuestPaging, FiveLevels)
{
    ControlRegisters controls = long_mode;
    controls.cr4 |= Cr4::LinearAddress57::mask;
    auto tables = four_levels(0x9000 | present);
    tables.entries[0x8000 + 511 * 8] = 0x1000 | present;
    controls.cr3 = 0x8000;
    EXPECT_EQ(walk_guest_tables(tables, controls, mapped, {}), Gpa{0x9123});
}

TEST(GuestPaging, Pae)
{
    ControlRegisters controls{.cr0 = pg_pe_wp, .cr3 = 0x1020, .cr4 = Cr4::PhysicalAddressExtension::mask};
    FakeTables tables{{{0x1020 + 3 * 8, 0x2000 | present}, // the root's entries have no write bit
                       {0x2000 + 1 * 8, 0x3000 | present | writable},
                       {0x3000 + 2 * 8, 0x1'2345'6000 | present | writable}}};
    EXPECT_EQ(walk_guest_tables(tables, controls, Gva{0xc020'2fff}, {.write = true}), Gpa{0x1'2345'6fff});
}

TEST(GuestPaging, LegacyTablesAndTheir4MiBPages)
{
    ControlRegisters controls{.cr0 = pg_pe_wp, .cr3 = 0x1000};
    FakeTables tables{{{0x1000 + 4, 0x2000 | present | writable | large}, {0x2000 + 8, 0x5000 | present | writable}}};
    EXPECT_EQ(walk_guest_tables(tables, controls, Gva{0x40'2010}, {.write = true}), Gpa{0x5010})
        << "PS means nothing without PSE";
    controls.cr4 = Cr4::PageSizeExtensions::mask;
    tables.entries[0x1004] = 0x0080'2000 | present | writable | large; // bit 13: address bit 32
    EXPECT_EQ(walk_guest_tables(tables, controls, Gva{0x40'2010}, {.write = true}), Gpa{0x1'0080'2010});
}

constexpr ControlRegisters user_pages_avoided{.cr0 = pg_pe_wp,
                                              .cr3 = 0x1000,
                                              .cr4 = Cr4::PhysicalAddressExtension::mask |
                                                     Cr4::SupervisorAccessPrevention::mask,
                                              .efer = Efer::LongModeEnable::mask | Efer::LongModeActive::mask};

/// A page is the user's if every table says so.
TEST(GuestPaging, TheUserReachesOnlyWhatEveryTableGives)
{
    auto tables = four_levels(0xabc'd000 | present | writable | user);
    EXPECT_FALSE(walk_guest_tables(tables, long_mode, mapped, {.user = true}));
    for (u64 const slot : {0x1000 + 256 * 8, 0x2000, 0x3000 + 2 * 8}) tables.entries[slot] |= user;
    EXPECT_EQ(walk_guest_tables(tables, long_mode, mapped, {.write = true, .user = true}), Gpa{0xabc'd123});
    tables.entries[0x4000 + 3 * 8] &= ~user;
    EXPECT_FALSE(walk_guest_tables(tables, long_mode, mapped, {.user = true}));
    EXPECT_TRUE(walk_guest_tables(tables, long_mode, mapped, {}));
}

TEST(GuestPaging, TheUserNeverWritesWhatIsReadOnly)
{
    auto tables = four_levels(0xabc'd000 | present | user);
    for (u64 const slot : {0x1000 + 256 * 8, 0x2000, 0x3000 + 2 * 8}) tables.entries[slot] |= user;
    ControlRegisters careless = long_mode;
    careless.cr0 &= ~u64{Cr0::WriteProtect::mask};
    EXPECT_FALSE(walk_guest_tables(tables, careless, mapped, {.write = true, .user = true}));
    EXPECT_TRUE(walk_guest_tables(tables, careless, mapped, {.write = true}));
}

TEST(GuestPaging, TheSupervisorStaysOutOfUserPagesWhereSmapHolds)
{
    auto tables = four_levels(0xabc'd000 | present | writable | user);
    GuestAccess const careful{.avoids_user_pages = true};
    EXPECT_TRUE(walk_guest_tables(tables, user_pages_avoided, mapped, careful)) << "a table above is not the user's";
    for (u64 const slot : {0x1000 + 256 * 8, 0x2000, 0x3000 + 2 * 8}) tables.entries[slot] |= user;
    EXPECT_FALSE(walk_guest_tables(tables, user_pages_avoided, mapped, careful));
    EXPECT_TRUE(walk_guest_tables(tables, user_pages_avoided, mapped, {})) << "hypercalls";
}

}
}
