// SPDX-License-Identifier: MIT
/// A small model checker: runs a few threads as coroutines of one real thread, in every order their steps can be
/// interleaved in. Each access to shared memory calls step() first.
///
///     explore([](Threads& threads) {
///         auto shared = ...;
///         threads.thread([&] { step(); shared |= 1; });
///         threads.thread([&] { step(); shared &= 2; });
///         threads.finish();                  // runs them all in one of the orders
///         EXPECT_...                     // must hold in each
///     });
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernel/lib/integers.hpp"

namespace hospes::fakes {

/// A point where others may run.
void step();
/// The same, and this thread goes on only when `condition` holds (a lock, for instance).
void step_when(std::function<bool()> condition);

class Threads {
public:
    void thread(std::function<void()> body);
    /// Runs all threads to their ends. False if they wait for each other.
    bool finish();

    struct Choice {
        u32 taken;
        u32 among;
    };
    Threads(std::vector<Choice>& schedule, u32 preemptions);
    ~Threads();
    struct Fiber;

private:
    void resume(Fiber& fiber);
    [[nodiscard]] std::vector<Fiber*> ready() const;

    std::vector<Choice>& schedule_;
    std::vector<std::unique_ptr<Fiber>> fibers_;
    Fiber* last_ = nullptr;
    u32 preemptions_left_;
};

inline constexpr u32 every_order = ~u32{0};

/// Runs `scenario` once for each order; returns how many there were. With more than two threads the orders are too
/// many: then only those are tried in which a thread that could go on is interrupted at most `preemptions` times in
/// all. (Musuvathi and Qadeer, "Iterative context bounding", 2007: nearly all races need two.)
u64 explore(std::function<void(Threads&)> const& scenario, u32 preemptions = every_order);

}
