// SPDX-License-Identifier: MIT
/// Priorities, end of interrupt, commands, timer and addressing of the virtual local APIC.
#include "arch/x86_64/virtual_apic/virtual_local_apic.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "arch/x86_64/virtual_apic/apic_register_rules.hpp"

namespace hospes::arch {
namespace {

struct Bench final : ApicSurroundings {
    u64 time = 1'000'000;
    u64 tsc_is_ahead = 0;
    std::optional<u64> armed;
    std::vector<std::pair<ApicMessage, ApicShorthand>> sent;
    std::vector<u8> ended;
    unsigned enabled = 0;

    u64 now() override { return time; }
    u64 time_of_guest_tsc(u64 tsc) override { return tsc > tsc_is_ahead ? (tsc - tsc_is_ahead) / 2 : 0; }
    void arm_timer(u64 deadline) override { armed = deadline; }
    void disarm_timer() override { armed.reset(); }
    void send(ApicMessage const& message, ApicShorthand shorthand) override { sent.emplace_back(message, shorthand); }
    void end_of_interrupt(u8 vector) override { ended.push_back(vector); }
    void local_apic_enabled() override { ++enabled; }
    void attract_attention() override {}
};

constexpr u32 tpr = 0x80, eoi = 0xb0, ldr = 0xd0, dfr = 0xe0, svr = 0xf0, esr = 0x280, icr_low = 0x300,
              icr_high = 0x310, lvt_timer = 0x320, lvt_error = 0x370, initial_count = 0x380, current_count = 0x390,
              divide = 0x3e0;

struct ApicTest : testing::Test {
    Bench bench;
    ApicPage page;
    VirtualLocalApic apic{bench, page, 6, false};
    ApicTest() { apic.write_page(svr, 0x1ff); }
    /// As before an entry.
    std::optional<u8> deliverable()
    {
        apic.settle();
        return apic.highest_deliverable();
    }
    void use_x2apic() { ASSERT_TRUE(apic.write_base(0xfee0'0c00)); }
};

TEST_F(ApicTest, DeliversTheHighestAndHoldsLowerClassesBack)
{
    apic.accept(0x31, false);
    apic.accept(0x45, false);
    ASSERT_EQ(deliverable(), 0x45);
    apic.begin_service(0x45);
    EXPECT_EQ(deliverable(), std::nullopt);
    apic.accept(0x4f, false);
    EXPECT_EQ(deliverable(), std::nullopt) << "same class";
    apic.accept(0x50, false);
    EXPECT_EQ(deliverable(), 0x50);
    apic.begin_service(0x50);
    apic.write_page(eoi, 0);
    EXPECT_EQ(deliverable(), std::nullopt) << "0x45 is still in service";
    apic.write_page(eoi, 0);
    EXPECT_EQ(deliverable(), 0x4f);
}

TEST_F(ApicTest, TaskPriorityHoldsBackAndSaysSo)
{
    apic.accept(0x61, false);
    apic.write_page(tpr, 0x60);
    EXPECT_EQ(deliverable(), std::nullopt);
    EXPECT_EQ(apic.held_by_task_priority(), 6);
    EXPECT_EQ(apic.processor_priority(), 0x60);
    apic.write_page(tpr, 0x5f);
    EXPECT_EQ(deliverable(), 0x61);
}

TEST_F(ApicTest, TellsTheEndOfLevelInterruptsOnly)
{
    apic.accept(0x71, true);
    apic.settle();
    apic.begin_service(0x71);
    apic.accept(0x72, false);
    apic.settle();
    apic.begin_service(0x72);
    apic.write_page(eoi, 0);
    EXPECT_TRUE(bench.ended.empty());
    apic.write_page(eoi, 0);
    EXPECT_EQ(bench.ended, std::vector<u8>{0x71});
}

TEST_F(ApicTest, TakesNothingWhileDisabledAndTellsWhenEnabled)
{
    apic.write_page(svr, 0xff);
    EXPECT_FALSE(apic.accept(0x50, false));
    apic.write_page(svr, 0x1ff);
    EXPECT_EQ(bench.enabled, 2U);
    EXPECT_EQ(deliverable(), std::nullopt);
    EXPECT_FALSE(apic.accept(0x0f, false)) << "illegal vector";
}

TEST_F(ApicTest, SendsCommands)
{
    apic.write_page(icr_high, 0x0400'0000);
    apic.write_page(icr_low, 0x0004'0500 | 0x4000); // INIT to self
    apic.write_page(icr_low, 0x0000'0631);          // startup
    apic.write_page(icr_low, 0x000c'00fd);          // fixed, others
    ASSERT_EQ(bench.sent.size(), 3U);
    EXPECT_EQ(bench.sent[0].first.mode, ApicDeliveryMode::Init);
    EXPECT_EQ(bench.sent[1].first.destination, 4U);
    EXPECT_EQ(bench.sent[1].first.vector, 0x31);
    EXPECT_EQ(bench.sent[2].second, ApicShorthand::Others);
}

TEST_F(ApicTest, IgnoresDeassertedInitAndReportsIllegalVectors)
{
    apic.write_page(lvt_error, 0xfe);
    apic.write_page(icr_low, 0x0008'8500); // INIT, level, de-assert
    apic.write_page(icr_low, 0x0000'0005); // vector 5
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(deliverable(), 0xfe);
    EXPECT_EQ(apic.read_page(esr), 0U) << "latched by a write only";
    apic.write_page(esr, 0);
    EXPECT_EQ(apic.read_page(esr), apic_error::send_illegal_vector);
}

/// XTF's test of advisory 462: an error whose own vector is illegal must not raise itself for ever, and is told.
TEST_F(ApicTest, AnErrorWithAnIllegalVectorIsOneMoreError)
{
    apic.write_page(lvt_error, 0x0f);
    apic.write_page(icr_low, 0x0000'0005);
    EXPECT_EQ(deliverable(), std::nullopt);
    apic.write_page(esr, 0);
    EXPECT_EQ(apic.read_page(esr), apic_error::send_illegal_vector | apic_error::receive_illegal_vector);
    apic.write_page(lvt_error, 0x1'000f); // masked: nothing is received
    apic.write_page(icr_low, 0x0000'0005);
    apic.write_page(esr, 0);
    EXPECT_EQ(apic.read_page(esr), apic_error::send_illegal_vector);
}

TEST_F(ApicTest, AnIllegalVectorThatArrivesIsAnError)
{
    apic.write_page(lvt_error, 0xfe);
    EXPECT_FALSE(apic.accept(0x0f, false));
    EXPECT_EQ(deliverable(), 0xfe);
    apic.write_page(esr, 0);
    EXPECT_EQ(apic.read_page(esr), apic_error::receive_illegal_vector);
}

TEST_F(ApicTest, PendingErrorsAreSavedAndLoaded)
{
    apic.accept(1, false);
    xen::HvmLocalApic state = apic.save();
    EXPECT_EQ(state.pending_errors, apic_error::receive_illegal_vector);
    state.pending_errors = 0xffff'ffff;
    ASSERT_TRUE(apic.load(state));
    apic.write_page(esr, 0);
    EXPECT_EQ(apic.read_page(esr), 0xffU) << "of what a stream says, only bits that there are";
}

/// Xen writes it as it is on old CPUs, so its own shim for PV guests does.
TEST_F(ApicTest, FocusCheckingMayBeSetAndDoesNothing)
{
    use_x2apic();
    u32 const spurious = x2apic_first_msr + (svr >> 4);
    ASSERT_TRUE(apic.write_msr(spurious, 0x3ff));
    EXPECT_EQ(apic.read_msr(spurious), 0x3ffU);
    EXPECT_TRUE(apic.is_enabled());
    EXPECT_FALSE(apic.write_msr(spurious, 0x7ff)) << "bit 10 does not exist";
}

TEST_F(ApicTest, AddressesInXapicMode)
{
    EXPECT_TRUE(apic.is_addressed_by(6, false));
    EXPECT_TRUE(apic.is_addressed_by(0xff, false));
    EXPECT_FALSE(apic.is_addressed_by(4, false));
    apic.write_page(ldr, 0x0400'0000);
    EXPECT_TRUE(apic.is_addressed_by(0x0c, true));
    EXPECT_FALSE(apic.is_addressed_by(0x08, true));
    apic.write_page(dfr, 0x0fff'ffff); // clusters
    apic.write_page(ldr, 0x2200'0000);
    EXPECT_TRUE(apic.is_addressed_by(0x2f, true));
    EXPECT_FALSE(apic.is_addressed_by(0x32, true));
}

TEST_F(ApicTest, X2apicModeHasItsOwnRules)
{
    EXPECT_FALSE(apic.read_msr(0x802)) << "not in xAPIC mode";
    use_x2apic();
    EXPECT_EQ(apic.read_msr(0x802), 6U);
    EXPECT_EQ(apic.read_msr(0x80d), u64{1} << 6);
    EXPECT_TRUE(apic.is_addressed_by(0x40, true));
    EXPECT_FALSE(apic.write_msr(0x80d, 1)) << "read-only";
    EXPECT_FALSE(apic.write_msr(0x808, 0x100)) << "reserved bits";
    EXPECT_FALSE(apic.read_msr(0x80b)) << "write-only";
    EXPECT_FALSE(apic.write_msr(0x80b, 1));
    EXPECT_FALSE(apic.read_msr(0x831)) << "ICR is one register";
    EXPECT_FALSE(apic.read_msr(0x80e)) << "no destination format";
    ASSERT_TRUE(apic.write_msr(0x830, u64{0x12} << 32 | 0x631));
    EXPECT_EQ(bench.sent.back().first.destination, 0x12U);
    ASSERT_TRUE(apic.write_msr(0x83f, 0x44));
    EXPECT_EQ(bench.sent.back().second, ApicShorthand::Self);
    EXPECT_EQ(bench.sent.back().first.vector, 0x44);
    EXPECT_FALSE(apic.write_base(0xfee0'0800)) << "no way back but through disabled";
    EXPECT_FALSE(apic.write_base(0xfec0'0c00)) << "no relocation";
    EXPECT_TRUE(apic.write_base(0xfee0'0000));
    EXPECT_FALSE(apic.write_base(0xfee0'0c00)) << "not from disabled at once";
}

TEST_F(ApicTest, OneShotTimer)
{
    apic.write_page(divide, 0xb); // by 1
    apic.write_page(lvt_timer, 0xec);
    apic.write_page(initial_count, 1000);
    ASSERT_EQ(bench.armed, bench.time + 1000 * VirtualLocalApic::tick_ns);
    bench.time += 400 * VirtualLocalApic::tick_ns;
    EXPECT_EQ(apic.read_page(current_count), 600U);
    bench.time += 600 * VirtualLocalApic::tick_ns;
    bench.armed.reset();
    apic.resume_timer();
    EXPECT_EQ(deliverable(), 0xec);
    EXPECT_EQ(apic.read_page(current_count), 0U);
    EXPECT_FALSE(bench.armed);
}

TEST_F(ApicTest, PeriodicTimerGoesOnAndStops)
{
    apic.write_page(divide, 0x3); // by 16
    apic.write_page(lvt_timer, 0x2'00ec);
    apic.write_page(initial_count, 10'000);
    u64 const period = 10'000 * 16 * VirtualLocalApic::tick_ns;
    u64 const first = *bench.armed;
    bench.time = first + 5;
    apic.resume_timer();
    EXPECT_EQ(bench.armed, first + period);
    apic.write_page(initial_count, 0);
    EXPECT_FALSE(bench.armed);
}

TEST_F(ApicTest, PeriodicTimerCannotStorm)
{
    apic.write_page(divide, 0xb);
    apic.write_page(lvt_timer, 0x2'00ec);
    apic.write_page(initial_count, 1);
    EXPECT_EQ(*bench.armed, bench.time + 100'000) << "100 us, as Xen";
    EXPECT_EQ(apic.read_page(current_count), 1U) << "never above the initial count";
    bench.time = *bench.armed;
    apic.resume_timer();
    EXPECT_EQ(*bench.armed, bench.time + 100'000);
}

/// The vCPU was not on a CPU for a while.
TEST_F(ApicTest, MissedPeriodsAreOneInterruptAndThePhaseStays)
{
    constexpr u64 period = 1'000'000;
    apic.write_page(divide, 0xb);
    apic.write_page(lvt_timer, 0x2'00ec);
    apic.write_page(initial_count, period / VirtualLocalApic::tick_ns);
    u64 const first = *bench.armed;
    bench.time = first + 7 * period + 400'000;
    bench.armed.reset();
    apic.resume_timer();
    EXPECT_EQ(bench.armed, first + 8 * period);
    EXPECT_EQ(apic.read_page(current_count), 600'000 / VirtualLocalApic::tick_ns);
    ASSERT_EQ(deliverable(), 0xec);
    apic.begin_service(0xec);
    apic.write_page(eoi, 0);
    EXPECT_EQ(deliverable(), std::nullopt);
}

TEST_F(ApicTest, AMaskedTimerCountsWithoutBeingArmed)
{
    apic.write_page(divide, 0xb);
    apic.write_page(lvt_timer, 0x3'00ec); // periodic, masked
    apic.write_page(initial_count, 100'000);
    u64 const start = bench.time;
    EXPECT_FALSE(bench.armed);
    bench.time += 2'500'000;
    EXPECT_EQ(apic.read_page(current_count), 50'000U) << "the third period";
    EXPECT_FALSE(bench.armed);
    apic.write_page(lvt_timer, 0x2'00ec);
    EXPECT_EQ(bench.armed, start + 3'000'000);
    EXPECT_EQ(deliverable(), std::nullopt) << "what expired while it was masked is lost";
    apic.write_page(svr, 0xff); // a disabled APIC masks
    EXPECT_FALSE(bench.armed);
}

TEST_F(ApicTest, AnExpiryThatNobodyLookedAtCounts)
{
    apic.write_page(divide, 0xb);
    apic.write_page(lvt_timer, 0xec);
    apic.write_page(initial_count, 1000);
    bench.time += 1'000'000;
    ApicPage other_page;
    VirtualLocalApic other{bench, other_page, 6, false};
    ASSERT_TRUE(other.load(apic.save()));
    ASSERT_TRUE(other.load_registers(apic.save_registers()));
    EXPECT_EQ(other.highest_deliverable(), 0xec) << "saved as requested";
    apic.write_page(lvt_timer, 0x1'00ec);
    EXPECT_EQ(deliverable(), 0xec) << "it came before the entry was masked";
}

TEST_F(ApicTest, TscDeadline)
{
    apic.write_tsc_deadline(5000);
    EXPECT_FALSE(bench.armed) << "not in that mode";
    apic.write_page(lvt_timer, 0x4'00ec);
    apic.write_tsc_deadline(5'000'000);
    EXPECT_EQ(bench.armed, 2'500'000U);
    EXPECT_EQ(apic.read_tsc_deadline(), 5'000'000U);
    bench.time = 2'500'000;
    apic.resume_timer();
    EXPECT_EQ(apic.read_tsc_deadline(), 0U);
    EXPECT_EQ(deliverable(), 0xec);
    apic.write_tsc_deadline(6'000'000);
    EXPECT_EQ(bench.armed, 3'000'000U);
    apic.write_tsc_deadline(0);
    EXPECT_FALSE(bench.armed);
}

TEST_F(ApicTest, ATscDeadlineInThePastIsDueAtOnce)
{
    apic.write_page(lvt_timer, 0x4'00ec);
    apic.write_tsc_deadline(1);
    EXPECT_FALSE(bench.armed) << "no timer of the host's for it";
    EXPECT_EQ(deliverable(), 0xec);
    EXPECT_EQ(apic.read_tsc_deadline(), 0U);
}

TEST_F(ApicTest, ATscDeadlineFollowsTheTsc)
{
    apic.write_page(lvt_timer, 0x4'00ec);
    apic.write_tsc_deadline(5'000'000);
    bench.tsc_is_ahead = 1'000'000;
    apic.tsc_has_changed();
    EXPECT_EQ(bench.armed, 2'000'000U);
}

TEST_F(ApicTest, SavesAndLoads)
{
    use_x2apic();
    apic.accept(0x41, true);
    apic.accept(0x91, false);
    apic.settle();
    apic.begin_service(0x91);
    apic.accept(0x42, false); // still on its way
    ASSERT_TRUE(apic.write_msr(0x808, 0x20));
    ApicPage other_page;
    VirtualLocalApic other{bench, other_page, 6, false};
    ASSERT_TRUE(other.load(apic.save()));
    ASSERT_TRUE(other.load_registers(apic.save_registers()));
    EXPECT_EQ(other.task_priority(), 0x20);
    EXPECT_EQ(other.processor_priority(), 0x90);
    EXPECT_EQ(other.highest_deliverable(), std::nullopt);
    ASSERT_TRUE(other.write_msr(0x80b, 0));
    EXPECT_EQ(other.highest_deliverable(), 0x42);
    other.begin_service(0x42);
    ASSERT_TRUE(other.write_msr(0x80b, 0));
    EXPECT_EQ(other.highest_deliverable(), 0x41);
    other.begin_service(0x41);
    ASSERT_TRUE(other.write_msr(0x80b, 0));
    EXPECT_EQ(bench.ended, std::vector<u8>{0x41});
}

TEST_F(ApicTest, WhatWasNotDeliveredIsRequestedAgain)
{
    apic.accept(0x41, false);
    apic.settle();
    apic.begin_service(0x41);
    EXPECT_FALSE(apic.undo_service(0x51));
    EXPECT_TRUE(apic.undo_service(0x41));
    EXPECT_EQ(apic.highest_in_service(), 0);
    EXPECT_EQ(deliverable(), 0x41);
}

/// In the order in which the records are written: the APIC's own, then its registers.
TEST_F(ApicTest, EachModeOfTheTimerGoesOnAfterLoading)
{
    struct Mode {
        u32 entry;
        u64 tsc_deadline;
        u64 armed;
    };
    constexpr u64 count = 50'000, start = 1'000'000, end_of_count = start + count * VirtualLocalApic::tick_ns;
    for (Mode const mode :
         {Mode{0xec, 0, end_of_count}, Mode{0x2'00ec, 0, end_of_count}, Mode{0x4'00ec, 5'000'000, 2'500'000}}) {
        apic.write_page(divide, 0xb);
        apic.write_page(lvt_timer, mode.entry);
        apic.write_page(initial_count, count);
        apic.write_tsc_deadline(mode.tsc_deadline);
        ApicPage other_page;
        VirtualLocalApic other{bench, other_page, 6, false};
        bench.armed.reset();
        ASSERT_TRUE(other.load(apic.save()));
        ASSERT_TRUE(other.load_registers(apic.save_registers()));
        EXPECT_EQ(bench.armed, mode.armed) << std::hex << mode.entry;
        EXPECT_EQ(other.read_tsc_deadline(), mode.tsc_deadline);
    }
}

// --- where the CPU delivers from the page ---

TEST_F(ApicTest, NothingReachesThePageWhileTheGuestMayRun)
{
    apic.settle();
    apic.accept(0x91, false);
    EXPECT_TRUE(apic.wants_attention());
    EXPECT_EQ(apic.highest_request(), 0);
    EXPECT_TRUE(apic.has_deliverable()) << "it must not sleep";
    apic.settle();
    EXPECT_FALSE(apic.wants_attention());
    EXPECT_EQ(apic.highest_request(), 0x91);
    EXPECT_EQ(page.get(0x24), 1U << 0x11);
}

TEST_F(ApicTest, WhatTheCpuDidToThePageCounts)
{
    apic.accept(0x61, false);
    apic.settle();
    // Virtual-interrupt delivery, in the CPU: from the request to the in-service register.
    page.set(0x23, 0);
    page.set(0x13, 1U << 1);
    page.set(ApicRegister::TaskPriority, 0x20);
    EXPECT_EQ(apic.highest_request(), 0);
    EXPECT_EQ(apic.highest_in_service(), 0x61);
    EXPECT_EQ(apic.processor_priority(), 0x60);
    apic.accept(0x62, false);
    EXPECT_FALSE(apic.has_deliverable()) << "same class as what is in service";
    apic.accept(0x72, false);
    EXPECT_TRUE(apic.has_deliverable());
    // And it can be ended in software: the guest may change the way it reaches its APIC.
    apic.write_page(eoi, 0);
    EXPECT_EQ(apic.highest_in_service(), 0);
    EXPECT_TRUE(apic.wants_attention());
}

TEST_F(ApicTest, TellsWhichEndsItWantsToHearOf)
{
    apic.settle();
    u32 const before = apic.trigger_generation();
    apic.accept(0x71, false);
    apic.settle();
    EXPECT_EQ(apic.trigger_generation(), before) << "edges end in silence";
    apic.accept(0x71, true);
    apic.accept(0x72, true);
    apic.settle();
    EXPECT_NE(apic.trigger_generation(), before);
    EXPECT_EQ(apic.level_triggered(0), 0U);
    EXPECT_EQ(apic.level_triggered(1), u64{3} << 0x31);
    apic.finish_interrupt(0x72);
    EXPECT_EQ(bench.ended, std::vector<u8>{0x72});
    u32 const with_levels = apic.trigger_generation();
    apic.accept(0x72, false);
    apic.settle();
    EXPECT_NE(apic.trigger_generation(), with_levels);
    EXPECT_EQ(apic.level_triggered(1), u64{1} << 0x31);
}

TEST_F(ApicTest, ADisabledApicRequestsNothing)
{
    apic.accept(0x91, false);
    apic.settle();
    apic.write_page(svr, 0xff);
    EXPECT_EQ(apic.highest_request(), 0);
    EXPECT_FALSE(apic.has_deliverable());
    apic.write_page(svr, 0x1ff);
    EXPECT_EQ(apic.highest_request(), 0x91);
}

TEST_F(ApicTest, CarriesOutWhatTheCpuStored)
{
    apic.write_page(lvt_error, 0xfe);
    page.set(ApicRegister::SelfInterrupt, 5);
    apic.finish_write(0x3f0);
    EXPECT_TRUE(bench.sent.empty());
    EXPECT_EQ(deliverable(), 0xfe) << "illegal vector";
}

TEST_F(ApicTest, ModesAndThePage)
{
    EXPECT_EQ(apic.mode(), ApicMode::Page);
    EXPECT_EQ(page.get(ApicRegister::Id), 6U << 24);
    apic.settle();
    use_x2apic();
    EXPECT_EQ(apic.mode(), ApicMode::Msrs);
    EXPECT_TRUE(apic.wants_attention()) << "the CPU must be told";
    EXPECT_EQ(page.get(ApicRegister::Id), 6U);
    EXPECT_EQ(page.get(ApicRegister::LogicalDestination), 1U << 6);
    for (u8 i = 0; i < apic_register_count; ++i) {
        if (!is_msr_in_page(i)) continue;
        EXPECT_EQ(apic.read_msr(x2apic_first_msr + i), u64{page.get(i)}) << "MSR " << unsigned{i};
    }
    ASSERT_TRUE(apic.write_base(0xfee0'0000));
    EXPECT_EQ(apic.mode(), ApicMode::Disabled);
}

TEST(ApicRegisterRules, TheCpuAnswersOnlyWhatThePageHolds)
{
    using enum ApicRegister;
    for (ApicRegister const which : {Id, Version, TaskPriority, SpuriousVector, Request, TimerVector, InitialCount})
        EXPECT_TRUE(is_msr_in_page(std::to_underlying(which))) << unsigned{std::to_underlying(which)};
    for (ApicRegister const which :
         {ArbitrationPriority, EndOfInterrupt, DestinationFormat, CommandLow, CommandHigh, CurrentCount, SelfInterrupt})
        EXPECT_FALSE(is_msr_in_page(std::to_underlying(which))) << unsigned{std::to_underlying(which)};
}

}
}
