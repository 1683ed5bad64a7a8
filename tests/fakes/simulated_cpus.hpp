// SPDX-License-Identifier: MIT
/// Several CPUs on the host, in simulated time: each is a coroutine in the scheduler's real run loop, with real timers.
/// vCPUs compute until they wait for something. Between interrupts nothing happens, so time jumps to the next.
#pragma once

#include <functional>
#include <vector>

#include "kernel/time/clock.hpp"

namespace hospes::fakes {

/// While it lives, each look at the clock takes so long: the time between two looks is a step of work.
class SlowClock {
public:
    explicit SlowClock(Nanoseconds step);
    SlowClock(SlowClock const&) = delete;
    SlowClock& operator=(SlowClock const&) = delete;
    ~SlowClock();
};

class SimulatedCpus {
public:
    explicit SimulatedCpus(unsigned count);
    SimulatedCpus(SimulatedCpus const&) = delete;
    SimulatedCpus& operator=(SimulatedCpus const&) = delete;
    ~SimulatedCpus();

    /// `what` happens `after` so many nanoseconds.
    void at(Nanoseconds after, std::function<void()> what);
    /// Starts the CPUs' run loops and ends `span` later with all vCPUs halted and the CPUs idle. Once only.
    void run(Nanoseconds span);

private:
    struct Event {
        Nanoseconds when;
        std::function<void()> what;
    };
    void let_time_pass(Nanoseconds end);
    std::vector<Event> events_;
};

}
