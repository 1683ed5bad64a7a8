// SPDX-License-Identifier: MIT
/// No event is lost, none is handled twice, and the queues keep their order, whatever the order of steps of hypervisor
/// and guest.
#include "kernel/evtchn/fifo.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "tests/fakes/interleavings.hpp"

namespace hospes {
namespace {

using fakes::explore;
using fakes::step;
using fakes::step_when;
using fakes::Threads;

struct SteppedLock {
    bool locked = false;
    void lock()
    {
        step_when([this] { return !locked; });
        locked = true;
    }
    void unlock() { locked = false; }
};

/// Every access is a point where others may run.
struct SteppedAccess {
    using QueueLock = SteppedLock;
    using MoveLock = SteppedLock;
    static u32 load(u32& word) { return step(), FifoAccess::load(word); }
    static void store(u32& word, u32 value) { step(), FifoAccess::store(word, value); }
    static u32 set(u32& word, u32 bits) { return step(), FifoAccess::set(word, bits); }
    static u32 clear(u32& word, u32 bits) { return step(), FifoAccess::clear(word, bits); }
};

constexpr u32 words_per_page = FifoEvents<>::words_per_page;
constexpr u32 no_queue = xen::event_fifo_max_queues;
using Block = xen::EventFifoControlBlock;

/// One domain with two vCPUs: what the hypervisor does, and what a guest like Linux does.
struct World {
    static constexpr u32 vcpu_count = 2;

    explicit World(bool has_words = true)
    {
        events.have(queues);
        for (u32 vcpu : {0u, 1u}) EXPECT_FALSE(events.set_block(vcpu, blocks[vcpu]));
        if (has_words) add_words();
    }
    void add_words()
    {
        events.add_page(words.data());
        for (auto& [number, port] : ports)
            if (port.fifo.waits.exchange(false)) raise(number);
    }

    struct TestPort {
        FifoPort<SteppedAccess> fifo;
        u32 vcpu = 0;
    };
    auto target(xen::EventPort number)
    {
        return [this, number] { return ports[number].vcpu; };
    }
    auto notify()
    {
        return [this](u32 vcpu) {
            step();
            interrupt[vcpu] = true;
        };
    }
    bool raise(xen::EventPort number) { return events.raise(number, ports[number].fifo, target(number), notify()); }
    void ask_to_unmask(xen::EventPort number) { events.unmask(number, ports[number].fifo, target(number), notify()); }

    // --- the guest ---
    void mask(xen::EventPort number) { SteppedAccess::set(words[number], event_word::masked); }
    void unmask(xen::EventPort number)
    {
        if ((SteppedAccess::clear(words[number], event_word::masked) & event_word::pending) != 0) ask_to_unmask(number);
    }
    /// Takes one event out of the highest queue that has any. False if none is left.
    bool take_one(u32 vcpu)
    {
        Taker& taker = takers[vcpu];
        taker.ready |= SteppedAccess::clear(blocks[vcpu].ready, ~u32{0});
        if (taker.ready == 0) return false;
        u32 const priority = static_cast<u32>(std::countr_zero(taker.ready));
        u32& head = taker.heads[priority];
        if (head == 0) head = SteppedAccess::load(blocks[vcpu].head[priority]);
        xen::EventPort const number = head;
        head = SteppedAccess::clear(words[number], event_word::linked | event_word::link) & event_word::link;
        if (head == 0) taker.ready &= ~(u32{1} << priority);
        u32 const word = SteppedAccess::load(words[number]);
        if ((word & event_word::pending) == 0 || (word & event_word::masked) != 0) return true;
        if ((SteppedAccess::clear(words[number], event_word::pending) & event_word::pending) == 0) return true;
        handled.push_back(number);
        return true;
    }
    void handle(u32 vcpu)
    {
        while (take_one(vcpu)) {}
    }
    /// What still waits is handled; only interrupts make a vCPU look.
    void settle()
    {
        for (bool any = true; any;) {
            any = false;
            for (u32 vcpu : {0u, 1u}) {
                if (!std::exchange(interrupt[vcpu], false)) continue;
                handle(vcpu);
                any = true;
            }
        }
    }
    [[nodiscard]] u64 handled_of(xen::EventPort number) const
    {
        return static_cast<u64>(std::ranges::count(handled, number));
    }
    [[nodiscard]] bool is_stuck(xen::EventPort number) const
    {
        return (words[number] & (event_word::pending | event_word::masked)) == event_word::pending;
    }

    struct Taker {
        u32 ready = 0;
        std::array<u32, no_queue> heads{};
    };
    std::vector<u32> words = std::vector<u32>(words_per_page);
    std::array<Block, vcpu_count> blocks{};
    std::array<FifoVcpu<SteppedAccess>, vcpu_count> queues{};
    FifoEvents<SteppedAccess> events;
    std::map<xen::EventPort, TestPort> ports;
    std::array<bool, vcpu_count> interrupt{};
    std::array<Taker, vcpu_count> takers{};
    std::vector<xen::EventPort> handled;
};

using Ports = std::vector<xen::EventPort>;

TEST(FifoEvents, EventsAreTakenInTheirOrder)
{
    World world;
    for (xen::EventPort number : {30u, 10u, 20u}) EXPECT_TRUE(world.raise(number));
    EXPECT_FALSE(world.raise(10)) << "pending already";
    EXPECT_EQ(world.blocks[0].ready, u32{1} << xen::event_fifo_priority_default);
    world.settle();
    EXPECT_EQ(world.handled, (Ports{30, 10, 20}));
}

TEST(FifoEvents, HigherPriorityComesFirst)
{
    World world;
    world.ports[5].fifo.priority = 15;
    world.ports[6].fifo.priority = 0;
    for (xen::EventPort number : {5u, 7u, 6u}) world.raise(number);
    world.settle();
    EXPECT_EQ(world.handled, (Ports{6, 7, 5}));
}

TEST(FifoEvents, OneUpcallForAQueueThatIsNotEmpty)
{
    World world;
    world.raise(1);
    EXPECT_TRUE(std::exchange(world.interrupt[0], false));
    world.raise(2);
    EXPECT_FALSE(world.interrupt[0]);
    EXPECT_FALSE(world.interrupt[1]);
}

TEST(FifoEvents, MaskedEventIsInNoQueueUntilItIsUnmasked)
{
    World world;
    world.mask(3);
    EXPECT_TRUE(world.raise(3));
    EXPECT_FALSE(world.interrupt[0]);
    EXPECT_FALSE(world.events.is_linked(3));
    EXPECT_TRUE(world.events.is_pending(3, world.ports[3].fifo));
    EXPECT_TRUE(world.events.is_masked(3));
    world.unmask(3);
    world.settle();
    EXPECT_EQ(world.handled, (Ports{3}));
}

TEST(FifoEvents, ALinkedEventStaysInItsQueue)
{
    World world;
    world.raise(1);
    world.raise(2);
    world.ports[2].vcpu = 1;
    world.ports[2].fifo.priority = 0;
    world.raise(2);
    EXPECT_FALSE(world.interrupt[1]);
    world.settle();
    EXPECT_EQ(world.handled, (Ports{1, 2}));
    world.raise(2);
    EXPECT_TRUE(world.interrupt[1]) << "and moves when it is next linked";
    EXPECT_EQ(world.blocks[1].head[0], 2u);
}

TEST(FifoEvents, NothingIsPutBehindAnEventThatHasLeft)
{
    World world;
    world.raise(1);
    world.settle();
    world.ports[1].fifo.priority = 2; // it was the last of queue 7
    world.raise(1);
    world.raise(8);
    EXPECT_EQ(world.words[1] & event_word::link, 0u);
    world.settle();
    EXPECT_EQ(world.handled, (Ports{1, 1, 8}));
}

TEST(FifoEvents, NothingIsPutBehindAnEventOnAnotherVcpu)
{
    World world;
    world.raise(1);
    world.settle();
    world.ports[1].vcpu = 1;
    world.raise(1);
    world.raise(8);
    EXPECT_EQ(world.words[1] & event_word::link, 0u);
    EXPECT_TRUE(world.interrupt[0]);
    world.settle();
    EXPECT_EQ(world.handled_of(8), 1u);
}

TEST(FifoEvents, WhatComesBeforeAVcpuHasABlockIsKept)
{
    World world;
    world.events.clear();
    world.add_words();
    world.ports[4].vcpu = 1;
    world.raise(9);
    world.raise(4);
    world.raise(5);
    EXPECT_FALSE(world.interrupt[0]);
    EXPECT_TRUE(world.events.set_block(0, world.blocks[0]));
    EXPECT_TRUE(world.events.set_block(1, world.blocks[1]));
    world.interrupt = {true, true};
    world.settle();
    EXPECT_EQ(world.handled, (Ports{9, 5, 4}));
}

TEST(FifoEvents, WhatComesBeforeThereIsAWordWaits)
{
    World world{false};
    EXPECT_TRUE(world.raise(2));
    EXPECT_FALSE(world.raise(2));
    EXPECT_TRUE(world.events.is_pending(2, world.ports[2].fifo));
    EXPECT_FALSE(world.interrupt[0]);
    world.add_words();
    world.settle();
    EXPECT_EQ(world.handled, (Ports{2}));
}

TEST(FifoEvents, ClosedPortIsNotPending)
{
    World world;
    world.raise(2);
    world.events.clear_pending(2, world.ports[2].fifo);
    EXPECT_TRUE(world.events.is_linked(2));
    world.settle();
    EXPECT_TRUE(world.handled.empty());
    EXPECT_FALSE(world.events.is_linked(2));
}

// --- all orders ---

TEST(FifoEvents, RaiseWhileHandlerRuns)
{
    u64 const orders = explore([](Threads& threads) {
        World world;
        world.raise(1);
        world.interrupt[0] = false;
        threads.thread([&] { world.handle(0); });
        threads.thread([&] { world.raise(1); });
        ASSERT_TRUE(threads.finish());
        world.settle();
        EXPECT_GE(world.handled.size(), 1u);
        EXPECT_LE(world.handled.size(), 2u);
        EXPECT_FALSE(world.is_stuck(1));
    });
    EXPECT_GT(orders, 5u);
}

TEST(FifoEvents, AnotherIsPutBehindWhileHandlerRuns)
{
    explore(
        [](Threads& threads) {
            World world;
            world.raise(1);
            world.interrupt[0] = false;
            threads.thread([&] { world.handle(0); });
            threads.thread([&] { world.raise(2); });
            ASSERT_TRUE(threads.finish());
            world.settle();
            EXPECT_EQ(world.handled, (Ports{1, 2}));
        },
        4);
}

TEST(FifoEvents, TwoSendersAndHandler)
{
    explore(
        [](Threads& threads) {
            World world;
            world.raise(3);
            world.interrupt[0] = false;
            threads.thread([&] { world.raise(1); });
            threads.thread([&] { world.raise(2); });
            threads.thread([&] { world.handle(0); });
            ASSERT_TRUE(threads.finish());
            world.settle();
            for (xen::EventPort number : {1u, 2u, 3u}) EXPECT_EQ(world.handled_of(number), 1u);
            EXPECT_EQ(world.handled.front(), 3u);
        },
        2);
}

TEST(FifoEvents, TwoSendersToOnePort)
{
    explore(
        [](Threads& threads) {
            World world;
            threads.thread([&] { world.raise(1); });
            threads.thread([&] { world.raise(1); });
            threads.thread([&] { world.handle(0); });
            ASSERT_TRUE(threads.finish());
            world.settle();
            EXPECT_GE(world.handled.size(), 1u);
            EXPECT_LE(world.handled.size(), 2u);
            EXPECT_FALSE(world.is_stuck(1));
        },
        2);
}

TEST(FifoEvents, MaskAndUnmaskWhileRaisingAndHandling)
{
    explore(
        [](Threads& threads) {
            World world;
            threads.thread([&] { world.raise(1); });
            threads.thread([&] {
                world.mask(1);
                world.unmask(1);
            });
            threads.thread([&] { world.handle(0); });
            ASSERT_TRUE(threads.finish());
            world.settle();
            EXPECT_EQ(world.handled, (Ports{1}));
            EXPECT_FALSE(world.is_stuck(1));
        },
        2);
}

TEST(FifoEvents, MoveWhileRaisingTwiceAndHandling)
{
    explore(
        [](Threads& threads) {
            World world;
            world.raise(1);
            world.interrupt[0] = false;
            threads.thread([&] { world.handle(0); });
            threads.thread([&] {
                step();
                world.ports[1].vcpu = 1;
                world.ports[1].fifo.priority = 3;
                world.raise(1);
            });
            threads.thread([&] { world.raise(2); });
            ASSERT_TRUE(threads.finish());
            world.settle();
            EXPECT_EQ(world.handled_of(2), 1u);
            EXPECT_GE(world.handled_of(1), 1u);
            EXPECT_FALSE(world.is_stuck(1));
        },
        2);
}

TEST(FifoEvents, TwoMoveOneEventToDifferentVcpus)
{
    explore(
        [](Threads& threads) {
            World world;
            world.raise(1);
            world.settle();
            threads.thread([&] {
                step();
                world.ports[1].vcpu = 1;
                world.raise(1);
            });
            threads.thread([&] { world.raise(1); });
            threads.thread([&] { world.handle(1); });
            ASSERT_TRUE(threads.finish());
            world.settle();
            EXPECT_FALSE(world.is_stuck(1));
            EXPECT_FALSE(world.events.is_linked(1));
        },
        2);
}

TEST(FifoEvents, WordsAreAddedWhileRaising)
{
    explore([](Threads& threads) {
        World world{false};
        world.ports[1].vcpu = 0;
        threads.thread([&] {
            step();
            world.raise(1);
        });
        threads.thread([&] {
            step();
            world.add_words();
        });
        ASSERT_TRUE(threads.finish());
        world.settle();
        EXPECT_EQ(world.handled, (Ports{1}));
    });
}

TEST(FifoEvents, ABlockIsGivenWhileRaising)
{
    explore([](Threads& threads) {
        World world;
        world.events.clear();
        world.add_words();
        threads.thread([&] { world.raise(1); });
        threads.thread([&] {
            if (world.events.set_block(0, world.blocks[0])) world.interrupt[0] = true;
        });
        ASSERT_TRUE(threads.finish());
        world.settle();
        EXPECT_EQ(world.handled, (Ports{1}));
    });
}

// --- against a simple model ---

/// What hypervisor and guest should have between them: lists of ports, one for each vCPU and priority.
struct Model {
    struct State {
        bool pending = false, masked = false;
        std::optional<std::pair<u32, u32>> queue; ///< vCPU and priority, while it is in one
    };
    std::map<xen::EventPort, State> ports;
    std::map<std::pair<u32, u32>, std::deque<xen::EventPort>> queues;

    void enter(xen::EventPort number, u32 vcpu, u32 priority)
    {
        State& state = ports[number];
        if (state.queue || state.masked || !state.pending) return;
        state.queue = std::pair{vcpu, priority};
        queues[*state.queue].push_back(number);
    }
    /// The port that the guest should handle next; 0 if the one it takes out is not to be handled.
    std::optional<xen::EventPort> take(u32 vcpu)
    {
        for (u32 priority = 0; priority != no_queue; ++priority) {
            auto& queue = queues[{vcpu, priority}];
            if (queue.empty()) continue;
            xen::EventPort const number = queue.front();
            queue.pop_front();
            State& state = ports[number];
            state.queue.reset();
            if (!state.pending || state.masked) return 0;
            state.pending = false;
            return number;
        }
        return std::nullopt;
    }
};

TEST(FifoEvents, RandomOperationsFollowTheModel)
{
    for (u32 seed = 1; seed <= 200; ++seed) {
        std::mt19937 random{seed};
        auto const below = [&](u32 limit) { return static_cast<u32>(random() % limit); };
        World world;
        Model model;
        for (u32 round = 0; round != 2'000; ++round) {
            xen::EventPort const number = 1 + below(12);
            World::TestPort& port = world.ports[number];
            auto const enter = [&] { model.enter(number, port.vcpu, port.fifo.priority); };
            switch (below(10)) {
            case 0: port.vcpu = below(2); break;
            case 1: port.fifo.priority = static_cast<u8>(below(3) * 7); break;
            case 2:
                world.mask(number);
                model.ports[number].masked = true;
                break;
            case 3:
                world.unmask(number);
                model.ports[number].masked = false;
                enter();
                break;
            case 4:
                world.events.clear_pending(number, port.fifo);
                model.ports[number].pending = false;
                break;
            case 5:
            case 6: {
                u32 const vcpu = below(2);
                size_t const before = world.handled.size();
                bool const took = world.take_one(vcpu);
                auto const expected = model.take(vcpu);
                ASSERT_EQ(took, expected.has_value()) << seed << " " << round;
                if (!expected) break;
                Ports const now{world.handled.begin() + static_cast<s64>(before), world.handled.end()};
                ASSERT_EQ(now, *expected == 0 ? Ports{} : Ports{*expected}) << seed << " " << round;
                break;
            }
            default:
                ASSERT_EQ(world.raise(number), !model.ports[number].pending);
                model.ports[number].pending = true;
                enter();
            }
        }
    }
}

/// Whatever the guest writes, the hypervisor writes only to its words and blocks, and comes to an end.
TEST(FifoEvents, AGuestThatLiesHurtsItself)
{
    for (u32 seed = 1; seed <= 50; ++seed) {
        std::mt19937 random{seed};
        World world;
        for (u32 round = 0; round != 1'000; ++round) {
            xen::EventPort const number = 1 + static_cast<u32>(random() % 12);
            World::TestPort& port = world.ports[number];
            switch (random() % 6) {
            case 0: world.words[number] = static_cast<u32>(random()); break;
            case 1: world.words[number] &= ~(event_word::linked | event_word::masked); break;
            case 2: world.blocks[random() % 2].head[random() % 16] = static_cast<u32>(random()); break;
            case 3: world.blocks[random() % 2].ready = static_cast<u32>(random()); break;
            case 4:
                port.vcpu = random() % 2;
                port.fifo.priority = random() % 16;
                break;
            default: break;
            }
            if (random() % 4 == 0)
                world.ask_to_unmask(number);
            else
                static_cast<void>(world.raise(number));
        }
        for (u32 beyond = 13; beyond != words_per_page; ++beyond) ASSERT_EQ(world.words[beyond], 0u);
        ASSERT_EQ(world.words[0], 0u);
    }
}

}
}
