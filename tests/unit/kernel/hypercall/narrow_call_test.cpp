// SPDX-License-Identifier: MIT
/// Hypercalls of 32-bit callers: what lies in their memory is theirs, what handlers see is wide, and nothing that they
/// name reaches beyond 4 GiB. Structures are written here word by word, as -m32 lays them out.
#include <gtest/gtest.h>

#include <limits>

#include "kernel/hypercall/narrow_call.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/simulated_cpus.hpp"

namespace hospes {
namespace {

using xen::Hypercall;

constexpr u32 structure_at = 0x1000;
constexpr u32 array_at = 0x2000;
constexpr u32 other_at = 0x3000;
constexpr u32 self = xen::domid_self;
constexpr u32 last_word = 0xffff'fffc; ///< of what a 32-bit caller can name

class NarrowCalls : public testing::Test {
protected:
    s32 call(Hypercall number, NarrowArguments arguments)
    {
        for (stretches_ = 1;; ++stretches_) {
            auto const result = dispatch_narrow_hypercall(guest_.vcpu(), static_cast<u32>(number), arguments);
            if (!result.restart) return static_cast<s32>(result.value);
        }
    }
    template <typename Command>
    s32 call(Hypercall number, Command command, u32 structure, u32 third = 0)
    {
        return call(number, NarrowArguments{static_cast<u32>(command), structure, third});
    }
    void put(u32 where, std::initializer_list<u32> words) const
    {
        for (u32 word : words) {
            guest_.put(where, word);
            where += sizeof word;
        }
    }
    u32 word(u32 where) const { return guest_.get<u32>(where); }
    static s32 error(Error error) { return static_cast<s32>(fakes::as_result(error)); }

    fakes::TestDomain guest_{1};
    u32 stretches_ = 0;
};

TEST_F(NarrowCalls, TheArrayOfAReservationHasWordsOf32Bits)
{
    put(array_at, {3, 5, 4, 77});
    put(structure_at, {array_at, 3, 0, 0, self});
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::DecreaseReservation, structure_at), 3);
    EXPECT_EQ(guest_->physmap.lookup(Gfn{5}).type, MappingType::None);
    EXPECT_EQ(guest_->physmap.lookup(Gfn{4}).type, MappingType::None);
    EXPECT_NE(guest_->physmap.lookup(Gfn{6}).type, MappingType::None);
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::PopulatePhysmap, structure_at), 3);
    EXPECT_NE(guest_->physmap.lookup(Gfn{5}).type, MappingType::None);
}

TEST_F(NarrowCalls, AnArrayMayLieAtAddress0)
{
    put(0, {3, 5});
    put(structure_at, {0, 2, 0, 0, self});
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::DecreaseReservation, structure_at), 2);
    EXPECT_EQ(guest_->physmap.lookup(Gfn{3}).type, MappingType::None);
    EXPECT_EQ(guest_->physmap.lookup(Gfn{5}).type, MappingType::None);
}

TEST_F(NarrowCalls, ALongReservationGoesOnWhereItStopped)
{
    put(array_at, {10, 11, 12, 13, 14, 15, 16, 17});
    put(structure_at, {array_at, 8, 0, 0, self});
    fakes::SlowClock const clock{10 * Budget::stretch};
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::DecreaseReservation, structure_at), 8);
    EXPECT_GT(stretches_, 2u);
    for (u64 frame = 10; frame < 18; ++frame) EXPECT_EQ(guest_->physmap.lookup(Gfn{frame}).type, MappingType::None);
    EXPECT_NE(guest_->physmap.lookup(Gfn{18}).type, MappingType::None);
}

TEST_F(NarrowCalls, MoreExtentsThanTheRegisterCanCountAreNone)
{
    put(structure_at, {array_at, 1 << 26, 0, 0, self});
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::DecreaseReservation, structure_at), 0);
    EXPECT_NE(guest_->physmap.lookup(Gfn{0}).type, MappingType::None);
}

TEST_F(NarrowCalls, AnArrayThatRunsBeyond4GibEndsThere)
{
    put(structure_at, {last_word, 2, 0, 0, self});
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::DecreaseReservation, structure_at), 0);
}

TEST_F(NarrowCalls, AStructureThatRunsBeyond4GibIsABadAddress)
{
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::AddToPhysmap, last_word), error(Error::BadAddress));
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::MemoryMap, last_word), error(Error::BadAddress));
    EXPECT_EQ(call(Hypercall::EventChannelOp, xen::EventChannelCommand::Status, last_word), error(Error::BadAddress));
}

TEST_F(NarrowCalls, SharedInfoIsMappedWhereSixteenBytesSay)
{
    put(structure_at, {self, 0, 0, 20, ~u32{0}});
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::AddToPhysmap, structure_at), 0);
    EXPECT_EQ(guest_->shared_info_position(), Gfn{20});
    EXPECT_EQ(word(structure_at + 16), ~u32{0});
    put(structure_at, {self, 20});
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::RemoveFromPhysmap, structure_at), 0);
    EXPECT_EQ(guest_->physmap.lookup(Gfn{20}).type, MappingType::None);
}

TEST_F(NarrowCalls, TheMemoryMapGoesToAPointerOf32BitsWhichStays)
{
    auto const set = [&] {
        auto held = guest_->control.lock();
        return held->memory_map.push_back({.address = 0, .size = 0x2'0000'0000, .type = 1});
    };
    ASSERT_TRUE(set());
    put(structure_at, {100, array_at, 0xabcd});
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::MemoryMap, structure_at), 0);
    EXPECT_EQ(word(structure_at), 1u);
    EXPECT_EQ(word(structure_at + 4), array_at);
    EXPECT_EQ(word(structure_at + 8), 0xabcdu);
    EXPECT_EQ(guest_.get<u64>(array_at + 8), 0x2'0000'0000u);
    EXPECT_EQ(guest_.get<u32>(array_at + 16), 1u);
}

TEST_F(NarrowCalls, GrantCopiesAreTwentyFourBytesLarge)
{
    u32 const id = self;
    for (u32 i = 0; i < 3; ++i)
        put(array_at + 24 * i, {8 + i, id | (4 << 16), 11 + i, id | (8 << 16), 4 /* length */, 0xffff});
    for (u32 i = 0; i < 3; ++i) guest_.put((8 + i) * page_size + 4, 0x1111'1111u * (i + 1));
    fakes::SlowClock const clock{10 * Budget::stretch};
    EXPECT_EQ(call(Hypercall::GrantTableOp, xen::GrantTableCommand::Copy, array_at, 3), 0);
    EXPECT_GT(stretches_, 1u);
    for (u32 i = 0; i < 3; ++i) {
        EXPECT_EQ(guest_.get<s16>(array_at + 24 * i + 20), 0) << i;
        EXPECT_EQ(guest_.get<u32>((11 + i) * page_size + 8), 0x1111'1111u * (i + 1)) << i;
    }
    EXPECT_EQ(word(array_at + 24 * 3), 0u);
}

TEST_F(NarrowCalls, SetupTableSaysItsStatusWhereTheCallerLooks)
{
    put(structure_at, {self, 1, 0xffff, 0x1234'5678});
    EXPECT_EQ(call(Hypercall::GrantTableOp, xen::GrantTableCommand::SetupTable, structure_at, 1), 0);
    EXPECT_EQ(guest_.get<s16>(structure_at + 8), 0);
    EXPECT_EQ(word(structure_at + 12), 0x1234'5678u);
}

TEST_F(NarrowCalls, RunStatesAreFortyFourBytesLarge)
{
    put(structure_at + 40, {0, 0xabcd});
    EXPECT_EQ(
        call(Hypercall::VcpuOp, NarrowArguments{static_cast<u32>(xen::VcpuCommand::GetRunstateInfo), 0, structure_at}),
        0);
    auto const times = guest_.vcpu().run_state.read();
    EXPECT_EQ(word(structure_at), static_cast<u32>(times.state));
    EXPECT_EQ(guest_.get<u64>(structure_at + 4), times.entered);
    EXPECT_EQ(word(structure_at + 44), 0xabcdu);
}

TEST_F(NarrowCalls, OnlyTheLowHalfOfAnAreasAddressIsOne)
{
    put(structure_at, {other_at, 0xdead'beef});
    NarrowArguments const arguments{static_cast<u32>(xen::VcpuCommand::RegisterRunstateMemoryArea), 0, structure_at};
    EXPECT_EQ(call(Hypercall::VcpuOp, arguments), 0);
    put(structure_at, {0, 0xdead'beef});
    EXPECT_EQ(call(Hypercall::VcpuOp, arguments), 0);
    EXPECT_FALSE(guest_.vcpu().areas.lock()->has_run_state());
}

TEST_F(NarrowCalls, PollTakesItsPortsAndItsTime)
{
    put(array_at, {5000});
    put(structure_at, {array_at, 1, 0, 0});
    EXPECT_EQ(call(Hypercall::SchedOp, xen::SchedCommand::Poll, structure_at), error(Error::Invalid)); // no such port
    put(array_at, {1});
    EXPECT_EQ(call(Hypercall::SchedOp, xen::SchedCommand::Poll, structure_at), 0);
    EXPECT_TRUE(guest_.vcpu().clear_waiting(WaitReason::Polling));
}

TEST_F(NarrowCalls, ADeadlineComesInTwoHalves)
{
    EXPECT_EQ(call(Hypercall::SetTimerOp, NarrowArguments{0x1234, 0x10}), 0);
    EXPECT_EQ(guest_.vcpu().one_shot_timer.deadline, 0x10'0000'1234u);
    EXPECT_EQ(call(Hypercall::SetTimerOp, NarrowArguments{0, 0}), 0);
}

TEST_F(NarrowCalls, EventChannelsAndParametersAreTheSameForBoth)
{
    put(structure_at, {self | self << 16, 0});
    EXPECT_EQ(call(Hypercall::EventChannelOp, xen::EventChannelCommand::AllocUnbound, structure_at), 0);
    EXPECT_EQ(word(structure_at + 4), 1u);
    put(structure_at, {self, static_cast<u32>(xen::HvmParamIndex::StoreEventChannel), 7, 8});
    EXPECT_EQ(call(Hypercall::HvmOp, xen::HvmCommand::SetParam, structure_at), 0);
    put(structure_at + 8, {0, 0});
    EXPECT_EQ(call(Hypercall::HvmOp, xen::HvmCommand::GetParam, structure_at), 0);
    EXPECT_EQ(guest_.get<u64>(structure_at + 8), 0x8'0000'0007u);
}

TEST_F(NarrowCalls, PlatformParametersAreOneWord)
{
    put(structure_at, {1, 2});
    EXPECT_EQ(call(Hypercall::XenVersion, xen::VersionCommand::PlatformParameters, structure_at), 0);
    EXPECT_EQ(word(structure_at), 0u);
    EXPECT_EQ(word(structure_at + 4), 2u);
}

TEST_F(NarrowCalls, WhatNoRuleNamesIsNotImplemented)
{
    for (Hypercall number : {Hypercall::PlatformOp, Hypercall::PhysdevOp, Hypercall::Sysctl, Hypercall::Domctl})
        EXPECT_EQ(call(number, NarrowArguments{}), error(Error::NotImplemented));
    EXPECT_EQ(call(Hypercall::MemoryOp, xen::MemoryCommand::AcquireResource, structure_at),
              error(Error::NotImplemented));
    EXPECT_EQ(call(Hypercall{63}, NarrowArguments{}), error(Error::NotImplemented));
    EXPECT_EQ(call(Hypercall{0xffff'ffff}, NarrowArguments{}), error(Error::NotImplemented));
    EXPECT_EQ(call(Hypercall::SchedOp, 0xffff'ffffu, structure_at), error(Error::NotImplemented));
}

TEST_F(NarrowCalls, WhoMayCallIsAskedAsEver)
{
    EXPECT_EQ(call(Hypercall::ConsoleIo, NarrowArguments{0, 1, structure_at}), error(Error::NotPermitted));
}

// --- multicalls ---

/// Entries of 32 bytes: operation, result, six arguments.
TEST_F(NarrowCalls, AMulticallHasEntriesOfThirtyTwoBytes)
{
    put(structure_at, {static_cast<u32>(Hypercall::XenVersion), 1, 0, 0, 0, 0, 0, 0});
    put(structure_at + 32, {static_cast<u32>(Hypercall::XenVersion), 1, 99, 0, 0, 0, 0, 0});
    put(structure_at + 64, {static_cast<u32>(Hypercall::Multicall), 1, structure_at, 1, 0, 0, 0, 0});
    put(other_at, {self, 0, 0, 20});
    put(structure_at + 96,
        {static_cast<u32>(Hypercall::MemoryOp), 1, static_cast<u32>(xen::MemoryCommand::AddToPhysmap), other_at});
    EXPECT_EQ(call(Hypercall::Multicall, NarrowArguments{structure_at, 4}), 0);
    EXPECT_EQ(word(structure_at + 4) >> 16, 4u);
    EXPECT_EQ(static_cast<s32>(word(structure_at + 36)), error(Error::NotImplemented));
    EXPECT_EQ(static_cast<s32>(word(structure_at + 68)), error(Error::NotImplemented));
    EXPECT_EQ(word(structure_at + 100), 0u);
    EXPECT_EQ(guest_->shared_info_position(), Gfn{20});
}

TEST_F(NarrowCalls, LongCallsInAMulticallGoOnInTheirEntries)
{
    for (u32 i = 0; i < 4; ++i) {
        put(array_at + 32 * i, {8 + 4 * i, 9 + 4 * i, 10 + 4 * i, 11 + 4 * i});
        put(other_at + 32 * i, {array_at + 32 * i, 4, 0, 0, self});
        put(structure_at + 32 * i, {static_cast<u32>(Hypercall::MemoryOp), 77,
                                    static_cast<u32>(xen::MemoryCommand::DecreaseReservation), other_at + 32 * i});
    }
    fakes::SlowClock const clock{10 * Budget::stretch};
    EXPECT_EQ(call(Hypercall::Multicall, NarrowArguments{structure_at, 4}), 0);
    EXPECT_GT(stretches_, 4u);
    for (u32 i = 0; i < 4; ++i) EXPECT_EQ(word(structure_at + 32 * i + 4), 4u) << i;
    for (u64 frame = 8; frame < 24; ++frame) EXPECT_EQ(guest_->physmap.lookup(Gfn{frame}).type, MappingType::None);
}

TEST_F(NarrowCalls, AMulticallThatRunsBeyond4GibIsABadAddress)
{
    EXPECT_EQ(call(Hypercall::Multicall, NarrowArguments{last_word - 28, 2}), error(Error::BadAddress));
}

/// A window is there for the call alone, and for 32-bit callers alone.
TEST_F(NarrowCalls, AWideCallerFindsNoWindow)
{
    put(structure_at, {self, 0, 0, 20});
    static_cast<void>(call(Hypercall::MemoryOp, xen::MemoryCommand::AddToPhysmap, structure_at));
    for (u64 slot = 0; slot < 8; ++slot)
        EXPECT_EQ(guest_.call(Hypercall::MemoryOp, static_cast<u64>(xen::MemoryCommand::AddToPhysmap),
                              u64{1} << 62 | slot << 40),
                  fakes::as_result(Error::BadAddress));
}

}
}
