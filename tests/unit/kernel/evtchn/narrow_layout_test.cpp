// SPDX-License-Identifier: MIT
/// What a domain of 32-bit code shares with the hypervisor lies where its headers say, and nothing is written
/// elsewhere.
#include <gtest/gtest.h>

#include "kernel/abi/compat/shared_info.hpp"
#include "kernel/abi/xen/hvm_op.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/hypercall/narrow_call.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

using xen::Hypercall;

constexpr u32 structure_at = 0x1000;
constexpr u64 area_page = 3;

class NarrowLayout : public testing::Test {
protected:
    NarrowLayout() { set_callback(); }

    /// As 32-bit code that sets up its interrupts does.
    void set_callback() const
    {
        put_callback(xen::domid_self);
        NarrowArguments arguments{static_cast<u32>(xen::HvmCommand::SetParam), structure_at};
        EXPECT_EQ(dispatch_narrow_hypercall(guest_.vcpu(), static_cast<u32>(Hypercall::HvmOp), arguments).value, 0u);
    }
    void put_callback(DomainId id) const
    {
        guest_.put(structure_at, xen::HvmParam{.domain = id,
                                               .pad = 0,
                                               .index = static_cast<u32>(xen::HvmParamIndex::CallbackIrq),
                                               .value = 2ull << 56 | 0xf0});
    }
    compat::SharedInfo& shared() const { return *reinterpret_cast<compat::SharedInfo*>(guest_->shared_info()); }
    compat::VcpuInfo& info() const { return *reinterpret_cast<compat::VcpuInfo*>(guest_.vcpu().info()); }
    xen::EventPort port_for_itself() const
    {
        auto const port = guest_->event_channels.bind_ipi(0);
        EXPECT_TRUE(port);
        return port.value_or(0);
    }
    xen::EventPort port_above(xen::EventPort number) const
    {
        for (;;)
            if (xen::EventPort const port = port_for_itself(); port > number || port == 0) return port;
    }
    u32 set_bits() const
    {
        u32 sum = 0;
        for (size_t i = 0; i < page_size; ++i)
            sum += static_cast<u32>(std::popcount(reinterpret_cast<u8 const*>(guest_->shared_info())[i]));
        return sum;
    }

    fakes::TestDomain guest_{1};
};

TEST_F(NarrowLayout, AnEventIsABitAmongWordsOf32Bits)
{
    xen::EventPort const port = port_above(32);
    EXPECT_TRUE(guest_->event_channels.send(port));
    EXPECT_EQ(shared().event_pending[port / 32], 1u << port % 32);
    EXPECT_EQ(info().event_pending_selector, 1u << port / 32);
    EXPECT_EQ(info().event_upcall_pending, 1);
    EXPECT_EQ(info().cr2, 0u);
    EXPECT_TRUE(guest_->event_channels.is_pending(port));
}

TEST_F(NarrowLayout, TheMaskIsBehind128BytesOfEvents)
{
    xen::EventPort const port = port_above(40);
    shared().event_mask[port / 32] = 1u << port % 32;
    EXPECT_TRUE(guest_->event_channels.is_masked(port));
    EXPECT_TRUE(guest_->event_channels.send(port));
    EXPECT_EQ(shared().event_pending[port / 32], 1u << port % 32);
    EXPECT_EQ(info().event_pending_selector, 0u);
    EXPECT_TRUE(guest_->event_channels.unmask(port));
    EXPECT_EQ(shared().event_mask[port / 32], 0u);
    EXPECT_EQ(info().event_pending_selector, 1u << port / 32);
}

TEST_F(NarrowLayout, ThereAreBitsFor1024Ports)
{
    xen::EventPort last = 0;
    for (;;) {
        auto const port = guest_->event_channels.bind_ipi(0);
        if (!port) {
            EXPECT_EQ(port.error(), Error::NoSpace);
            break;
        }
        last = *port;
    }
    EXPECT_EQ(last, 1023u);
    EXPECT_TRUE(guest_->event_channels.send(last));
    EXPECT_EQ(shared().event_pending[31], 1u << 31);
    EXPECT_EQ(info().event_pending_selector, 1u << 31);
}

TEST_F(NarrowLayout, APortFromBeforeThatHasNoBitWritesNothing)
{
    guest_->latch_shared_info(false);
    xen::EventPort const port = port_above(1024 + 70);
    guest_->latch_shared_info(true);
    u32 const before = set_bits();
    EXPECT_TRUE(guest_->event_channels.send(port));
    EXPECT_TRUE(guest_->event_channels.unmask(port));
    EXPECT_FALSE(guest_->event_channels.is_pending(port));
    EXPECT_TRUE(guest_->event_channels.is_masked(port));
    EXPECT_TRUE(guest_->event_channels.close(port));
    EXPECT_EQ(set_bits(), before);
}

TEST_F(NarrowLayout, TheWallClockMoves)
{
    EXPECT_NE(shared().wall_clock_version, 0u);
    EXPECT_EQ(shared().wall_clock_version % 2, 0u);
    EXPECT_EQ(shared().wall_clock_seconds, guest_->shared_info()->wall_clock_seconds);
    EXPECT_EQ(shared().wall_clock_nanoseconds, guest_->shared_info()->wall_clock_nanoseconds);
}

TEST_F(NarrowLayout, ARegisteredVcpuInfoHasASelectorOf32Bits)
{
    for (u64 i = 0; i < 64; ++i) guest_.put<u8>((area_page << page_shift) + 128 + i, 0x55);
    info().cr2 = 77;
    guest_.put(structure_at, xen::VcpuRegisterVcpuInfo{area_page, 128, 0});
    NarrowArguments arguments{static_cast<u32>(xen::VcpuCommand::RegisterVcpuInfo), 0, structure_at};
    EXPECT_EQ(dispatch_narrow_hypercall(guest_.vcpu(), static_cast<u32>(Hypercall::VcpuOp), arguments).value, 0u);
    EXPECT_EQ(info().event_pending_selector, ~0u);
    EXPECT_EQ(info().event_upcall_pending, 1);
    EXPECT_EQ(info().cr2, 77u);
    EXPECT_EQ(info().time.version % 2, 0u);
}

TEST_F(NarrowLayout, ARunStateAreaEndsWhereThePageDoes)
{
    u32 const area = ((area_page + 1) << page_shift) - sizeof(compat::RunstateInfo);
    guest_.put(structure_at, u64{area});
    u64 const behind = guest_.get<u64>((area_page + 1) << page_shift);
    for (bool const marks_updates : {false, true}) {
        guest_->clock.marks_run_states = marks_updates;
        NarrowArguments arguments{static_cast<u32>(xen::VcpuCommand::RegisterRunstateMemoryArea), 0, structure_at};
        EXPECT_EQ(dispatch_narrow_hypercall(guest_.vcpu(), static_cast<u32>(Hypercall::VcpuOp), arguments).value, 0u);
        auto const times = guest_.vcpu().run_state.read();
        EXPECT_EQ(guest_.get<u32>(area), static_cast<u32>(times.state));
        EXPECT_EQ(guest_.get<u64>(area + 4), times.entered);
        EXPECT_EQ(guest_.get<u64>(area + 12), times.time[0]);
    }
    EXPECT_EQ(guest_.get<u64>((area_page + 1) << page_shift), behind);
}

TEST_F(NarrowLayout, WhoSetsTheCallbackIn64BitCodeGetsTheOther)
{
    EXPECT_TRUE(guest_->has_narrow_shared_info());
    EXPECT_EQ(guest_.call(Hypercall::HvmOp, static_cast<u64>(xen::HvmCommand::SetParam), structure_at), 0);
    EXPECT_FALSE(guest_->has_narrow_shared_info());
}

TEST_F(NarrowLayout, TheToolstacksModeDecidesNothing)
{
    fakes::TestDomain const control{0, true};
    control.put(structure_at, guest_.get<xen::HvmParam>(structure_at));
    control.put(structure_at, DomainId{1});
    EXPECT_EQ(control.call(Hypercall::HvmOp, static_cast<u64>(xen::HvmCommand::SetParam), structure_at), 0);
    EXPECT_TRUE(guest_->has_narrow_shared_info());
    EXPECT_FALSE(control->has_narrow_shared_info());
}

}
}
