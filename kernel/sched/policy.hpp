// SPDX-License-Identifier: MIT
/// The scheduler's arithmetic, pure: proportional share by virtual time, and caps.
///
/// A vCPU's virtual time advances by the time it ran, divided by its share: with twice the weight it advances half as
/// fast. The ready vCPU with the least virtual time runs next, so over time each gets CPU in proportion to its weight.
/// A sleeper does not save up virtual time: on waking it starts at most `wake_bonus` behind the queue.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <limits>

#include "kernel/lib/integers.hpp"
#include "kernel/lib/list.hpp"

namespace hospes::policy {

inline constexpr u32 default_weight = 256;
inline constexpr u64 slice = 10'000'000;        ///< ns a vCPU runs while others of its CPU wait
inline constexpr u64 wake_bonus = 5'000'000;    ///< ns of virtual time that a sleeper may lag behind
inline constexpr u64 preemption_lead = 500'000; ///< ns that a woken vCPU must be behind the running one
inline constexpr u64 cap_period = 30'000'000;   ///< ns over which a cap holds

/// Virtual time for `elapsed` ns at `weight` (never 0).
[[nodiscard]] constexpr u64 virtual_time(u64 elapsed, u32 weight) { return elapsed * default_weight / weight; }

/// Where a vCPU that wakes joins a queue whose clock stands at `clock`.
[[nodiscard]] constexpr u64 on_waking(u64 own, u64 clock)
{
    return std::max(own, clock > wake_bonus ? clock - wake_bonus : 0);
}

/// The virtual time of a vCPU that leaves a queue whose clock stands at `from` for one whose clock stands at `to`: it
/// is as far ahead as it was, and behind no more than a sleeper may be.
[[nodiscard]] constexpr u64 on_moving(u64 own, u64 from, u64 to)
{
    return own >= from ? to + (own - from) : on_waking(to > from - own ? to - (from - own) : 0, to);
}

/// Of the CPUs that `may_use` allows, the one with the least load: of equals the first from `first` on, going round.
/// `first` if none is allowed.
template <typename MayUse, typename LoadOf>
[[nodiscard]] constexpr unsigned least_loaded(unsigned first, unsigned count, MayUse may_use, LoadOf load_of)
{
    unsigned best = first;
    u64 least = std::numeric_limits<u64>::max();
    for (unsigned distance = 0; distance < count && least > 0; ++distance) {
        unsigned const cpu = (first + distance) % count;
        if (!may_use(cpu)) continue;
        u64 const load = load_of(cpu); // once: other CPUs change it
        if (load >= least) continue;
        best = cpu;
        least = load;
    }
    return best;
}

/// Does a woken vCPU take the CPU from the running one?
[[nodiscard]] constexpr bool preempts(u64 woken, u64 running) { return woken + preemption_lead < running; }

/// Ready items ordered by virtual time, and the queue's clock: the least virtual time it has handed out, never going
/// back.
template <typename T, ListHook<T> T::* hook, u64 T::* time>
class FairQueue {
public:
    [[nodiscard]] bool empty() const { return items_.empty(); }
    [[nodiscard]] T* first() const { return items_.first(); }
    [[nodiscard]] static T* next(T const& item) { return List<T, hook>::next(item); }
    /// May be read without the lock: what it was a moment ago.
    [[nodiscard]] u64 clock() const { return clock_.load(std::memory_order_relaxed); }
    [[nodiscard]] u64 size() const { return size_.load(std::memory_order_relaxed); }
    /// For a look without the lock: true a moment ago.
    [[nodiscard]] bool looks_empty() const { return size() == 0; }

    /// Behind items with the same time, so that equals take turns.
    void insert(T& item)
    {
        T* position = items_.first();
        while (position && position->*time <= item.*time) position = next(*position);
        items_.insert_before(position, item);
        size_.store(size() + 1, std::memory_order_relaxed);
    }
    void remove(T& item)
    {
        items_.remove(item);
        size_.store(size() - 1, std::memory_order_relaxed);
    }
    /// The clock follows what runs.
    void advance(u64 running)
    {
        u64 const least = items_.empty() ? running : std::min(running, items_.first()->*time);
        clock_.store(std::max(clock(), least), std::memory_order_relaxed);
    }

private:
    List<T, hook> items_;
    std::atomic<u64> clock_{0};
    std::atomic<u64> size_{0};
};

/// A domain's allowance under a cap: `cap_percent` of one CPU in each period, shared by its vCPUs. Period and budget
/// are one word, so that CPUs that look and charge at once lose nothing.
class CapAccount {
public:
    /// ns the domain may still run in the period that contains `now`; 0: none. The first look in a new period refills;
    /// a look by an older time than another CPU's does not.
    [[nodiscard]] u64 remaining(u64 now, u32 cap_percent)
    {
        u32 const period = static_cast<u32>(now / cap_period);
        s64 const allowance = static_cast<s64>(cap_period * cap_percent / 100 / unit);
        Word const word = change([&](Word before) {
            s32 const passed = static_cast<s32>(period - before.period);
            if (passed <= 0) return before;
            // What was overrun is paid back; what was left over is lost.
            s64 const debt = std::min<s64>(before.budget, 0);
            s64 const periods = std::min<s64>(passed, 100);
            return Word{.period = period, .budget = clamped(std::min(allowance, debt + allowance * periods))};
        });
        return static_cast<u64>(std::max<s64>(word.budget, 0)) * unit;
    }
    void charge(u64 elapsed)
    {
        s64 const units = static_cast<s64>(std::min<u64>((elapsed + unit - 1) / unit, most_units));
        static_cast<void>(change(
            [units](Word before) { return Word{.period = before.period, .budget = clamped(before.budget - units)}; }));
    }

    [[nodiscard]] static constexpr u64 next_refill(u64 now) { return (now / cap_period + 1) * cap_period; }

private:
    static constexpr u64 unit = 64; ///< ns, of the budget
    static constexpr s64 most_units = std::numeric_limits<s32>::max();

    struct Word {
        u32 period;
        s32 budget; ///< units; below zero: overrun
        [[nodiscard]] static Word of(u64 raw) { return std::bit_cast<Word>(raw); }
        [[nodiscard]] u64 raw() const { return std::bit_cast<u64>(*this); }
    };
    [[nodiscard]] static s32 clamped(s64 units) { return static_cast<s32>(std::clamp(units, -most_units, most_units)); }

    /// The word afterwards.
    template <typename Change>
    Word change(Change to)
    {
        u64 before = word_.load(std::memory_order_relaxed);
        for (;;) {
            Word const after = to(Word::of(before));
            if (after.raw() == before || word_.compare_exchange_weak(before, after.raw(), std::memory_order_relaxed))
                return after;
        }
    }

    std::atomic<u64> word_{0};
};

/// What a domain's vCPUs get of the CPUs.
struct Share {
    std::atomic<u32> weight{default_weight}; ///< never 0
    std::atomic<u32> cap_percent{0};         ///< of one CPU; 0: none
    CapAccount account;                      ///< what it may still run in this period, under a cap
};

}
