// SPDX-License-Identifier: MIT
#include "arch/x86_64/guest/start_requests.hpp"

#include <gtest/gtest.h>

namespace hospes::arch {
namespace {

TEST(StartRequests, ANewVcpuWaitsForOneStartup)
{
    StartRequests requests;
    EXPECT_FALSE(requests.any());
    EXPECT_TRUE(requests.ask_for_startup(0x12));
    EXPECT_FALSE(requests.ask_for_startup(0x34));
    EXPECT_TRUE(requests.to_start());
    EXPECT_EQ(requests.take().startup, 0x12);
    EXPECT_FALSE(requests.ask_for_startup(0x34)) << "it runs";
}

TEST(StartRequests, AStartupIsHeededFromTheInitOn)
{
    StartRequests requests;
    requests.mark_started();
    EXPECT_FALSE(requests.ask_for_startup(1));
    requests.ask_for_init();
    EXPECT_TRUE(requests.ask_for_startup(2)) << "before the INIT is carried out";
    auto const taken = requests.take();
    EXPECT_TRUE(taken.init);
    EXPECT_EQ(taken.startup, 2);
}

/// The vCPU has taken the INIT and resets itself; it is not Down yet.
TEST(StartRequests, AStartupDuringTheInitIsNotLost)
{
    StartRequests requests;
    requests.mark_started();
    requests.ask_for_init();
    EXPECT_TRUE(requests.take().init);
    EXPECT_TRUE(requests.ask_for_startup(3));
    EXPECT_TRUE(requests.to_start());
    EXPECT_EQ(requests.take().startup, 3);
}

TEST(StartRequests, AnInitTakesBackAStartup)
{
    StartRequests requests;
    EXPECT_TRUE(requests.ask_for_startup(4));
    requests.ask_for_init();
    auto const taken = requests.take();
    EXPECT_TRUE(taken.init);
    EXPECT_FALSE(taken.startup.has_value());
    EXPECT_TRUE(requests.ask_for_startup(5));
}

TEST(StartRequests, AReportStaysWhateverElseIsAsked)
{
    StartRequests requests;
    requests.ask_for_report();
    EXPECT_TRUE(requests.any());
    EXPECT_FALSE(requests.to_start());
    requests.ask_for_init();
    EXPECT_TRUE(requests.ask_for_startup(6));
    EXPECT_TRUE(requests.take_report());
    EXPECT_FALSE(requests.take_report());
    EXPECT_EQ(requests.take().startup, 6);
    requests.ask_for_report();
    EXPECT_TRUE(requests.take().report);
    EXPECT_FALSE(requests.any());
}

TEST(StartRequests, ANewClockStaysWhateverElseIsAsked)
{
    StartRequests requests;
    requests.ask_for_clock();
    EXPECT_TRUE(requests.any());
    EXPECT_FALSE(requests.to_start());
    requests.ask_for_init();
    EXPECT_TRUE(requests.ask_for_startup(6));
    EXPECT_TRUE(requests.take().clock_changed);
    EXPECT_FALSE(requests.any());
}

}
}
