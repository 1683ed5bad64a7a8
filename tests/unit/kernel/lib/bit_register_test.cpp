// SPDX-License-Identifier: MIT
/// A register is as wide as it is: its value needs no cast, and its fields do not reach beyond it.
#include "kernel/lib/bit_register.hpp"

#include <gtest/gtest.h>

namespace hospes {
namespace {

struct Narrow : Register<Narrow, u16> {
    using Register::Register;
    using Low = Field<Narrow, 3, 0, u8>;
    using Top = Field<Narrow, 15>;
};
struct Wide : Register<Wide> {
    using Register::Register;
    using Top = Field<Wide, 63>;
};
static_assert(std::same_as<decltype(Narrow{}.raw()), u16> && sizeof(Narrow) == sizeof(u16));
static_assert(std::same_as<decltype(Wide{}.raw()), u64> && sizeof(Wide) == sizeof(u64));

TEST(BitRegister, FieldsUpToTheTop)
{
    auto const narrow = Narrow{}.with<Narrow::Top>(true).with<Narrow::Low>(5);
    EXPECT_EQ(narrow.raw(), 0x8005);
    EXPECT_TRUE(narrow.get<Narrow::Top>());
    EXPECT_EQ(narrow.with<Narrow::Top>(false).raw(), 5);
    EXPECT_EQ(Wide{}.with<Wide::Top>(true).raw(), u64{1} << 63);
}

TEST(BitRegister, AValueLosesWhatLiesAboveTheRegister)
{
    EXPECT_EQ(Narrow{0x1'8005}.raw(), 0x8005);
    EXPECT_EQ(Narrow{}.with<Narrow::Low>(0xff).raw(), 0xf) << "and a field what lies above the field";
}

}
}
