// SPDX-License-Identifier: MIT
/// A VT-d unit is believed only if its registers are sane, is switched on in the manual's order, and is caught when it
/// does not do as it is told.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "drivers/iommu/vtd_unit.hpp"

namespace hospes::iommu {
namespace {

using namespace vtd;

constexpr u64 sane_capability = 0x00d2'008c'2226'0286; // as QEMU 7.2: 39 bits, one fault register at 0x220
constexpr u64 sane_extended = 0xf00a;                  // queue, interrupt remapping, IOTLB registers at 0xf00
constexpr u32 fault_at = 0x220;
constexpr u32 iotlb_at = 0xf0 * 16 + 8;

/// Obeys at once, or not at all.
class FakeUnit final : public Registers {
public:
    FakeUnit()
    {
        quads[at::capability] = sane_capability;
        quads[at::extended_capability] = sane_extended;
        words[at::version] = 0x10;
    }

    u32 read32(u32 offset) const override { return words.contains(offset) ? words.at(offset) : 0; }
    u64 read64(u32 offset) const override { return quads.contains(offset) ? quads.at(offset) : 0; }
    void write32(u32 offset, u32 value) override
    {
        if (offset == at::fault_status) {
            words[offset] &= ~value;
            return;
        }
        words[offset] = value;
        if (offset == at::global_command) command(value);
        if (offset >= fault_at && (value & clear_fault_record) != 0) {
            quads[offset - 4] = 0;
            if (--faults == 0) words[at::fault_status] &= ~u32{FaultStatus::Pending::mask};
        }
    }
    void write64(u32 offset, u64 value) override
    {
        quads[offset] = value;
        if (offset == at::queue_tail) run_queue(value / sizeof(Descriptor));
        if (offset == at::root_table) log.push_back("root");
        if (offset == at::interrupt_table) log.push_back("interrupts");
        if (offset == at::context_command || offset == iotlb_at) invalidate(offset);
    }
    u64 now() const override { return ++ticks; }

    bool is_too_long_since(u64 started) const override { return ++ticks - started > 50; }

    /// A write, refused because it is not mapped for writing.
    void record_fault(u32 number, u16 source, u64 address)
    {
        u32 const at = fault_at + number * fault_record_bytes;
        auto const record = FaultRecord{}.with<FaultRecord::Source>(source).with<FaultRecord::Reason>(5);
        quads[at] = address;
        quads[at + 8] = record.with<FaultRecord::IsValid>(true).raw();
        words[at::fault_status] = static_cast<u32>(FaultStatus{}.with<FaultStatus::Pending>(true).raw());
        ++faults;
    }

    std::map<u32, u32> words;
    std::map<u32, u64> quads;
    std::vector<Descriptor> done;
    std::vector<std::string> log;
    Descriptor* queue = nullptr;
    u32* status = nullptr;
    bool is_deaf = false;
    int faults = 0;

private:
    void command(u32 value)
    {
        if (is_deaf) return;
        u32& state = words[at::global_status];
        if ((value & global::set_root_table) != 0) log.push_back("set root");
        if ((value & global::flush_write_buffer) != 0) log.push_back("flush write buffer");
        if ((value & global::translation) != 0 && (state & global::translation) == 0) log.push_back("translate");
        if ((value & global::interrupt_remapping) != 0 && (state & global::interrupt_remapping) == 0)
            log.push_back("remap");
        state = value & ~global::flush_write_buffer;
    }

    void invalidate(u32 offset)
    {
        if (is_deaf) return;
        quads[offset] &= ~invalidate_in_progress;
        log.push_back(offset == iotlb_at ? "iotlb" : "contexts");
    }

    void run_queue(u64 tail)
    {
        if (is_deaf) return;
        for (; head != tail; head = (head + 1) % 256) {
            Descriptor const descriptor = queue[head];
            done.push_back(descriptor);
            log.push_back((descriptor.low & 0xf) == 5 ? "wait" : "invalidate");
            if ((descriptor.low & 0xf) == 5) *status = static_cast<u32>(descriptor.low >> 32);
        }
    }

    mutable u64 ticks = 0;
    u64 head = 0;
};

class VtdUnitTest : public ::testing::Test {
protected:
    VtdUnitTest()
    {
        fake.queue = reinterpret_cast<Descriptor*>(memory.data());
        fake.status = reinterpret_cast<u32*>(memory.data() + page_size);
    }

    [[nodiscard]] bool start()
    {
        if (!unit.examine()) return false;
        unit.use_queue(memory.data(), Hpa{0x10'0000});
        return unit.start({.root = Hpa{0x20'0000}, .interrupts = Hpa{0x30'0000}});
    }

    alignas(64) std::array<u8, 2 * page_size> memory{};
    FakeUnit fake;
    VtdUnit unit{fake};
};

TEST_F(VtdUnitTest, LyingRegisters)
{
    EXPECT_TRUE(unit.examine());
    for (u64 const lie : {u64{0}, ~u64{0}}) {
        for (u32 const where : {at::capability, at::extended_capability}) {
            auto const saved = std::exchange(fake.quads[where], lie);
            EXPECT_FALSE(unit.examine()) << where;
            fake.quads[where] = saved;
        }
        fake.words[at::version] = static_cast<u32>(lie);
        EXPECT_FALSE(unit.examine());
        fake.words[at::version] = 0x10;
    }
    fake.quads[at::capability] &= ~(Capability::Has3Levels::mask | Capability::Has4Levels::mask);
    EXPECT_FALSE(unit.examine()) << "no page tables";
    fake.quads[at::capability] = Capability{sane_capability}.with<Capability::HighestAddressBit>(20).raw();
    EXPECT_FALSE(unit.examine()) << "21 bits";
}

TEST_F(VtdUnitTest, OrderOfStart)
{
    ASSERT_TRUE(start());
    std::vector<std::string> const wanted{"root",       "set root",   "invalidate", "invalidate", "wait",
                                          "interrupts", "invalidate", "wait",       "remap",      "translate"};
    EXPECT_EQ(fake.log, wanted);
    EXPECT_EQ(fake.quads[at::interrupt_table] & 0xfff, 7u) << "256 entries";
}

TEST_F(VtdUnitTest, StaysOffIfDeaf)
{
    fake.is_deaf = true;
    EXPECT_FALSE(start());
}

TEST_F(VtdUnitTest, QueueGoesRound)
{
    ASSERT_TRUE(start());
    for (int i = 0; i < 1000; ++i) {
        fake.done.clear();
        ASSERT_TRUE(unit.flush_translations());
        ASSERT_EQ(fake.done.size(), 2u);
        ASSERT_EQ(fake.done[0].low, Descriptor::iotlb_of(domain_of_dom0).low);
    }
}

TEST_F(VtdUnitTest, SilenceIsNoSuccess)
{
    ASSERT_TRUE(start());
    fake.is_deaf = true;
    EXPECT_FALSE(unit.flush_translations());
    EXPECT_FALSE(unit.flush_interrupt(0x40));
}

/// Such a unit has write buffers, too: what is in them, it does not see.
TEST_F(VtdUnitTest, AUnitWithoutAQueueIsToldByRegisters)
{
    fake.quads[at::capability] = Capability{sane_capability}.with<Capability::NeedsWriteBufferFlush>(true).raw();
    ASSERT_TRUE(unit.examine());
    ASSERT_TRUE(unit.start({.root = Hpa{0x20'0000}}));
    fake.log.clear();
    EXPECT_TRUE(unit.flush_translations());
    EXPECT_EQ(fake.log, (std::vector<std::string>{"flush write buffer", "contexts", "iotlb"}));
    fake.is_deaf = true;
    EXPECT_FALSE(unit.flush_translations());
}

TEST_F(VtdUnitTest, ReportedErrorIsNoSuccess)
{
    ASSERT_TRUE(start());
    fake.is_deaf = true;
    fake.words[at::fault_status] = static_cast<u32>(FaultStatus{}.with<FaultStatus::TimeOut>(true).raw());
    EXPECT_FALSE(unit.flush_everything());
}

TEST_F(VtdUnitTest, FaultsAreReadOnce)
{
    ASSERT_TRUE(start());
    EXPECT_FALSE(unit.next_fault());
    fake.record_fault(0, 0x00fa, 0xdead'f000);
    auto const fault = unit.next_fault();
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->requester, 0x00fa);
    EXPECT_EQ(fault->address, 0xdead'f000u);
    EXPECT_TRUE(fault->write);
    EXPECT_EQ(fault->reason, "not mapped for writing");
    EXPECT_FALSE(unit.next_fault());
}

TEST_F(VtdUnitTest, WhatTheFirmwareLeftIsForgotten)
{
    fake.record_fault(0, 0x00fa, 0xdead'f000);
    fake.words[at::fault_status] |= static_cast<u32>(FaultStatus{}.with<FaultStatus::TimeOut>(true).raw());
    ASSERT_TRUE(start());
    EXPECT_FALSE(unit.next_fault());
    EXPECT_EQ(fake.words[at::fault_status], 0u) << "the next fault is announced";
}

/// In the order in which they came, wherever that began; and until none is left.
TEST_F(VtdUnitTest, FaultsGoRound)
{
    constexpr u32 records = 4;
    fake.quads[at::capability] = Capability{sane_capability}.with<Capability::LastFaultRegister>(records - 1).raw();
    ASSERT_TRUE(start());
    u16 came = 0, read = 0;
    for (u32 at_once : {3u, 4u, 1u, 4u, 2u}) {
        for (u32 i = 0; i < at_once; ++i, ++came) fake.record_fault(came % records, came, 0x1000);
        while (auto const fault = unit.next_fault()) EXPECT_EQ(fault->requester, read++);
        EXPECT_EQ(read, came);
    }
}

}
}
