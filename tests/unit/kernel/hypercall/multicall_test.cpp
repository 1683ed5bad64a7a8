// SPDX-License-Identifier: MIT
/// One budget for a multicall and all that is in it.
#include <gtest/gtest.h>

#include "kernel/abi/xen/memory.hpp"
#include "kernel/abi/xen/multicall.hpp"
#include "kernel/abi/xen/sched.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/quiet_log.hpp"
#include "tests/fakes/simulated_cpus.hpp"

namespace hospes {
namespace {

constexpr u64 entries_at = 0x1000;
constexpr u64 count = 32;
constexpr Nanoseconds step = Budget::stretch / 4;
constexpr u64 entries_per_stretch = 5; // the clock starts after the first

class Multicall : public testing::Test {
protected:
    /// Runs the call's next stretch; true if there is more to do.
    bool run_stretch()
    {
        return dispatch_hypercall(guest_.vcpu(), static_cast<u64>(xen::Hypercall::Multicall), arguments_).restart;
    }
    xen::MulticallEntry entry(u64 index) const
    {
        return guest_.get<xen::MulticallEntry>(entries_at + index * sizeof(xen::MulticallEntry));
    }
    void put_entry(u64 index, xen::MulticallEntry const& entry) const
    {
        guest_.put(entries_at + index * sizeof(xen::MulticallEntry), entry);
    }

    fakes::TestDomain guest_{1};
    HypercallArguments arguments_{{entries_at, count}};
};

TEST_F(Multicall, CallsThatEndAtOnceSpendTheBudgetTogether)
{
    xen::MulticallEntry const unknown{.operation = 63, .result = 1, .arguments = {}};
    for (u64 i = 0; i < count; ++i) put_entry(i, unknown);

    fakes::SlowClock const clock{step};
    for (u64 left = count; left > entries_per_stretch; left -= entries_per_stretch) {
        EXPECT_TRUE(run_stretch());
        EXPECT_EQ(arguments_[1], left - entries_per_stretch);
    }
    EXPECT_FALSE(run_stretch());
    for (u64 i = 0; i < count; ++i)
        EXPECT_EQ(static_cast<s64>(entry(i).result), fakes::as_result(Error::NotImplemented)) << i;
}

/// Otherwise a guest fills the log with its end.
TEST_F(Multicall, ADomainThatHasEndedDoesNotGoOn)
{
    constexpr u64 reason_at = 0x800;
    guest_.put(reason_at, xen::SchedShutdown{.reason = static_cast<u32>(xen::ShutdownReason::Crash)});
    xen::MulticallEntry const end{.operation = static_cast<u64>(xen::Hypercall::SchedOp),
                                  .result = 1,
                                  .arguments = {static_cast<u64>(xen::SchedCommand::Shutdown), reason_at}};
    for (u64 i = 0; i < count; ++i) put_entry(i, end);
    fakes::LogListener listener;
    EXPECT_TRUE(run_stretch());
    EXPECT_EQ(arguments_[1], count - 1);
    EXPECT_TRUE(run_stretch());
    EXPECT_EQ(listener.text.find("says that its system has crashed"),
              listener.text.rfind("says that its system has crashed"));
    EXPECT_TRUE(listener.text.contains("says that its system has crashed"));
}

TEST_F(Multicall, EveryStretchDoesSomething)
{
    xen::MulticallEntry const unknown{.operation = 63, .result = 1, .arguments = {}};
    for (u64 i = 0; i < count; ++i) put_entry(i, unknown);

    fakes::SlowClock const clock{10 * Budget::stretch};
    for (u64 left = count - 2; left > 0 && run_stretch(); left -= 2) EXPECT_EQ(arguments_[1], left);
}

}
}
