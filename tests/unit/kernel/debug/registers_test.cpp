// SPDX-License-Identifier: MIT
#include "kernel/debug/registers.hpp"

#include <gtest/gtest.h>

#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/quiet_log.hpp"

namespace hospes {
namespace {

class ShowRegisters : public testing::Test {
protected:
    /// As debug key 'd' does.
    std::string shown()
    {
        fakes::LogListener listener;
        for (u32 line = 0; line != arch::lines_of_state; ++line) show_register_line(vcpu, line);
        return listener.text;
    }
    static constexpr auto all_lines = "domain 1 vcpu 1: line 0\n"
                                      "domain 1 vcpu 1: line 1\n"
                                      "domain 1 vcpu 1: line 2\n"
                                      "domain 1 vcpu 1: line 3\n";

    fakes::TestDomain domain{1, false, {.max_vcpus = 2}};
    Vcpu& vcpu = domain.vcpu(1);
};

TEST_F(ShowRegisters, OfAVcpuThatWaitsItStillDoes)
{
    vcpu.set_waiting(WaitReason::Halted);
    EXPECT_EQ(shown(), all_lines);
    EXPECT_EQ(vcpu.waiting_reasons(), static_cast<u32>(WaitReason::Halted));
    vcpu.clear_waiting(WaitReason::Halted);
    EXPECT_EQ(shown(), all_lines);
    EXPECT_TRUE(vcpu.is_runnable());
    EXPECT_EQ(vcpu.virtual_cpu().reports_asked_for, 0U);
}

TEST_F(ShowRegisters, OfTheVcpuOnThisCpuAreReadAtOnce)
{
    vcpu.scheduling.on_cpu = 0;
    EXPECT_EQ(shown(), all_lines);
    EXPECT_EQ(vcpu.virtual_cpu().reports_asked_for, 0U);
    vcpu.scheduling.on_cpu = -1;
}

TEST_F(ShowRegisters, OfOneOnAnotherCpuAreAskedForOnce)
{
    vcpu.scheduling.on_cpu = 1;
    EXPECT_EQ(shown(), "");
    EXPECT_EQ(vcpu.virtual_cpu().reports_asked_for, 1U);
    EXPECT_TRUE(vcpu.is_runnable());
    vcpu.scheduling.on_cpu = -1;
}

TEST_F(ShowRegisters, WhatTheToolstackIsAtWorkOnIsLeftToIt)
{
    {
        auto const turn = domain->control_turn.try_take();
        EXPECT_EQ(shown(), "domain 1 vcpu 1: the toolstack is at work on it\n");
    }
    EXPECT_EQ(shown(), all_lines);
}

TEST_F(ShowRegisters, WhoIsReadByAnotherCpuIsLeftToIt)
{
    vcpu.set_waiting(WaitReason::Examined);
    EXPECT_EQ(shown(), "");
    EXPECT_TRUE(vcpu.waits_for(WaitReason::Examined));
    vcpu.clear_waiting(WaitReason::Examined);
}

}
}
