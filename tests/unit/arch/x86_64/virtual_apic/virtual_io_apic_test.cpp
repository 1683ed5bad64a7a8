// SPDX-License-Identifier: MIT
/// Lines that fire, vCPUs that end interrupts, and guests that mask at bad moments: nothing is lost or doubled.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "arch/x86_64/virtual_apic/virtual_io_apic.hpp"

namespace hospes::arch {
namespace {

constexpr u32 gsi_base = 24;

/// Pins with devices on them: a level-triggered one fires whenever it is unmasked and asserted.
class FakeLines final : public GsiLines {
public:
    struct Line {
        TriggerMode trigger{};
        Polarity polarity{};
        Handler handler = nullptr;
        void* context = nullptr;
        bool masked = true;
        bool asserted = false;
    };
    Expected<> bind(u32 gsi, TriggerMode trigger, Polarity polarity, Handler handler, void* context) override
    {
        if (gsi == refused) return failure(Error::Busy);
        lines[gsi] = {trigger, polarity, handler, context};
        return {};
    }
    void set_signal(u32 gsi, TriggerMode trigger, Polarity polarity) override
    {
        lines[gsi].trigger = trigger;
        lines[gsi].polarity = polarity;
        lines[gsi].masked = true;
    }
    void mask(u32 gsi) override { lines[gsi].masked = true; }
    void unmask(u32 gsi) override { lines[gsi].masked = false; }

    /// What the hardware does by itself.
    void run()
    {
        for (auto& [gsi, line] : lines) {
            if (line.masked || !line.asserted) continue;
            if (line.trigger == TriggerMode::Level)
                line.masked = true;
            else
                line.asserted = false;
            line.handler(line.context);
        }
    }
    std::map<u32, Line> lines;
    u32 refused = 0;
};

class FakeSink final : public InterruptSink {
public:
    void deliver(ApicMessage const& message) override { messages.push_back(message); }
    std::vector<ApicMessage> messages;
};

class VirtualIoApicTest : public testing::Test {
protected:
    void select(u8 index) { apic->write_register(0, index); }
    void write(u8 index, u32 value)
    {
        select(index);
        apic->write_register(0x10, value);
    }
    u32 read(u8 index)
    {
        select(index);
        return apic->read_register(0x10);
    }
    void write_entry(unsigned pin, RedirectionEntry entry)
    {
        write(static_cast<u8>(0x11 + 2 * pin), static_cast<u32>(entry.raw() >> 32));
        write(static_cast<u8>(0x10 + 2 * pin), static_cast<u32>(entry.raw()));
    }
    void assert_line(unsigned pin, bool on)
    {
        lines.lines[gsi_base + pin].asserted = on;
        lines.run();
    }
    bool remote_irr(unsigned pin) { return (read(static_cast<u8>(0x10 + 2 * pin)) & 1u << 14) != 0; }

    static constexpr RedirectionEntry level =
        RedirectionEntry::fixed(0x51, 2, TriggerMode::Level, Polarity::ActiveLow).with<RedirectionEntry::Masked>(false);
    static constexpr RedirectionEntry edge =
        RedirectionEntry::fixed(0x31, 4, TriggerMode::Edge, Polarity::ActiveHigh).with<RedirectionEntry::Masked>(false);
    static constexpr RedirectionEntry masked(RedirectionEntry entry)
    {
        return entry.with<RedirectionEntry::Masked>(true);
    }

    FakeLines lines;
    FakeSink sink;
    std::unique_ptr<VirtualIoApic> apic = std::move(
        *VirtualIoApic::create({.id = 2, .address = Gpa{0xfec00000}, .gsi_base = gsi_base, .pins = 24}, lines, sink));
};

TEST_F(VirtualIoApicTest, SaysWhoItIs)
{
    EXPECT_EQ(read(0), 0x02000000u);
    EXPECT_EQ(read(1), 0x00170020u);
    EXPECT_EQ(read(0x10), 0x00010000u);
    EXPECT_EQ(read(0x40), 0xffffffffu);
    write(0x40, 0);
    write(0xff, 0);
    write(0x01, 0);
    EXPECT_EQ(read(1), 0x00170020u);
}

TEST_F(VirtualIoApicTest, BindsWithTheGuestsSignalWhenUnmasked)
{
    write_entry(3, masked(level));
    EXPECT_TRUE(lines.lines.empty());
    write_entry(3, level);
    EXPECT_EQ(lines.lines.at(gsi_base + 3).trigger, TriggerMode::Level);
    EXPECT_EQ(lines.lines.at(gsi_base + 3).polarity, Polarity::ActiveLow);
    EXPECT_FALSE(lines.lines.at(gsi_base + 3).masked);
}

TEST_F(VirtualIoApicTest, ReadOnlyBitsStay)
{
    write(0x10, 0xffff'ffff);
    EXPECT_EQ(read(0x10), 0x0001'afffu);
}

TEST_F(VirtualIoApicTest, LevelIsDeliveredOnceUntilItsEnd)
{
    write_entry(1, level);
    assert_line(1, true);
    ASSERT_EQ(sink.messages.size(), 1u);
    EXPECT_EQ(sink.messages[0].vector, 0x51);
    EXPECT_EQ(sink.messages[0].destination, 2u);
    EXPECT_TRUE(sink.messages[0].level);
    EXPECT_TRUE(remote_irr(1));
    lines.run();
    EXPECT_EQ(sink.messages.size(), 1u);

    assert_line(1, false);
    apic->end_of_interrupt(0x51);
    lines.run();
    EXPECT_FALSE(remote_irr(1));
    EXPECT_EQ(sink.messages.size(), 1u);
}

TEST_F(VirtualIoApicTest, LevelStillAssertedAtItsEndComesAgain)
{
    write_entry(1, level);
    assert_line(1, true);
    apic->end_of_interrupt(0x51);
    lines.run();
    EXPECT_EQ(sink.messages.size(), 2u);
}

TEST_F(VirtualIoApicTest, AnotherVectorsEndDoesNotMatter)
{
    write_entry(1, level);
    assert_line(1, true);
    apic->end_of_interrupt(0x52);
    EXPECT_TRUE(remote_irr(1));
    EXPECT_TRUE(lines.lines[gsi_base + 1].masked);
}

TEST_F(VirtualIoApicTest, UnmaskingWhileAssertedDelivers)
{
    write_entry(1, level);
    write_entry(1, masked(level));
    EXPECT_TRUE(lines.lines[gsi_base + 1].masked);
    assert_line(1, true);
    EXPECT_EQ(sink.messages.size(), 0u);
    write_entry(1, level.with<RedirectionEntry::Vector>(0x61));
    lines.run();
    ASSERT_EQ(sink.messages.size(), 1u);
    EXPECT_EQ(sink.messages[0].vector, 0x61);
}

TEST_F(VirtualIoApicTest, MaskedDuringServiceStaysMaskedAfterItsEnd)
{
    write_entry(1, level);
    assert_line(1, true);
    write_entry(1, masked(level));
    apic->end_of_interrupt(0x51);
    lines.run();
    EXPECT_EQ(sink.messages.size(), 1u);
    write_entry(1, level);
    lines.run();
    EXPECT_EQ(sink.messages.size(), 2u);
}

TEST_F(VirtualIoApicTest, UnmaskedDuringServiceWaitsForItsEnd)
{
    write_entry(1, level);
    assert_line(1, true);
    write_entry(1, masked(level));
    write_entry(1, level);
    lines.run();
    EXPECT_EQ(sink.messages.size(), 1u);
    apic->end_of_interrupt(0x51);
    lines.run();
    EXPECT_EQ(sink.messages.size(), 2u);
}

TEST_F(VirtualIoApicTest, TurningToEdgeAndBackEndsAnInterrupt)
{
    write_entry(1, level);
    assert_line(1, true);
    write_entry(1, masked(level).with<RedirectionEntry::Trigger>(TriggerMode::Edge));
    EXPECT_FALSE(remote_irr(1));
    write_entry(1, level);
    lines.run();
    EXPECT_EQ(sink.messages.size(), 2u);
}

TEST_F(VirtualIoApicTest, TheEndRegisterEndsToo)
{
    write_entry(1, level);
    assert_line(1, true);
    apic->write_register(0x40, 0x51);
    EXPECT_FALSE(remote_irr(1));
}

TEST_F(VirtualIoApicTest, EdgesAreDeliveredEachTime)
{
    write_entry(4, edge);
    assert_line(4, true);
    assert_line(4, true);
    ASSERT_EQ(sink.messages.size(), 2u);
    EXPECT_FALSE(sink.messages[0].level);
    EXPECT_FALSE(remote_irr(4));
}

TEST_F(VirtualIoApicTest, AnEdgeUnderWayWhileMaskedIsRemembered)
{
    write_entry(4, edge);
    write_entry(4, masked(edge));
    auto const& line = lines.lines[gsi_base + 4];
    line.handler(line.context);
    EXPECT_EQ(sink.messages.size(), 0u);
    write_entry(4, edge);
    EXPECT_EQ(sink.messages.size(), 1u);
}

TEST_F(VirtualIoApicTest, ANewSignalIsPassedOn)
{
    write_entry(5, edge);
    write_entry(5, level);
    EXPECT_EQ(lines.lines[gsi_base + 5].trigger, TriggerMode::Level);
    EXPECT_FALSE(lines.lines[gsi_base + 5].masked);
}

TEST_F(VirtualIoApicTest, ALineThatIsTakenStaysSilent)
{
    lines.refused = gsi_base + 6;
    write_entry(6, edge);
    write_entry(6, edge);
    EXPECT_FALSE(lines.lines.contains(gsi_base + 6));
}

TEST_F(VirtualIoApicTest, SharedVectorsEndTogether)
{
    write_entry(1, level);
    write_entry(2, level);
    assert_line(1, true);
    assert_line(2, true);
    assert_line(1, false);
    assert_line(2, false);
    apic->end_of_interrupt(0x51);
    EXPECT_FALSE(remote_irr(1));
    EXPECT_FALSE(remote_irr(2));
}

}
}
