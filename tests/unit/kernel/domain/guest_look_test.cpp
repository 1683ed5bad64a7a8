// SPDX-License-Identifier: MIT
/// What the hypervisor remembers of a domain's map must be forgotten when the map changes.
#include <gtest/gtest.h>

#include "kernel/domain/guest_presence.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

class GuestLookTest : public ::testing::Test {
protected:
    static fakes::TestDomain& make()
    {
        fakes::start_machine();
        static auto& domain = *new fakes::TestDomain{0x77};
        return domain;
    }
    [[nodiscard]] u8* look_at(u64 address, bool for_writing = true) const
    {
        return GuestLook{domain.vcpu()}.reach(Gpa{address}, for_writing);
    }
    void remove(u64 frame, MappingType type = MappingType::Ram) const
    {
        Retired retired{*domain};
        EXPECT_TRUE(domain->physmap.remove(Gfn{frame}, 0, type, retired));
    }

    fakes::TestDomain& domain = make();
};

TEST_F(GuestLookTest, FindsWhatIsMappedAgainAndAgain)
{
    EXPECT_EQ(look_at(0x2345), domain.byte(0x2345));
    EXPECT_EQ(look_at(0x2346), domain.byte(0x2346));
    EXPECT_EQ(look_at(0x12'345), domain.byte(0x12'345)) << "the same slot";
    EXPECT_EQ(look_at(0x2345), domain.byte(0x2345));
}

TEST_F(GuestLookTest, NothingIsFoundWhereNothingIs)
{
    EXPECT_EQ(look_at(0), domain.byte(0));
    EXPECT_EQ(look_at(u64{1} << 40), nullptr);
    EXPECT_EQ(look_at(u64{1} << 51), nullptr);
}

TEST_F(GuestLookTest, ARemovedPageIsForgotten)
{
    ASSERT_NE(look_at(0x5000), nullptr);
    remove(5);
    EXPECT_EQ(look_at(0x5000), nullptr);
    u8 byte = 0;
    EXPECT_EQ(copy_from_guest(domain.vcpu(), {&byte, 1}, Gva{0x5000}).error(), Error::BadAddress);
}

TEST_F(GuestLookTest, AnotherPageInTheSamePlaceIsSeen)
{
    ASSERT_NE(look_at(0x6000), nullptr);
    remove(6);
    domain.put<u32>(0x7000, 0x600d);
    auto other = domain->physmap.reference(Gfn{7}, true);
    ASSERT_TRUE(other);
    ASSERT_TRUE(domain->physmap.add(Gfn{6}, std::move(*other), MappingType::GrantReadOnly));
    EXPECT_EQ(look_at(0x6000, false), domain.byte(0x7000));
    EXPECT_EQ(look_at(0x6000), nullptr) << "read-only";
    remove(6, MappingType::GrantReadOnly);
    EXPECT_EQ(look_at(0x6000, false), nullptr);
}

}
}
