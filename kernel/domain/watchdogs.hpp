// SPDX-License-Identifier: MIT
/// A domain's watchdogs: it arms one, and is shut down (SHUTDOWN_watchdog) unless it arms it again in time.
/// (abi.md 3.5.)
///
/// Time for which the domain is held still (paused, being saved, shut down until it is resumed) is none in which it
/// could have given a sign of life, so no watchdog counts it.
#pragma once

#include <array>
#include <optional>

#include "kernel/lib/error.hpp"
#include "kernel/sync/guarded.hpp"
#include "kernel/time/clock.hpp"
#include "kernel/time/timer.hpp"

namespace hospes {

class Domain;

class Watchdogs {
public:
    static constexpr u32 count = 2;

    explicit Watchdogs(Domain& domain);

    /// Takes a free watchdog and arms it; its id, from 1 on. NoSpace if there is none.
    [[nodiscard]] Expected<u32> take(u32 seconds);
    /// Arms one that is taken, from now on anew; 0 seconds give it back. Invalid if it is not taken.
    [[nodiscard]] Expected<> set(u32 id, u32 seconds);
    /// Until when; nothing for one that is not armed.
    [[nodiscard]] std::optional<Nanoseconds> deadline(u32 id);

    /// The domain is held still, and goes on. Repeated calls change nothing.
    void stand_still();
    void go_on();
    /// Takes the timers off for ever: the domain is being destroyed, and is quiescent.
    void retire();

private:
    struct Watchdog {
        bool is_taken = false;
        std::optional<Nanoseconds> deadline; ///< nothing: it has expired
    };
    struct State {
        std::array<Watchdog, count> watchdogs{};
        std::optional<Nanoseconds> still_since;
    };

    static void on_timer(Timer& timer);
    void arm(u32 number, State& held, unsigned cpu, Nanoseconds deadline);
    bool expire(u32 number);

    Domain& domain_;
    Guarded<State, LockRank::Watchdogs> state_;
    std::array<Timer, count> timers_; ///< may fire for nothing: the deadline in the state is what counts
};

}
