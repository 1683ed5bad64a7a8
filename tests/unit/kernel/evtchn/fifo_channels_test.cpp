// SPDX-License-Identifier: MIT
/// The FIFO ABI through the real hypercalls: set-up, the switch from the two-level ABI and back, and whose the pages
/// are.
#include <gtest/gtest.h>

#include "kernel/evtchn/event_channel.hpp"
#include "kernel/evtchn/fifo.hpp"
#include "kernel/evtchn/fifo_pages.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/quiet_log.hpp"
#include "tests/fakes/simulated_cpus.hpp"

namespace hospes {
namespace {

using fakes::as_result;
using fakes::TestDomain;
using fakes::upcalls;
using enum xen::EventChannelCommand;

constexpr auto number = xen::Hypercall::EventChannelOp;
constexpr u64 control_frame = 4, first_array_frame = 6;
constexpr u32 block_distance = 128;

class FifoChannels : public testing::Test {
protected:
    static s64 init(TestDomain const& domain, u32 vcpu, u64 gfn = control_frame, u32 offset = ~u32{0})
    {
        xen::EventInitControl request{.control_gfn = gfn,
                                      .offset = offset == ~u32{0} ? vcpu * block_distance : offset,
                                      .vcpu = vcpu,
                                      .link_bits = 0,
                                      .pad = {}};
        s64 const result = domain.call_with(number, InitControl, request);
        if (result == 0) EXPECT_EQ(request.link_bits, 17);
        return result;
    }
    static s64 expand(TestDomain const& domain, u64 gfn = first_array_frame)
    {
        xen::EventExpandArray request{gfn};
        return domain.call_with(number, ExpandArray, request);
    }
    static s64 set_priority(TestDomain const& domain, xen::EventPort port, u32 priority)
    {
        xen::EventSetPriority request{port, priority};
        return domain.call_with(number, SetPriority, request);
    }
    static s64 reset(TestDomain const& domain)
    {
        xen::EventReset request{xen::domid_self};
        return domain.call_with(number, Reset, request);
    }
    static u64 word_at(xen::EventPort port) { return (first_array_frame << page_shift) + u64{port} * sizeof(u32); }
    static u32 word(TestDomain const& domain, xen::EventPort port) { return domain.get<u32>(word_at(port)); }
    static u64 block_at(u32 vcpu) { return (control_frame << page_shift) + vcpu * block_distance; }
    static xen::EventFifoControlBlock block(TestDomain const& domain, u32 vcpu = 0)
    {
        return domain.get<xen::EventFifoControlBlock>(block_at(vcpu));
    }
    /// A port of `two` that `one` sends to.
    void connect(xen::EventPort& from_one, xen::EventPort& from_two)
    {
        from_one = *one->event_channels.alloc_unbound(2);
        from_two = *two->event_channels.bind_interdomain(*one, from_one);
    }
    /// Makes a call of `one`'s, in which four looks at the clock are a stretch; how many stretches it takes.
    template <typename T>
    u32 stretches_of(xen::EventChannelCommand command, T const& request) const
    {
        constexpr u64 where = 31 << page_shift;
        one.put(where, request);
        fakes::SlowClock const clock{Budget::stretch / 4};
        HypercallArguments arguments{{static_cast<u64>(command), where}};
        for (u32 stretches = 1;; ++stretches)
            if (!dispatch_hypercall(one.vcpu(), static_cast<u64>(number), arguments).restart) return stretches;
    }
    static constexpr u32 queued = event_word::pending | event_word::linked;
    static constexpr u32 usual = u32{1} << xen::event_fifo_priority_default;

    static constexpr DomainConfiguration two_vcpus{.max_vcpus = 2, .max_event_port = 20'000};
    u64 const free_before = (fakes::start_machine(), frames::free_count());
    TestDomain one{1, false, two_vcpus};
    TestDomain two{2, false, two_vcpus};
};

TEST_F(FifoChannels, AnEventIsQueuedAndToldOf)
{
    ASSERT_EQ(init(two, 0), 0);
    ASSERT_EQ(expand(two), 0);
    xen::EventPort a = 0, b = 0;
    connect(a, b);
    EXPECT_EQ(word(two, b), queued) << "a new port is pending at once";
    EXPECT_EQ(block(two).ready, usual);
    EXPECT_EQ(block(two).head[xen::event_fifo_priority_default], b);
    EXPECT_EQ(two.vcpu().info()->event_upcall_pending, 1);
    EXPECT_EQ(upcalls(two.vcpu()), 1u);
    EXPECT_EQ(two->shared_info()->event_pending[0], 0u);
    EXPECT_TRUE(two->event_channels.is_pending(b));
    two.put(word_at(b), event_word::masked);
    EXPECT_TRUE(two->event_channels.is_masked(b));
    ASSERT_TRUE(one->event_channels.send(a));
    EXPECT_EQ(word(two, b), event_word::masked | event_word::pending);
    ASSERT_TRUE(two->event_channels.unmask(b));
    EXPECT_EQ(word(two, b), queued);
}

TEST_F(FifoChannels, SetUpIsCheckedAsXenDoes)
{
    EXPECT_EQ(expand(one), as_result(Error::NotSupported));
    xen::EventPort const port = *one->event_channels.alloc_unbound(2);
    EXPECT_EQ(set_priority(one, port, 0), as_result(Error::NotImplemented));
    EXPECT_EQ(init(one, 2), as_result(Error::NotFound));
    EXPECT_EQ(init(one, 0, control_frame, 4), as_result(Error::Invalid));
    EXPECT_EQ(init(one, 0, control_frame, 4096 - 64), as_result(Error::Invalid));
    EXPECT_EQ(init(one, 0, 0x5000), as_result(Error::Invalid)) << "no RAM there";
    EXPECT_FALSE(one->event_channels.uses_fifo());
    EXPECT_EQ(init(one, 0), 0);
    EXPECT_EQ(init(one, 0), as_result(Error::Invalid)) << "once";
    EXPECT_EQ(init(one, 1), 0);
    EXPECT_EQ(expand(one, 0x5000), as_result(Error::Invalid));
    EXPECT_EQ(set_priority(one, port, 15), 0);
    EXPECT_EQ(set_priority(one, port, 16), as_result(Error::Invalid));
    EXPECT_EQ(set_priority(one, 5'000, 1), as_result(Error::Invalid));
}

TEST_F(FifoChannels, ThereAreWordsForAllPortsOnce)
{
    FifoPages pages;
    for (u32 count = 0; count != 129; ++count) {
        auto page = one->physmap.reference_own(Gfn{first_array_frame});
        ASSERT_TRUE(page);
        Hfn const frame = page->frame();
        EXPECT_EQ(pages.add_words(*page, frame).has_value(), count != 128);
    }
    while (pages.take_page()) {}
}

TEST_F(FifoChannels, WhatWasPendingAtTheSwitchIsNotLost)
{
    xen::EventPort a = 0, b = 0, c = 0, d = 0;
    connect(a, b);
    ASSERT_TRUE(two->event_channels.is_pending(b));
    ASSERT_EQ(init(two, 0), 0);
    connect(c, d);
    EXPECT_TRUE(two->event_channels.is_pending(d)) << "though there is no word for it";
    EXPECT_EQ(block(two).ready, 0u);
    ASSERT_EQ(expand(two), 0);
    EXPECT_EQ(word(two, b), queued | d);
    EXPECT_EQ(word(two, d), queued);
    EXPECT_EQ(two->shared_info()->event_pending[0], 0u);
}

TEST_F(FifoChannels, AVcpuWithoutBlockHearsLater)
{
    ASSERT_EQ(init(two, 0), 0);
    ASSERT_EQ(expand(two), 0);
    xen::EventPort const ipi = *two->event_channels.bind_ipi(1);
    ASSERT_TRUE(two->event_channels.send(ipi));
    EXPECT_EQ(upcalls(two.vcpu(1)), 0u);
    ASSERT_EQ(init(two, 1), 0);
    EXPECT_EQ(upcalls(two.vcpu(1)), 1u);
    EXPECT_EQ(block(two, 1).ready, usual);
    EXPECT_EQ(block(two, 1).head[xen::event_fifo_priority_default], ipi);
}

TEST_F(FifoChannels, PortsBeyondTheTwoLevelOnes)
{
    auto& channels = one->event_channels;
    for (u32 port = 1; port != 4096; ++port) ASSERT_TRUE(channels.alloc_unbound(2));
    EXPECT_EQ(channels.alloc_unbound(2).error(), Error::NoSpace);
    ASSERT_EQ(init(one, 0), 0);
    for (u32 port = 4096; port != 20'001; ++port) ASSERT_EQ(*channels.alloc_unbound(2), port);
    EXPECT_EQ(channels.alloc_unbound(2).error(), Error::NoSpace) << "what the toolstack allows";
    EXPECT_EQ(channels.count_in_use(), 20'000u);
    EXPECT_EQ(reset(one), 0);
    EXPECT_EQ(channels.count_in_use(), 0u);
}

TEST_F(FifoChannels, APortThatIsStillQueuedIsNotGivenOut)
{
    ASSERT_EQ(init(one, 0), 0);
    ASSERT_EQ(expand(one), 0);
    auto& channels = one->event_channels;
    xen::EventPort const port = *channels.bind_ipi(0);
    ASSERT_TRUE(channels.send(port));
    ASSERT_TRUE(channels.close(port));
    EXPECT_EQ(word(one, port), event_word::linked);
    EXPECT_EQ(*channels.bind_ipi(1), port + 1);
    one.put(word_at(port), u32{0});
    EXPECT_EQ(*channels.bind_ipi(1), port);
    for (xen::EventPort other = 3; other != 3 + 255; ++other) one.put(word_at(other), event_word::linked);
    EXPECT_EQ(*channels.bind_ipi(1), 3 + 255u);
    // One that calls all of them queued has none, soon.
    for (xen::EventPort other = 3; other != 1024; ++other) one.put(word_at(other), event_word::linked);
    EXPECT_EQ(channels.bind_ipi(1).error(), Error::NoSpace);
}

TEST_F(FifoChannels, ResetGoesBackAndLetsThePagesGo)
{
    u64 const used = one->quota.overhead.used();
    for (int round = 0; round != 3; ++round) {
        ASSERT_EQ(init(one, 0), 0);
        ASSERT_EQ(expand(one), 0);
        xen::EventPort const ipi = *one->event_channels.bind_ipi(0);
        ASSERT_EQ(set_priority(one, ipi, 3), 0);
        ASSERT_TRUE(one->event_channels.send(ipi));
        EXPECT_EQ(block(one).head[3], ipi);
        ASSERT_EQ(reset(one), 0);
        EXPECT_FALSE(one->event_channels.uses_fifo());
        one.put(word_at(ipi), u32{0});
        xen::EventPort const again = *one->event_channels.bind_ipi(0);
        ASSERT_TRUE(one->event_channels.send(again));
        EXPECT_EQ(word(one, again), 0u);
        EXPECT_EQ(one->shared_info()->event_pending[0], u64{1} << again);
        ASSERT_EQ(reset(one), 0);
        one.put(block_at(0), xen::EventFifoControlBlock{});
    }
    EXPECT_GT(one->quota.overhead.used(), used) << "it is charged for its queues";
    EXPECT_LE(one->quota.overhead.used(), one->quota.overhead.limit());
    one.destroy();
    two.destroy();
    EXPECT_EQ(frames::free_count(), free_before);
}

TEST_F(FifoChannels, DestructionLetsThePagesGo)
{
    ASSERT_EQ(init(one, 0), 0);
    ASSERT_EQ(expand(one), 0);
    xen::EventPort a = 0, b = 0;
    connect(a, b);
    one.destroy();
    two.destroy();
    EXPECT_EQ(frames::free_count(), free_before);
}

TEST_F(FifoChannels, ManyThatWaitedAreRevivedInStretches)
{
    ASSERT_EQ(init(one, 0), 0);
    auto& channels = one->event_channels;
    for (u32 port = 1; port != 1024; ++port) ASSERT_TRUE(channels.send(*channels.bind_ipi(0)));
    u32 const stretches = stretches_of(ExpandArray, xen::EventExpandArray{first_array_frame});
    EXPECT_GT(stretches, 5u);
    EXPECT_EQ(channels.fifo_words(), 1024u);
    for (u32 port = 1; port != 1024; ++port) ASSERT_EQ(word(one, port), queued | (port == 1023 ? 0 : port + 1));
}

TEST_F(FifoChannels, OneThatIsPolledForIsSeenWhenItIsRevived)
{
    xen::EventPort const ipi = *one->event_channels.bind_ipi(0);
    ASSERT_TRUE(one->event_channels.send(ipi));
    ASSERT_EQ(init(one, 0), 0);
    Vcpu& poller = one.vcpu(1);
    poller.polled_port = ipi;
    poller.set_waiting(WaitReason::Polling);
    one.put(word_at(ipi), event_word::masked);
    ASSERT_EQ(expand(one), 0);
    EXPECT_FALSE(poller.waits_for(WaitReason::Polling));
}

/// Another page whose revival comes in between must not have the first one added twice.
TEST_F(FifoChannels, ThePageOfTheSameCallMadeAgainIsAddedOnce)
{
    ASSERT_EQ(init(one, 0), 0);
    ASSERT_EQ(expand(one, first_array_frame), 0);
    ASSERT_EQ(expand(one, first_array_frame + 1), 0);
    ASSERT_EQ(expand(one, first_array_frame), 0);
    EXPECT_EQ(one->event_channels.fifo_words(), 2048u);
}

TEST_F(FifoChannels, PagesGoInStretches)
{
    constexpr u32 pages = 20;
    ASSERT_EQ(init(one, 0), 0);
    for (u32 page = 0; page != pages; ++page) ASSERT_EQ(expand(one, first_array_frame + page), 0);
    u32 const stretches = stretches_of(Reset, xen::EventReset{xen::domid_self});
    EXPECT_GE(stretches, pages / 4);
    EXPECT_FALSE(one->event_channels.uses_fifo());
    ASSERT_EQ(init(one, 0), 0) << "all pages are gone";
}

TEST_F(FifoChannels, AVcpuThatTakesTheAbiUpAgainKeepsItsPages)
{
    ASSERT_EQ(init(one, 0), 0);
    ASSERT_EQ(expand(one), 0);
    fakes::SlowClock const clock{2 * Budget::stretch};
    Budget budget;
    static_cast<void>(budget.is_spent());
    ASSERT_FALSE(one->event_channels.reset(budget)) << "a page is left";
    ASSERT_EQ(init(one, 0), -static_cast<s64>(Error::Busy));
    while (!one->event_channels.reset(budget)) {}
    ASSERT_EQ(init(one, 0), 0);
    EXPECT_TRUE(one->event_channels.uses_fifo());
}

TEST_F(FifoChannels, RecordsAreFreedInStretches)
{
    ASSERT_EQ(init(one, 0), 0);
    for (u32 port = 1; port <= 10 * 64; ++port) ASSERT_TRUE(one->event_channels.bind_ipi(0));
    fakes::SlowClock const clock{2 * Budget::stretch};
    while (!one->event_channels.reset(fakes::no_hurry())) {}
    u32 stretches = 1;
    for (;; ++stretches) {
        Budget budget;
        static_cast<void>(budget.is_spent());
        if (one->event_channels.dismantle(budget)) break;
    }
    EXPECT_GE(stretches, 10u);
}

TEST_F(FifoChannels, DebugKeyShowsQueues)
{
    ASSERT_EQ(init(one, 0), 0);
    ASSERT_EQ(expand(one), 0);
    xen::EventPort const ipi = *one->event_channels.bind_ipi(0);
    ASSERT_TRUE(one->event_channels.send(ipi));
    auto const state = one->event_channels.fifo_state(ipi);
    ASSERT_TRUE(state);
    EXPECT_TRUE(state->is_linked);
    EXPECT_EQ(state->priority, 7u);
    EXPECT_FALSE(two->event_channels.fifo_state(1));
}

}
}
