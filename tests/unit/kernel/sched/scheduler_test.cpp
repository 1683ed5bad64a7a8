// SPDX-License-Identifier: MIT
#include "kernel/sched/scheduler.hpp"

#include <gtest/gtest.h>

#include "kernel/sched/policy.hpp"
#include "kernel/sched/run_state.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/simulated_cpus.hpp"

using namespace hospes;
using namespace hospes::fakes;

namespace {

constexpr Nanoseconds millisecond = 1'000'000;
constexpr Nanoseconds second = 1'000 * millisecond;

CpuSet only(unsigned cpu)
{
    CpuSet set;
    set.set(cpu);
    return set;
}

/// A machine and always busy guests on it. Shares are in percent of one CPU.
class SchedulerTest : public ::testing::Test {
protected:
    void start(unsigned cpus)
    {
        machine_.emplace(cpus);
        control_domain_.emplace(DomainId{0}, true, DomainConfiguration{});
        control_domain_->vcpu().set_waiting(WaitReason::Halted);
    }

    TestDomain& guest(u32 weight = 256, u32 cap = 0, u32 vcpus = 1)
    {
        DomainId const id = static_cast<DomainId>(40 + guests_.size());
        auto& made =
            *guests_.emplace_back(std::make_unique<TestDomain>(id, false, DomainConfiguration{.max_vcpus = vcpus}));
        made->share.weight.store(weight);
        made->share.cap_percent.store(cap);
        return made;
    }
    static void pin(TestDomain const& guest, unsigned cpu)
    {
        ASSERT_TRUE(scheduler::set_affinity(guest.vcpu(), only(cpu), only(cpu)));
    }
    void at(Nanoseconds after, std::function<void()> what) { machine_->at(after, std::move(what)); }

    void run(Nanoseconds span)
    {
        span_ = span;
        machine_->run(span);
    }
    [[nodiscard]] double share(size_t guest, u32 vcpu = 0) const
    {
        auto const time = static_cast<double>(scheduler::running_time(guests_[guest]->vcpu(vcpu)));
        return 100 * time / static_cast<double>(span_);
    }

private:
    std::optional<SimulatedCpus> machine_;
    std::optional<TestDomain> control_domain_; ///< hears of the others' ends
    std::vector<std::unique_ptr<TestDomain>> guests_;
    Nanoseconds span_ = 0;
};

}

TEST_F(SchedulerTest, EqualsShareOneCpu)
{
    start(1);
    for (int i = 0; i < 3; ++i) guest();
    run(3 * second);
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(share(i), 100.0 / 3, 1);
}

TEST_F(SchedulerTest, TwiceTheWeightIsTwiceTheTime)
{
    start(1);
    guest(256);
    guest(512);
    run(3 * second);
    EXPECT_NEAR(share(0), 100.0 / 3, 1);
    EXPECT_NEAR(share(1), 200.0 / 3, 1);
}

struct Crowd {
    unsigned cpus;
    unsigned guests;
};

class SchedulerCrowdTest : public SchedulerTest, public ::testing::WithParamInterface<Crowd> {};

TEST_P(SchedulerCrowdTest, MoreGuestsThanCpusShareThemAll)
{
    auto const [cpus, guests] = GetParam();
    start(cpus);
    for (unsigned i = 0; i < guests; ++i) guest();
    run(10 * second);
    double const fair = 100.0 * cpus / guests;
    for (size_t i = 0; i < guests; ++i) EXPECT_NEAR(share(i), fair, fair / 10) << "guest " << i;
}

INSTANTIATE_TEST_SUITE_P(Crowds, SchedulerCrowdTest,
                         ::testing::Values(Crowd{2, 2}, Crowd{2, 3}, Crowd{2, 5}, Crowd{3, 4}, Crowd{3, 5}, Crowd{4, 5},
                                           Crowd{4, 7}, Crowd{4, 11}),
                         [](auto const& info) {
                             return std::to_string(info.param.guests) + "On" + std::to_string(info.param.cpus);
                         });

TEST_F(SchedulerTest, AHeavyGuestKeepsACpuForItself)
{
    start(2);
    guest(256);
    guest(512);
    guest(256);
    run(5 * second);
    EXPECT_NEAR(share(0), 50, 5);
    EXPECT_NEAR(share(1), 100, 5);
    EXPECT_NEAR(share(2), 50, 5);
}

TEST_F(SchedulerTest, TwoVcpusThatWokeOnOneCpuDoNotStayThere)
{
    start(2);
    TestDomain const& spinner = guest();
    TestDomain const& control = guest(256, 0, 2);
    for (u32 vcpu : {0u, 1u}) ASSERT_TRUE(scheduler::set_affinity(control.vcpu(vcpu), only(0), only(0)));
    pin(spinner, 1);
    at(100 * millisecond, [&] {
        CpuSet any;
        for (unsigned cpu : {0u, 1u}) any.set(cpu);
        for (u32 vcpu : {0u, 1u}) ASSERT_TRUE(scheduler::set_affinity(control.vcpu(vcpu), any, any));
    });
    run(5 * second);
    // The spinner stays where it is pinned; dom0's two have the other CPU and share this one.
    EXPECT_NEAR(share(1, 0) + share(1, 1) + share(0), 200, 1);
    EXPECT_NEAR(share(0), 200.0 / 3, 8);
    EXPECT_NEAR(share(1, 0), share(1, 1), 8);
}

TEST_F(SchedulerTest, WhoIsPinnedStays)
{
    start(2);
    pin(guest(), 0);
    pin(guest(), 0);
    pin(guest(), 1);
    run(3 * second);
    EXPECT_NEAR(share(0), 50, 1);
    EXPECT_NEAR(share(1), 50, 1);
    EXPECT_NEAR(share(2), 100, 1);
}

TEST_F(SchedulerTest, ACapHoldsBesideIdleCpus)
{
    start(2);
    guest(256, 50);
    guest();
    guest();
    run(5 * second);
    EXPECT_NEAR(share(0), 50, 3);
    EXPECT_NEAR(share(1), 75, 6);
    EXPECT_NEAR(share(2), 75, 6);
}

/// One that sleeps most of the time gets a CPU at once, wherever it wakes, and the busy ones lose no more than that.
TEST_F(SchedulerTest, ASleeperDoesNotWaitForSlicesToEnd)
{
    start(2);
    TestDomain& sleeper = guest();
    guest();
    guest();
    for (Nanoseconds turn = 0; turn < second; turn += 20 * millisecond) {
        at(turn, [&] { sleeper.vcpu().set_waiting(WaitReason::Halted); });
        at(turn + 19 * millisecond, [&] { sleeper.vcpu().clear_waiting(WaitReason::Halted); });
    }
    run(second);
    auto const waited = sleeper.vcpu().run_state.read(clock::now()).time[static_cast<u32>(RunState::Kind::Runnable)];
    EXPECT_LT(waited, 25 * millisecond) << "50 times awake";
    EXPECT_NEAR(share(0), 5, 1);
    EXPECT_NEAR(share(1) + share(2), 195, 1);
}

/// All the time that it ran without a cap is no debt.
TEST_F(SchedulerTest, ACapCountsFromWhenItIsSet)
{
    start(1);
    TestDomain& busy = guest();
    at(10 * second, [&] { scheduler::set_share(*busy, 256, 50); });
    run(20 * second);
    EXPECT_NEAR(share(0), 75, 1);
}

TEST_F(SchedulerTest, WhoWasCappedDoesNotCatchUpAfterwards)
{
    start(1);
    TestDomain& capped = guest(256, 10);
    guest();
    at(10 * second, [&] { scheduler::set_share(*capped, 256, 0); });
    run(11 * second);
    EXPECT_NEAR(share(0), (10 * 10 + 50) / 11.0, 1);
}

TEST(CapAccount, ALookByAnOlderTimeRefillsNothing)
{
    policy::CapAccount account;
    constexpr u64 period = policy::cap_period;
    EXPECT_EQ(account.remaining(5 * period, 50), period / 2);
    account.charge(100 * millisecond);
    EXPECT_EQ(account.remaining(6 * period, 50), 0U);
    EXPECT_EQ(account.remaining(5 * period, 50), 0U);
    EXPECT_EQ(account.remaining(6 * period, 50), 0U);
    EXPECT_GT(account.remaining(13 * period, 50), 0U) << "paid back";
}

/// However long it ran at once, the account is bounded.
TEST(CapAccount, ADebtIsBounded)
{
    policy::CapAccount account;
    account.charge(~u64{0} / 2);
    account.charge(~u64{0} / 2);
    EXPECT_EQ(account.remaining(policy::cap_period, 100), 0U);
    EXPECT_GT(account.remaining(100'000 * policy::cap_period, 12'800), 0U);
}
