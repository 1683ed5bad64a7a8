// SPDX-License-Identifier: MIT
/// An exception goes first, what it pushed aside follows, and nothing is lost.
#include "arch/x86_64/vmx/event_queue.hpp"

#include <gtest/gtest.h>

namespace hospes::vmx {
namespace {

using arch::Event;
constexpr Event interrupt{.kind = Event::Kind::Interrupt, .vector = 0x30};
constexpr Event nmi{.kind = Event::Kind::Nmi, .vector = 2};
constexpr Event page_fault{.kind = Event::Kind::Exception, .vector = 14, .has_error_code = true};

TEST(EventQueue, AnExceptionPushesAnInterruptAside)
{
    EventQueue queue;
    queue.add(interrupt);
    queue.add(page_fault);
    EXPECT_EQ(queue.take(true, true)->vector, 14);
    EXPECT_TRUE(queue.waiting());
    EXPECT_FALSE(queue.take(false, true)) << "not while interrupts are off";
    EXPECT_EQ(queue.most_urgent()->vector, 0x30);
    EXPECT_EQ(queue.take(true, true)->vector, 0x30);
    EXPECT_TRUE(queue.is_empty());
}

TEST(EventQueue, AnNmiWaitsForNmis)
{
    EventQueue queue;
    queue.add(nmi);
    queue.add(page_fault);
    EXPECT_EQ(queue.take(true, true)->kind, Event::Kind::Exception);
    EXPECT_FALSE(queue.take(true, false));
    EXPECT_EQ(queue.take(false, true)->kind, Event::Kind::Nmi);
}

TEST(EventQueue, ALoadedInterruptWaitsUntilItCanBeTaken)
{
    EventQueue queue;
    queue.add(interrupt);
    EXPECT_FALSE(queue.take(false, true));
    EXPECT_TRUE(queue.waiting());
    EXPECT_EQ(queue.take(true, true)->vector, 0x30);
    EXPECT_TRUE(queue.is_empty());
}

TEST(EventQueue, GivesBackWhatCanWait)
{
    EventQueue queue;
    queue.add(interrupt);
    queue.add(page_fault);
    ASSERT_TRUE(queue.take_back());
    EXPECT_FALSE(queue.take_back()) << "an exception stays";
    EXPECT_EQ(queue.most_urgent()->vector, 14);
    queue = {};
    queue.add(nmi);
    EXPECT_EQ(queue.take_back()->kind, Event::Kind::Nmi);
    EXPECT_TRUE(queue.is_empty());
}

TEST(EventQueue, ALaterExceptionReplacesAnEarlierOne)
{
    EventQueue queue;
    queue.add(page_fault);
    queue.add({.kind = Event::Kind::Exception, .vector = 6});
    EXPECT_EQ(queue.take(true, true)->vector, 6);
    EXPECT_TRUE(queue.is_empty());
}

}
}
