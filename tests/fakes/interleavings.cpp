// SPDX-License-Identifier: MIT
#include "tests/fakes/interleavings.hpp"

#include <ucontext.h>

#include <algorithm>
#include <cstdlib>

#include <sanitizer/common_interface_defs.h>

namespace hospes::fakes {

struct Threads::Fiber {
    static constexpr size_t stack_bytes = 64 * 1024;

    std::function<void()> body;
    std::function<bool()> condition;
    bool done = false;
    ucontext_t context{};
    std::unique_ptr<u8[]> stack;
};

namespace {

Threads::Fiber* running = nullptr;
ucontext_t scheduler_context;
void const* scheduler_stack = nullptr;
size_t scheduler_stack_bytes = 0;

/// Stacks are used again and again: allocating them is what would take the time.
std::vector<std::unique_ptr<u8[]>> spare_stacks;

void back_to_scheduler(bool for_good)
{
    Threads::Fiber& self = *running;
    void* fake_stack = nullptr;
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_stack, scheduler_stack, scheduler_stack_bytes);
    swapcontext(&self.context, &scheduler_context);
    __sanitizer_finish_switch_fiber(fake_stack, &scheduler_stack, &scheduler_stack_bytes);
}

void fiber_main()
{
    __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_bytes);
    running->body();
    running->done = true;
    back_to_scheduler(true);
}

}

void step()
{
    if (running) back_to_scheduler(false);
}

void step_when(std::function<bool()> condition)
{
    if (!running) return;
    running->condition = std::move(condition);
    back_to_scheduler(false);
    running->condition = nullptr;
}

Threads::Threads(std::vector<Choice>& schedule, u32 preemptions) : schedule_{schedule}, preemptions_left_{preemptions}
{}

Threads::~Threads()
{
    for (auto& fiber : fibers_) spare_stacks.push_back(std::move(fiber->stack));
}

void Threads::thread(std::function<void()> body)
{
    auto fiber = std::make_unique<Fiber>();
    fiber->body = std::move(body);
    if (spare_stacks.empty()) spare_stacks.push_back(std::make_unique<u8[]>(Fiber::stack_bytes));
    fiber->stack = std::move(spare_stacks.back());
    spare_stacks.pop_back();
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack.get();
    fiber->context.uc_stack.ss_size = Fiber::stack_bytes;
    makecontext(&fiber->context, fiber_main, 0);
    fibers_.push_back(std::move(fiber));
}

void Threads::resume(Fiber& fiber)
{
    running = &fiber;
    void* fake_stack = nullptr;
    __sanitizer_start_switch_fiber(&fake_stack, fiber.stack.get(), Fiber::stack_bytes);
    swapcontext(&scheduler_context, &fiber.context);
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
    running = nullptr;
}

/// The threads that may go next, the one that just ran in front; it alone once all preemptions are used up.
std::vector<Threads::Fiber*> Threads::ready() const
{
    std::vector<Fiber*> ready;
    for (auto const& fiber : fibers_)
        if (!fiber->done && (!fiber->condition || fiber->condition())) ready.push_back(fiber.get());
    auto const last = std::ranges::find(ready, last_);
    if (last == ready.end()) return ready;
    std::swap(*last, ready.front());
    if (preemptions_left_ == 0) ready.resize(1);
    return ready;
}

bool Threads::finish()
{
    for (auto& fiber : fibers_) resume(*fiber); // up to the first shared access: nobody can tell the order
    for (size_t position = 0;; ++position) {
        auto const candidates = ready();
        if (candidates.empty()) return std::ranges::all_of(fibers_, [](auto const& fiber) { return fiber->done; });
        if (position == schedule_.size()) schedule_.push_back({0, static_cast<u32>(candidates.size())});
        if (schedule_[position].among != candidates.size()) std::abort(); // the scenario is not deterministic
        Fiber* const chosen = candidates[schedule_[position].taken];
        if (candidates.front() == last_ && chosen != last_) --preemptions_left_;
        last_ = chosen;
        resume(*chosen);
    }
}

u64 explore(std::function<void(Threads&)> const& scenario, u32 preemptions)
{
    std::vector<Threads::Choice> schedule;
    for (u64 runs = 1;; ++runs) {
        {
            Threads threads{schedule, preemptions};
            scenario(threads);
        }
        while (!schedule.empty() && schedule.back().taken + 1 == schedule.back().among) schedule.pop_back();
        if (schedule.empty()) return runs;
        ++schedule.back().taken;
    }
}

}
