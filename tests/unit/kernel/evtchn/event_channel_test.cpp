// SPDX-License-Identifier: MIT
/// Event channels through the real hypercall, between real domains.
#include "kernel/domain/domain_reference.hpp"
#include "kernel/evtchn/event_channel.hpp"

#include <gtest/gtest.h>

#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

using fakes::as_result;
using fakes::TestDomain;
using fakes::upcalls;
using xen::EventStatusKind;
using enum xen::EventChannelCommand;

constexpr auto number = xen::Hypercall::EventChannelOp;

class EventChannelTest : public testing::Test {
protected:
    EventChannelTest()
    {
        // As a guest kernel does first: vcpu_info of vCPU 1 onwards is inside shared info already.
        for (TestDomain* domain : {&dom0, &one, &two}) EXPECT_NE((*domain)->shared_info(), nullptr);
    }

    static s64 offer(TestDomain const& domain, xen::DomainId to, xen::EventPort& port)
    {
        xen::EventAllocUnbound request{.domain = xen::domid_self, .remote_domain = to, .port = 0};
        s64 const result = domain.call_with(number, AllocUnbound, request);
        port = request.port;
        return result;
    }
    static s64 bind(TestDomain const& domain, xen::DomainId to, xen::EventPort remote, xen::EventPort& port)
    {
        xen::EventBindInterdomain request{.remote_domain = to, .pad = 0, .remote_port = remote, .local_port = 0};
        s64 const result = domain.call_with(number, BindInterdomain, request);
        port = request.local_port;
        return result;
    }
    static s64 bind_line(TestDomain const& domain, VirtualInterrupt line, u32 vcpu, xen::EventPort& port)
    {
        xen::EventBindVirq request{.virq = static_cast<u32>(line), .vcpu = vcpu, .port = 0};
        s64 const result = domain.call_with(number, BindVirq, request);
        port = request.port;
        return result;
    }
    static s64 on_port(TestDomain const& domain, xen::EventChannelCommand command, xen::EventPort port)
    {
        xen::EventClose request{port};
        return domain.call_with(number, command, request);
    }
    static s64 move(TestDomain const& domain, xen::EventPort port, u32 vcpu)
    {
        xen::EventBindVcpu request{port, vcpu};
        return domain.call_with(number, BindVcpu, request);
    }
    static xen::EventStatus status(TestDomain const& domain, xen::EventPort port)
    {
        xen::EventStatus request{};
        request.domain = xen::domid_self;
        request.port = port;
        EXPECT_EQ(domain.call_with(number, Status, request), 0);
        return request;
    }
    static bool take_pending(TestDomain const& domain, xen::EventPort port)
    {
        u64& word = domain->shared_info()->event_pending[port / 64];
        u64 const bit = u64{1} << (port % 64);
        bool const was = (word & bit) != 0;
        word &= ~bit;
        return was;
    }
    /// What the guest's interrupt handler does before it looks at ports.
    static void acknowledge(Vcpu const& vcpu)
    {
        vcpu.info()->event_upcall_pending = 0;
        vcpu.info()->event_pending_selector = 0;
    }
    void connect(xen::EventPort& from_one, xen::EventPort& from_two)
    {
        ASSERT_EQ(offer(one, 2, from_one), 0);
        ASSERT_EQ(bind(two, 1, from_one, from_two), 0);
        EXPECT_TRUE(take_pending(two, from_two)) << "a new port is pending at once";
        acknowledge(two.vcpu());
    }

    static constexpr DomainConfiguration two_vcpus{.max_vcpus = 2, .max_event_port = 300};
    u64 const free_before = (fakes::start_machine(), frames::free_count());
    TestDomain dom0{0, true, two_vcpus};
    TestDomain one{1, false, two_vcpus};
    TestDomain two{2, false, two_vcpus};
};

TEST_F(EventChannelTest, PortsAreGivenOutFromOne)
{
    xen::EventPort a = 0, b = 0, c = 0;
    EXPECT_EQ(offer(one, 0, a), 0);
    EXPECT_EQ(offer(one, 0, b), 0);
    EXPECT_EQ(a, 1u);
    EXPECT_EQ(b, 2u);
    EXPECT_EQ(on_port(one, Close, a), 0);
    EXPECT_EQ(offer(one, 0, c), 0);
    EXPECT_EQ(c, 1u);
}

TEST_F(EventChannelTest, SendReachesTheOtherDomain)
{
    xen::EventPort a = 0, b = 0;
    connect(a, b);
    u32 const before = upcalls(two.vcpu());
    EXPECT_EQ(on_port(one, Send, a), 0);
    EXPECT_EQ(upcalls(two.vcpu()), before + 1);
    EXPECT_EQ(two.vcpu().info()->event_upcall_pending, 1);
    EXPECT_EQ(two.vcpu().info()->event_pending_selector, u64{1} << (b / 64));
    EXPECT_EQ(on_port(one, Send, a), 0);
    EXPECT_EQ(upcalls(two.vcpu()), before + 1) << "still pending: nothing new";
    EXPECT_TRUE(take_pending(two, b));
    EXPECT_EQ(on_port(two, Send, b), 0);
    EXPECT_TRUE(take_pending(one, a));
}

TEST_F(EventChannelTest, OnlyTheInvitedDomainBinds)
{
    xen::EventPort a = 0, b = 0;
    ASSERT_EQ(offer(one, 0, a), 0);
    EXPECT_EQ(bind(two, 1, a, b), as_result(Error::Invalid));
    EXPECT_EQ(bind(dom0, 1, a, b), 0);
    EXPECT_EQ(bind(dom0, 1, a, b), as_result(Error::Invalid)) << "bound only once";
    EXPECT_EQ(bind(dom0, 9, a, b), as_result(Error::NoSuchDomain));
    EXPECT_EQ(bind(dom0, 1, 0, b), as_result(Error::Invalid));
    EXPECT_EQ(bind(dom0, 1, 5000, b), as_result(Error::Invalid));
}

TEST_F(EventChannelTest, ControlDomainAllocatesForOthers)
{
    xen::EventAllocUnbound request{.domain = 1, .remote_domain = xen::domid_self, .port = 0};
    EXPECT_EQ(dom0.call_with(number, AllocUnbound, request), 0);
    EXPECT_EQ(status(one, request.port).u.unbound.domain, 0) << "DOMID_SELF is the caller";
    EXPECT_EQ(two.call_with(number, AllocUnbound, request), as_result(Error::NotPermitted));
    request.domain = 77;
    EXPECT_EQ(two.call_with(number, AllocUnbound, request), as_result(Error::NoSuchDomain));
}

TEST_F(EventChannelTest, ClosedEndLeavesTheOtherUnbound)
{
    xen::EventPort a = 0, b = 0;
    connect(a, b);
    EXPECT_EQ(on_port(one, Send, a), 0);
    EXPECT_EQ(on_port(two, Close, b), 0);
    EXPECT_FALSE(take_pending(two, b));
    auto const left = status(one, a);
    EXPECT_EQ(left.status, EventStatusKind::Unbound);
    EXPECT_EQ(left.u.unbound.domain, 2);
    EXPECT_EQ(on_port(one, Send, a), 0) << "nobody hears it";
    EXPECT_EQ(status(two, b).status, EventStatusKind::Closed);
    EXPECT_EQ(on_port(two, Send, b), as_result(Error::Invalid));
    EXPECT_EQ(on_port(two, Close, b), as_result(Error::Invalid));
    EXPECT_EQ(bind(two, 1, a, b), 0) << "and it can be bound again";
}

TEST_F(EventChannelTest, PairWithinOneDomain)
{
    xen::EventPort a = 0, b = 0;
    ASSERT_EQ(offer(one, xen::domid_self, a), 0);
    ASSERT_EQ(bind(one, xen::domid_self, a, b), 0);
    EXPECT_EQ(status(one, a).u.interdomain.port, b);
    EXPECT_EQ(status(one, b).u.interdomain.port, a);
    EXPECT_EQ(status(one, b).u.interdomain.domain, 1);
    EXPECT_EQ(on_port(one, Send, b), 0);
    EXPECT_TRUE(take_pending(one, a));
    EXPECT_EQ(on_port(one, Close, a), 0);
    EXPECT_EQ(status(one, b).status, EventStatusKind::Unbound);
    EXPECT_EQ(on_port(one, Close, b), 0);
}

TEST_F(EventChannelTest, VirtualInterrupts)
{
    xen::EventPort timer = 0, other = 0;
    ASSERT_EQ(bind_line(one, VirtualInterrupt::Timer, 1, timer), 0);
    EXPECT_EQ(bind_line(one, VirtualInterrupt::Timer, 1, other), as_result(Error::Exists));
    EXPECT_EQ(bind_line(one, VirtualInterrupt::Timer, 0, other), 0) << "every vCPU has its own";
    EXPECT_EQ(bind_line(one, VirtualInterrupt::Console, 1, other), as_result(Error::Invalid));
    EXPECT_EQ(bind_line(one, VirtualInterrupt{24}, 0, other), as_result(Error::Invalid));
    EXPECT_EQ(bind_line(one, VirtualInterrupt::Timer, 7, other), as_result(Error::NotFound));

    raise_virq(one.vcpu(1), VirtualInterrupt::Timer);
    EXPECT_TRUE(take_pending(one, timer));
    EXPECT_EQ(upcalls(one.vcpu(1)), 1u);
    EXPECT_EQ(upcalls(one.vcpu(0)), 0u);
    EXPECT_EQ(on_port(one, Send, timer), as_result(Error::Invalid));
    EXPECT_EQ(move(one, timer, 0), as_result(Error::Invalid));
    EXPECT_EQ(on_port(one, Close, timer), 0);
    raise_virq(one.vcpu(1), VirtualInterrupt::Timer);
    EXPECT_FALSE(take_pending(one, timer));
    EXPECT_EQ(bind_line(one, VirtualInterrupt::Timer, 1, timer), 0);
}

TEST_F(EventChannelTest, GlobalLinesGoToTheControlDomainAndMove)
{
    xen::EventPort port = 0;
    ASSERT_EQ(bind_line(dom0, VirtualInterrupt::DomainException, 0, port), 0);
    raise_global_virq(VirtualInterrupt::DomainException);
    EXPECT_TRUE(take_pending(dom0, port));
    EXPECT_EQ(move(dom0, port, 1), 0);
    raise_global_virq(VirtualInterrupt::DomainException);
    EXPECT_TRUE(take_pending(dom0, port));
    EXPECT_EQ(upcalls(dom0.vcpu(1)), 1u);
    EXPECT_EQ(on_port(dom0, Close, port), 0);
    EXPECT_EQ(bind_line(dom0, VirtualInterrupt::DomainException, 0, port), 0) << "free again, though it had moved";
}

TEST_F(EventChannelTest, InterProcessorInterrupts)
{
    xen::EventBindIpi request{.vcpu = 1, .port = 0};
    ASSERT_EQ(one.call_with(number, BindIpi, request), 0);
    EXPECT_EQ(on_port(one, Send, request.port), 0);
    EXPECT_EQ(upcalls(one.vcpu(1)), 1u);
    EXPECT_EQ(move(one, request.port, 0), as_result(Error::Invalid));
    request.vcpu = 9;
    EXPECT_EQ(one.call_with(number, BindIpi, request), as_result(Error::NotFound));
}

TEST_F(EventChannelTest, MovingAPendingPortTellsTheNewVcpu)
{
    xen::EventPort a = 0, b = 0;
    connect(a, b);
    EXPECT_EQ(on_port(one, Send, a), 0);
    EXPECT_EQ(move(two, b, 1), 0);
    EXPECT_EQ(upcalls(two.vcpu(1)), 1u);
    EXPECT_EQ(status(two, b).vcpu, 1u);
    EXPECT_EQ(move(two, b, 2), as_result(Error::NotFound));
    EXPECT_EQ(move(two, b + 1, 0), as_result(Error::Invalid));
}

TEST_F(EventChannelTest, MaskedPortIsDeliveredByUnmask)
{
    xen::EventPort a = 0, b = 0;
    connect(a, b);
    two->shared_info()->event_mask[b / 64] |= u64{1} << (b % 64);
    u32 const before = upcalls(two.vcpu());
    EXPECT_EQ(on_port(one, Send, a), 0);
    EXPECT_EQ(upcalls(two.vcpu()), before);
    EXPECT_TRUE(two->event_channels.is_pending(b));
    EXPECT_EQ(on_port(two, Unmask, b), 0);
    EXPECT_EQ(upcalls(two.vcpu()), before + 1);
    EXPECT_EQ(two->shared_info()->event_mask[b / 64], 0u);
    EXPECT_EQ(on_port(two, Unmask, 299), as_result(Error::Invalid));
}

TEST_F(EventChannelTest, PendingPortWakesThePoller)
{
    xen::EventPort a = 0, b = 0;
    connect(a, b);
    two->shared_info()->event_mask[b / 64] |= u64{1} << (b % 64);
    Vcpu& poller = two.vcpu(1);
    poller.polled_port = b + 1;
    poller.set_waiting(WaitReason::Polling);
    EXPECT_EQ(on_port(one, Send, a), 0);
    EXPECT_TRUE(poller.waits_for(WaitReason::Polling)) << "polls another port";
    for (u32 polled : {b, ~u32{0}}) {
        EXPECT_TRUE(take_pending(two, b));
        poller.polled_port = polled;
        poller.set_waiting(WaitReason::Polling);
        EXPECT_EQ(on_port(one, Send, a), 0);
        EXPECT_FALSE(poller.waits_for(WaitReason::Polling));
    }
}

TEST_F(EventChannelTest, AnyUpcallEndsAPoll)
{
    xen::EventPort a = 0, b = 0;
    connect(a, b);
    Vcpu& poller = two.vcpu(0);
    poller.polled_port = b + 1;
    poller.set_waiting(WaitReason::Polling);
    EXPECT_EQ(on_port(one, Send, a), 0);
    EXPECT_FALSE(poller.waits_for(WaitReason::Polling));
}

TEST_F(EventChannelTest, PortsRunOutAndComeBack)
{
    xen::EventPort port = 0;
    u32 count = 0;
    while (offer(one, 0, port) == 0) ++count;
    EXPECT_EQ(count, two_vcpus.max_event_port);
    EXPECT_EQ(offer(one, 0, port), as_result(Error::NoSpace));
    xen::EventReset request{xen::domid_self};
    EXPECT_EQ(one.call_with(number, Reset, request), 0);
    EXPECT_EQ(offer(one, 0, port), 0);
    EXPECT_EQ(port, 1u);
}

TEST_F(EventChannelTest, ResetOfAnotherDomainNeedsItPaused)
{
    xen::EventPort a = 0, b = 0;
    connect(a, b);
    xen::EventReset request{1};
    EXPECT_EQ(two.call_with(number, Reset, request), as_result(Error::NotPermitted));
    EXPECT_EQ(dom0.call_with(number, Reset, request), as_result(Error::Invalid));
    ASSERT_TRUE(one->pause());
    EXPECT_EQ(dom0.call_with(number, Reset, request), 0);
    EXPECT_EQ(status(two, b).status, EventStatusKind::Unbound);
    EXPECT_EQ(status(one, a).status, EventStatusKind::Closed);
    ASSERT_TRUE(one->unpause());
}

TEST_F(EventChannelTest, DestructionUnbindsPeersAndGivesEverythingBack)
{
    xen::EventPort a = 0, b = 0, line = 0;
    connect(a, b);
    ASSERT_EQ(bind_line(one, VirtualInterrupt::Timer, 0, line), 0);
    one.destroy();
    EXPECT_EQ(status(two, b).status, EventStatusKind::Unbound);
    EXPECT_EQ(status(two, b).u.unbound.domain, 1);
    EXPECT_EQ(on_port(two, Send, b), 0);
    two.destroy();
    dom0.destroy();
    EXPECT_EQ(frames::free_count(), free_before);
}

TEST_F(EventChannelTest, ADyingDomainGetsNoPorts)
{
    DomainReference const held{*one};
    xen::EventPort a = 0, b = 0;
    ASSERT_EQ(offer(one, 0, a), 0);
    one.destroy();
    EXPECT_FALSE(held->event_channels.alloc_unbound(0));
    EXPECT_NE(bind(dom0, 1, a, b), 0);
}

TEST_F(EventChannelTest, UnknownCommandsAreRefused)
{
    xen::EventInitControl request{};
    EXPECT_EQ(one.call_with(number, xen::EventChannelCommand{99}, request), as_result(Error::NotImplemented));
    EXPECT_EQ(one.call(number, static_cast<u64>(Send), u64{1} << 40), as_result(Error::BadAddress));
}

}
}
