// SPDX-License-Identifier: MIT
#include "kernel/debug/event_channels.hpp"

#include <gtest/gtest.h>

#include "kernel/evtchn/virtual_interrupt.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/quiet_log.hpp"

namespace hospes {
namespace {

using fakes::TestDomain;

class ShowEventChannels : public testing::Test {
protected:
    /// What is logged about `domain`.
    static std::string shown(TestDomain& domain)
    {
        fakes::LogListener listener;
        for (u32 line = 0; line != event_channel_lines(*domain); ++line) show_event_channel_line(*domain, line);
        return listener.text;
    }

    static constexpr DomainConfiguration two_vcpus{.max_vcpus = 2, .max_event_port = 300};
    bool const started = (fakes::start_machine(), true);
    TestDomain one{1, false, two_vcpus};
    TestDomain two{2, false, two_vcpus};
};

TEST_F(ShowEventChannels, ADomainWithoutAnyHasOneLine) { EXPECT_EQ(shown(one), "domain 1: event channels\n"); }

TEST_F(ShowEventChannels, EachPortSaysWhatItIsConnectedTo)
{
    ASSERT_NE(one->shared_info(), nullptr);
    ASSERT_NE(two->shared_info(), nullptr);
    EventChannels& channels = one->event_channels;
    ASSERT_EQ(channels.alloc_unbound(0), xen::EventPort{1});
    ASSERT_EQ(channels.alloc_unbound(2), xen::EventPort{2});
    ASSERT_EQ(two->event_channels.bind_interdomain(*one, 2), xen::EventPort{1});
    ASSERT_EQ(channels.bind_virq(VirtualInterrupt::Timer, 1), xen::EventPort{3});
    ASSERT_EQ(channels.bind_ipi(1), xen::EventPort{4});
    ASSERT_EQ(channels.bind_ipi(0), xen::EventPort{5});
    ASSERT_TRUE(channels.close(4));
    one->shared_info()->event_mask[0] = 1 << 3;
    EXPECT_EQ(shown(one), "domain 1: event channels\n"
                          "  port 1 for domain 0\n"
                          "  port 2 on vCPU 0, with port 1 of domain 2\n"
                          "  port 3 on vCPU 1, VIRQ 0, masked\n"
                          "  port 5 on vCPU 0, IPI\n");
    EXPECT_EQ(shown(two), "domain 2: event channels\n"
                          "  port 1 on vCPU 0, with port 2 of domain 1, pending\n");
}

TEST_F(ShowEventChannels, OneBehindManyClosedOnesIsShown)
{
    for (u32 i = 0; i < 40; ++i) ASSERT_TRUE(one->event_channels.alloc_unbound(0));
    for (u32 port = 1; port < 40; ++port) ASSERT_TRUE(one->event_channels.close(port));
    EXPECT_EQ(shown(one), "domain 1: event channels\n"
                          "  port 40 for domain 0\n");
}

TEST_F(ShowEventChannels, FifoPortsSayHowTheyAreQueued)
{
    using enum xen::EventChannelCommand;
    auto const call = [&](auto command, auto request) {
        return one.call_with(xen::Hypercall::EventChannelOp, command, request);
    };
    ASSERT_EQ(call(InitControl, xen::EventInitControl{4, 0, 0, 0, {}}), 0);
    ASSERT_EQ(call(ExpandArray, xen::EventExpandArray{6}), 0);
    ASSERT_EQ(one->event_channels.bind_ipi(0), xen::EventPort{1});
    ASSERT_EQ(one->event_channels.bind_ipi(0), xen::EventPort{2});
    ASSERT_EQ(call(SetPriority, xen::EventSetPriority{1, 3}), 0);
    ASSERT_TRUE(one->event_channels.send(1));
    EXPECT_EQ(shown(one), "domain 1: event channels, FIFO with words for 1024 ports\n"
                          "  port 1 on vCPU 0, IPI, pending, priority 3, in a queue\n"
                          "  port 2 on vCPU 0, IPI\n");
}

TEST_F(ShowEventChannels, ManyAreCounted)
{
    for (u32 i = 0; i < 40; ++i) ASSERT_TRUE(one->event_channels.alloc_unbound(0));
    std::string const text = shown(one);
    EXPECT_TRUE(text.contains("  port 32 for domain 0\n"));
    EXPECT_FALSE(text.contains("port 33"));
    EXPECT_TRUE(text.ends_with("  and 8 more\n"));
}

}
}
