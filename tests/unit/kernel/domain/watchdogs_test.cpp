// SPDX-License-Identifier: MIT
/// SCHEDOP_watchdog: which watchdog a domain has, and that one which is not armed again in time shuts it down, unless
/// it was held still meanwhile.
#include <gtest/gtest.h>

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/sched.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/simulated_cpus.hpp"

namespace hospes {
namespace {

using fakes::as_result;

constexpr Nanoseconds second = nanoseconds_per_second;

class WatchdogTest : public testing::Test {
protected:
    /// By a hypercall of the guest's.
    [[nodiscard]] s64 set(u32 id, u32 seconds) const
    {
        xen::SchedWatchdog request{id, seconds};
        return guest_.call_with(xen::Hypercall::SchedOp, xen::SchedCommand::Watchdog, request);
    }
    /// The guest's vCPU sleeps for so long.
    void pass(Nanoseconds span)
    {
        guest_.vcpu().set_waiting(WaitReason::Halted);
        cpus_.run(span);
    }
    [[nodiscard]] std::optional<ShutdownReason> end() const { return guest_->shutdown_reason(); }

    fakes::TestDomain guest_{1};
    fakes::SimulatedCpus cpus_{1};
};

TEST_F(WatchdogTest, ThereAreTwo)
{
    EXPECT_EQ(set(0, 100), 1);
    EXPECT_EQ(set(0, 100), 2);
    EXPECT_EQ(set(0, 100), as_result(Error::NoSpace));
    EXPECT_EQ(set(1, 0), 0);
    EXPECT_EQ(set(0, 100), 1) << "one that was given back";
}

TEST_F(WatchdogTest, OnlyOneThatIsTakenCanBeArmed)
{
    EXPECT_EQ(set(1, 100), as_result(Error::Invalid));
    EXPECT_EQ(set(0, 100), 1);
    EXPECT_EQ(set(1, 50), 0);
    EXPECT_EQ(set(2, 50), as_result(Error::Invalid));
    EXPECT_EQ(set(3, 50), as_result(Error::Invalid));
    EXPECT_EQ(set(~u32{0}, 50), as_result(Error::Invalid));
    EXPECT_EQ(set(1, 0), 0);
    EXPECT_EQ(set(1, 0), as_result(Error::Invalid)) << "given back before";
}

TEST_F(WatchdogTest, SilenceEndsTheDomain)
{
    EXPECT_EQ(set(0, 8), 1);
    EXPECT_EQ(set(0, 3), 2);
    cpus_.at(3 * second - 1, [this] { EXPECT_FALSE(end()); });
    pass(4 * second);
    EXPECT_EQ(end(), ShutdownReason::Watchdog);
}

TEST_F(WatchdogTest, AsLongAsThereAreCanBeAskedFor)
{
    EXPECT_EQ(set(0, ~u32{0}), 1);
    pass(4'000'000 * second);
    EXPECT_FALSE(end());
}

TEST_F(WatchdogTest, OneThatIsGivenBackEndsNothing)
{
    EXPECT_EQ(set(0, 2), 1);
    EXPECT_EQ(set(1, 0), 0);
    pass(5 * second);
    EXPECT_FALSE(end());
}

TEST_F(WatchdogTest, ASignOfLifeCountsFromThereOn)
{
    EXPECT_EQ(set(0, 3), 1);
    cpus_.at(2 * second, [this] { EXPECT_EQ(set(1, 3), 0); });
    cpus_.at(4 * second, [this] { EXPECT_FALSE(end()); });
    pass(6 * second);
}

TEST_F(WatchdogTest, APausedDomainNeedNotGiveOne)
{
    EXPECT_EQ(set(0, 3), 1);
    cpus_.at(1 * second, [this] { EXPECT_TRUE(guest_->pause()); });
    cpus_.at(2 * second, [this] { EXPECT_TRUE(guest_->pause()); });
    cpus_.at(10 * second, [this] { EXPECT_TRUE(guest_->unpause()); });
    cpus_.at(11 * second, [this] { EXPECT_TRUE(guest_->unpause()); });
    cpus_.at(12 * second + second / 2, [this] { EXPECT_FALSE(end()) << "two seconds are left at the 11th"; });
    cpus_.at(13 * second + second / 2, [this] { EXPECT_EQ(end(), ShutdownReason::Watchdog); });
    pass(14 * second);
}

TEST_F(WatchdogTest, NorDoesOneThatIsSuspendedUntilItIsResumed)
{
    EXPECT_EQ(set(0, 3), 1);
    cpus_.at(1 * second, [this] { guest_->shut_down(ShutdownReason::Suspend); });
    cpus_.at(9 * second, [this] { EXPECT_TRUE(guest_->resume()); });
    cpus_.at(10 * second, [this] { EXPECT_FALSE(end()); });
    cpus_.at(11 * second + second / 2, [this] { EXPECT_EQ(end(), ShutdownReason::Watchdog); });
    pass(14 * second);
}

TEST_F(WatchdogTest, ADomainEndsForOneReason)
{
    EXPECT_EQ(set(0, 1), 1);
    guest_->shut_down(ShutdownReason::Crash);
    pass(3 * second);
    EXPECT_EQ(end(), ShutdownReason::Crash);
}

TEST_F(WatchdogTest, AResumedDomainIsNotEndedAgainByWhatHasExpired)
{
    EXPECT_EQ(set(0, 1), 1);
    cpus_.at(3 * second, [this] { EXPECT_TRUE(guest_->resume()); });
    pass(6 * second);
    EXPECT_FALSE(end());
    EXPECT_EQ(set(1, 5), 0) << "it is still the domain's";
}

TEST_F(WatchdogTest, NoTimerOutlivesItsDomain)
{
    EXPECT_EQ(set(0, 1), 1);
    EXPECT_EQ(set(0, 2), 2);
    guest_.destroy();
    cpus_.run(5 * second);
}

}
}
