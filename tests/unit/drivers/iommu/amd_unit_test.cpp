// SPDX-License-Identifier: MIT
/// An AMD-Vi unit completes what it is told, or is caught; its events are read in order, across the end of the log.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <vector>

#include "drivers/iommu/amd_unit.hpp"

namespace hospes::iommu {
namespace {

using namespace amd;

constexpr u64 invalidate_all_feature = u64{1} << 6;

class FakeUnit final : public Registers {
public:
    u32 read32(u32) const override { return 0; }
    u64 read64(u32 offset) const override
    {
        if (offset == at::status && on_look) on_look();
        auto const found = quads.find(offset);
        return found == quads.end() ? 0 : found->second;
    }
    void write32(u32, u32) override {}
    void write64(u32 offset, u64 value) override
    {
        if (offset == at::control && ignores_control) return;
        quads[offset] = offset == at::status ? quads[offset] & ~value : value;
        if (offset == at::command_head) head = value / sizeof(Command);
        if (offset == at::command_tail && !is_deaf) run(value / sizeof(Command));
    }
    u64 now() const override { return ++ticks; }
    bool is_too_long_since(u64 started) const override { return ++ticks - started > 50; }

    std::map<u32, u64> quads{{at::extended_features, invalidate_all_feature}};
    std::vector<unsigned> codes;
    Command* commands = nullptr;
    u64* done = nullptr;
    bool is_deaf = false, ignores_control = false;
    std::function<void()> on_look; ///< at the status register

private:
    void run(u64 tail)
    {
        for (; head != tail; head = (head + 1) % 256) {
            codes.push_back(static_cast<unsigned>(commands[head].low >> 60));
            if (codes.back() == 1) *done = commands[head].high;
        }
    }
    mutable u64 ticks = 0;
    u64 head = 0;
};

class AmdUnitTest : public ::testing::Test {
protected:
    AmdUnitTest()
    {
        fake.commands = reinterpret_cast<Command*>(memory.data());
        fake.done = reinterpret_cast<u64*>(memory.data() + 2 * page_size);
    }
    [[nodiscard]] bool start()
    {
        if (!unit.examine(true)) return false;
        unit.use_buffers(memory.data(), Hpa{0x10'0000});
        return unit.start(Hpa{0x20'0000}, 2 * mib);
    }
    [[nodiscard]] Event& event(size_t index) { return reinterpret_cast<Event*>(memory.data() + page_size)[index]; }

    alignas(64) std::array<u8, 4 * page_size> memory{};
    FakeUnit fake;
    AmdUnit unit{fake, 0};
};

TEST_F(AmdUnitTest, StartsWithEmptyCaches)
{
    ASSERT_TRUE(start());
    EXPECT_EQ(fake.quads[at::device_table], 0x20'0000u | 511);
    EXPECT_EQ(fake.codes, (std::vector<unsigned>{8, 1}));
    EXPECT_TRUE(Control{fake.quads[at::control]}.get<Control::Enabled>());
}

TEST_F(AmdUnitTest, WhatTheFirmwareLeftIsForgotten)
{
    fake.quads[at::status] = Status{}.with<Status::EventOverflow>(true).with<Status::EventInterrupt>(true).raw();
    fake.quads[at::event_head] = 0x40;
    ASSERT_TRUE(start());
    EXPECT_EQ(fake.quads[at::status], 0u) << "the next event is announced";
    EXPECT_FALSE(unit.next_fault());
}

TEST_F(AmdUnitTest, LyingRegisters)
{
    fake.quads[at::control] = ~u64{0};
    EXPECT_FALSE(unit.examine(true));
    fake.quads[at::control] = 0;
    fake.quads[at::extended_features] = ~u64{0};
    EXPECT_FALSE(unit.examine(true));
    EXPECT_TRUE(unit.examine(false)) << "then the register is not there to lie";
}

TEST_F(AmdUnitTest, StaysOffIfItDoesNotObey)
{
    fake.ignores_control = true;
    EXPECT_FALSE(start());
}

/// (security.md: XSA-442)
TEST_F(AmdUnitTest, ADeviceIsForgottenWithItsTranslations)
{
    ASSERT_TRUE(start());
    fake.codes.clear();
    ASSERT_TRUE(unit.flush_device(0x10));
    EXPECT_EQ(fake.codes, (std::vector<unsigned>{2, 3, 1})) << "its entry, the pages, then wait";
}

TEST_F(AmdUnitTest, SilenceIsNoSuccess)
{
    ASSERT_TRUE(start());
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(unit.flush_translations());
    fake.is_deaf = true;
    EXPECT_FALSE(unit.flush_translations());
    EXPECT_FALSE(unit.flush_device(0x10));
    EXPECT_FALSE(unit.flush_interrupts(0x10));
}

TEST_F(AmdUnitTest, AnEventThatIsStillOnItsWayIsWaitedFor)
{
    ASSERT_TRUE(start());
    unit.begin_faults();
    fake.quads[at::event_tail] = 16;
    unsigned looks = 0;
    fake.on_look = [&] {
        if (++looks != 3) return;
        event(0).high = 0x5000;
        event(0).low = EventHeader{}.with<EventHeader::Requester>(0x18).with<EventHeader::Code>(2).raw();
    };
    auto const fault = unit.next_fault();
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->requester, 0x18);
    EXPECT_EQ(fault->address, 0x5000u);
}

TEST_F(AmdUnitTest, AnEventThatNeverComesIsNobodys)
{
    ASSERT_TRUE(start());
    unit.begin_faults();
    fake.quads[at::event_tail] = 16;
    EXPECT_FALSE(unit.next_fault());
    EXPECT_EQ(fake.quads[at::event_head], 16u);
    EXPECT_FALSE(unit.next_fault());
}

TEST_F(AmdUnitTest, EventsAcrossTheEnd)
{
    ASSERT_TRUE(start());
    for (unsigned i = 0; i < 600; ++i) {
        event(i % 256) = {.low = EventHeader{}
                                     .with<EventHeader::Requester>(static_cast<u16>(i))
                                     .with<EventHeader::IsWrite>(true)
                                     .with<EventHeader::Code>(2)
                                     .raw(),
                          .high = u64{i} << 12};
        fake.quads[at::event_tail] = (i + 1) % 256 * 16;
        unit.begin_faults();
        auto const fault = unit.next_fault();
        ASSERT_TRUE(fault);
        EXPECT_EQ(fault->requester, i);
        EXPECT_EQ(fault->address, u64{i} << 12);
        EXPECT_TRUE(fault->write);
        EXPECT_FALSE(unit.next_fault());
    }
}

}
}
