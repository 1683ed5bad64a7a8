// SPDX-License-Identifier: MIT
/// What hypercalls ask of the machine besides vCPUs and memory: wall clock, console, CPU policies, counters. Each
/// answers with little, but answers, and may be asked by several threads at once.
#include <array>
#include <atomic>

#include "kernel/abi/xen/cpu_policy.hpp"
#include "kernel/arch/cpu_policy.hpp"
#include "kernel/arch/exit_counters.hpp"
#include "kernel/debug/debug_keys.hpp"
#include "kernel/log/console.hpp"
#include "kernel/sync/guarded.hpp"
#include "kernel/time/clock.hpp"
#include "kernel/version.hpp"

namespace hospes {

namespace clock {

namespace {
Guarded<WallClock, LockRank::Clock> wall;
}

TickScale scale() { return {}; }
u64 base_tsc() { return 0; }
u64 tsc_khz() { return 1'000'000; }
Nanoseconds time_at(u64 tsc) { return tsc; }
bool tsc_is_synchronised() { return true; }
WallClock wallclock() { return *wall.lock(); }
void set_wallclock(u64 seconds, u32 nanoseconds, Nanoseconds system_time)
{
    *wall.lock() = wall_clock_at_zero(seconds, nanoseconds, system_time);
}

}

namespace console {

void write_raw(std::span<char const>) {}
size_t read_input(std::span<char>) { return 0; }
u32 ring_read(std::span<char>, u32&, bool) { return 0; }
void ring_clear() {}

}

bool answer_debug_key(char, u32&, Budget&) { return true; }

std::string_view revision() { return "1a2b3c"; }
std::span<u8 const> build_id()
{
    static constexpr std::array<u8, 3> id{1, 2, 3};
    return id;
}

namespace arch {

u32 apic_id(unsigned cpu) { return cpu; }
/// A tick a nanosecond, and one for each reading.
u64 read_tsc()
{
    static std::atomic<u64> readings{0};
    return clock::now() + ++readings;
}
std::span<Counter> exit_counters_of(unsigned cpu)
{
    static std::array<std::array<Counter, 2>, max_cpus> counters;
    return counters[cpu];
}
std::string_view exit_name(size_t) { return "an exit"; }

namespace {
Expected<> describe(PolicyLists& out)
{
    out.leaf_count = 2;
    out.msr_count = 1;
    return {};
}
}

Expected<> read_system_policy(SystemPolicy, PolicyLists& out) { return describe(out); }
Expected<> read_domain_policy(Domain const&, PolicyLists& out) { return describe(out); }
Expected<> change_domain_policy(Domain&, PolicyLists const&, PolicyComplaint&) { return {}; }
std::array<u32, feature_words> system_features(SystemPolicy) { return {}; }

}

}
