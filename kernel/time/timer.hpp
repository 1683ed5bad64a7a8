// SPDX-License-Identifier: MIT
/// Timers: each CPU has a queue of deadlines and programs its one-shot hardware timer for the earliest. There is no
/// tick.
#pragma once

#include <atomic>

#include "kernel/time/deadline_queue.hpp"

namespace hospes {

/// One thing to do at one time. Fill in `function`; the rest belongs to timers::.
///
/// The function runs once per set(), on the CPU given there, with interrupts disabled and no lock held. It may set
/// its own timer again and cancel or set others; it must not destroy its own.
struct Timer : DeadlineNode {
    using Function = void (*)(Timer&);

    Timer() = default;
    explicit Timer(Function what) : function{what} {}
    Timer(Timer const&) = delete;
    Timer& operator=(Timer const&) = delete;

    Function function = nullptr;
    void* context = nullptr; ///< for the function's use
    static constexpr u32 on_no_cpu = ~u32{0};
    std::atomic<u32> cpu{0};                ///< whose queue it is or was in; changes under that queue's lock
    std::atomic<bool> queued{false};        ///< changes under the queue's lock
    std::atomic<u32> running_on{on_no_cpu}; ///< the CPU that is in `function`
};

namespace timers {

/// Runs `timer` on `cpu` as soon as clock::now() >= `deadline` (nanoseconds); a timer that is already set is moved.
/// Any CPU may call; the last of several concurrent calls wins. Takes LockRank::Timers.
void set(Timer& timer, unsigned cpu, u64 deadline);

/// Takes the timer off. Afterwards its function is not running, unless it is the caller itself; the caller must hold no
/// lock that the function takes.
void cancel(Timer& timer);

/// Is it waiting for its deadline? A snapshot.
[[nodiscard]] inline bool is_set(Timer const& timer) { return timer.queued.load(std::memory_order_relaxed); }

/// Runs this CPU's expired timers and programs the hardware for the next. Called by the timer interrupt and by kicks.
void run_expired();

}

}
