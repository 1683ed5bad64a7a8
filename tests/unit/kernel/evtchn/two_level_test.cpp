// SPDX-License-Identifier: MIT
/// No event is lost, whatever the order of steps of hypervisor and guest.
#include "kernel/evtchn/two_level.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "tests/fakes/interleavings.hpp"

namespace hospes {
namespace {

using fakes::explore;
using fakes::step;
using fakes::Threads;

/// Every access is a point where others may run.
struct SteppedWords {
    static u64 load(u64& word) { return step(), AtomicWords::load(word); }
    static u64 set(u64& word, u64 bits) { return step(), AtomicWords::set(word, bits); }
    static u64 clear(u64& word, u64 bits) { return step(), AtomicWords::clear(word, bits); }
    static u8 exchange(u8& byte, u8 value) { return step(), AtomicWords::exchange(byte, value); }
};

constexpr xen::EventPort port = 70; // second word
constexpr u64 bit = u64{1} << 6;

/// One domain with two vCPUs: what the hypervisor does, and what a guest like Linux does.
struct World {
    std::unique_ptr<xen::SharedInfo> shared = std::make_unique<xen::SharedInfo>();
    std::array<bool, 2> interrupt{};
    u32 port_vcpu = 0;
    u32 handled = 0;

    [[nodiscard]] TwoLevelEvents<SteppedWords> events() const { return TwoLevelEvents<SteppedWords>{*shared}; }
    auto notify()
    {
        return [this] {
            step();
            u32 const vcpu = port_vcpu;
            if (TwoLevelEvents<SteppedWords>::select(shared->vcpu_info[vcpu], port)) interrupt[vcpu] = true;
        };
    }
    void raise() { events().raise(port, notify()); }
    void unmask() { events().unmask(port, notify()); }
    void move_to(u32 vcpu)
    {
        step();
        port_vcpu = vcpu;
        events().moved(port, notify());
    }
    void mask() const { SteppedWords::set(shared->event_mask[1], bit); }

    /// The guest's interrupt handler.
    void handle(u32 vcpu)
    {
        xen::VcpuInfo& info = shared->vcpu_info[vcpu];
        SteppedWords::exchange(info.event_upcall_pending, 0);
        u64 const selector = SteppedWords::clear(info.event_pending_selector, ~u64{0});
        if ((selector & 2) == 0) return;
        u64 const active = SteppedWords::load(shared->event_pending[1]) & ~SteppedWords::load(shared->event_mask[1]);
        if ((active & bit) == 0) return;
        SteppedWords::clear(shared->event_pending[1], bit);
        ++handled;
    }
    /// What still waits is handled; only interrupts make a vCPU look.
    void settle()
    {
        for (u32 vcpu : {0u, 1u})
            while (interrupt[vcpu]) {
                interrupt[vcpu] = false;
                handle(vcpu);
            }
    }
    [[nodiscard]] bool is_stuck() const
    {
        return (shared->event_pending[1] & bit) != 0 && (shared->event_mask[1] & bit) == 0;
    }
};

TEST(TwoLevelEvents, RaiseReachesTheHandlerOnce)
{
    World world;
    world.raise();
    world.raise();
    EXPECT_TRUE(world.interrupt[0]);
    world.settle();
    EXPECT_EQ(world.handled, 1u);
    EXPECT_EQ(world.shared->event_pending[1], 0u);
}

TEST(TwoLevelEvents, MaskedEventRaisesNothing)
{
    World world;
    world.mask();
    world.raise();
    EXPECT_FALSE(world.interrupt[0]);
    EXPECT_EQ(world.shared->vcpu_info[0].event_upcall_pending, 0);
    EXPECT_TRUE(world.events().is_pending(port));
    world.unmask();
    EXPECT_TRUE(world.interrupt[0]);
}

TEST(TwoLevelEvents, RaiseWhileHandlerRuns)
{
    u64 const orders = explore([](Threads& threads) {
        World world;
        world.raise();
        world.interrupt[0] = false;
        threads.thread([&] { world.handle(0); });
        threads.thread([&] { world.raise(); });
        ASSERT_TRUE(threads.finish());
        world.settle();
        EXPECT_GE(world.handled, 1u);
        EXPECT_FALSE(world.is_stuck());
    });
    EXPECT_GT(orders, 5u);
}

TEST(TwoLevelEvents, TwoSendersAndHandler)
{
    explore(
        [](Threads& threads) {
            World world;
            threads.thread([&] { world.raise(); });
            threads.thread([&] { world.raise(); });
            threads.thread([&] { world.handle(0); });
            ASSERT_TRUE(threads.finish());
            world.settle();
            EXPECT_GE(world.handled, 1u);
            EXPECT_LE(world.handled, 2u);
            EXPECT_FALSE(world.is_stuck());
        },
        4);
}

TEST(TwoLevelEvents, UnmaskWhileRaising)
{
    explore([](Threads& threads) {
        World world;
        world.mask();
        threads.thread([&] { world.raise(); });
        threads.thread([&] { world.unmask(); });
        ASSERT_TRUE(threads.finish());
        world.settle();
        EXPECT_EQ(world.handled, 1u);
        EXPECT_FALSE(world.is_stuck());
    });
}

TEST(TwoLevelEvents, MaskAndUnmaskWhileRaisingAndHandling)
{
    explore(
        [](Threads& threads) {
            World world;
            threads.thread([&] { world.raise(); });
            threads.thread([&] {
                world.mask();
                world.unmask();
            });
            threads.thread([&] { world.handle(0); });
            ASSERT_TRUE(threads.finish());
            world.settle();
            EXPECT_FALSE(world.is_stuck());
            EXPECT_EQ(world.handled, 1u);
        },
        4);
}

TEST(TwoLevelEvents, MoveWhileRaising)
{
    explore([](Threads& threads) {
        World world;
        threads.thread([&] { world.raise(); });
        threads.thread([&] { world.move_to(1); });
        ASSERT_TRUE(threads.finish());
        // A guest whose vCPU 0 no longer looks at the port must find it on vCPU 1.
        EXPECT_TRUE(world.interrupt[1]);
    });
}

TEST(TwoLevelEvents, MoveWhileRaisingAndUnmasking)
{
    explore(
        [](Threads& threads) {
            World world;
            world.mask();
            threads.thread([&] { world.raise(); });
            threads.thread([&] { world.move_to(1); });
            threads.thread([&] { world.unmask(); });
            ASSERT_TRUE(threads.finish());
            EXPECT_TRUE(world.interrupt[1]);
            world.settle();
            EXPECT_FALSE(world.is_stuck());
        },
        4);
}

}
}
