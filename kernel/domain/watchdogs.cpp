// SPDX-License-Identifier: MIT
/// What a watchdog's deadline is, and what happens when it has come.
#include "kernel/domain/watchdogs.hpp"

#include "kernel/arch/cpu.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/log/log.hpp"

namespace hospes {

namespace {

Nanoseconds in(u32 seconds) { return clock::now() + u64{seconds} * nanoseconds_per_second; }

}

Watchdogs::Watchdogs(Domain& domain) : domain_{domain}
{
    for (Timer& timer : timers_) {
        timer.function = on_timer;
        timer.context = this;
    }
}

void Watchdogs::arm(u32 number, State& held, unsigned cpu, Nanoseconds deadline)
{
    held.watchdogs[number].deadline = deadline;
    timers::set(timers_[number], cpu, deadline);
}

Expected<u32> Watchdogs::take(u32 seconds)
{
    auto held = state_.lock();
    for (u32 number = 0; number < count; ++number) {
        Watchdog& watchdog = held->watchdogs[number];
        if (watchdog.is_taken) continue;
        watchdog.is_taken = true;
        arm(number, *held, arch::this_cpu(), in(seconds));
        return number + 1;
    }
    return failure(Error::NoSpace);
}

/// The timer of one that is given back is left alone: to cancel it is to wait for its function, which takes the lock.
Expected<> Watchdogs::set(u32 id, u32 seconds)
{
    if (id == 0 || id > count) return failure(Error::Invalid);
    auto held = state_.lock();
    Watchdog& watchdog = held->watchdogs[id - 1];
    if (!watchdog.is_taken) return failure(Error::Invalid);
    if (seconds == 0)
        watchdog = {};
    else
        arm(id - 1, *held, arch::this_cpu(), in(seconds));
    return {};
}

std::optional<Nanoseconds> Watchdogs::deadline(u32 id) { return state_.lock()->watchdogs[id - 1].deadline; }

void Watchdogs::stand_still()
{
    auto held = state_.lock();
    if (!held->still_since) held->still_since = clock::now();
}

void Watchdogs::go_on()
{
    auto held = state_.lock();
    if (!held->still_since) return;
    Nanoseconds const still_for = clock::now() - *held->still_since;
    held->still_since.reset();
    for (u32 number = 0; number < count; ++number)
        if (auto const deadline = held->watchdogs[number].deadline)
            arm(number, *held, timers_[number].cpu.load(std::memory_order_relaxed), *deadline + still_for);
}

void Watchdogs::retire()
{
    for (Timer& timer : timers_) timers::cancel(timer);
}

/// False if it was armed anew, given back or the domain held still before the timer's function came to look.
bool Watchdogs::expire(u32 number)
{
    auto held = state_.lock();
    Watchdog& watchdog = held->watchdogs[number];
    if (held->still_since || !watchdog.deadline || clock::now() < *watchdog.deadline) return false;
    watchdog.deadline.reset();
    return true;
}

void Watchdogs::on_timer(Timer& timer)
{
    auto& all = *static_cast<Watchdogs*>(timer.context);
    auto const number = static_cast<u32>(&timer - all.timers_.data());
    if (!all.expire(number)) return;
    log_warning("domain {}: watchdog {} has expired", all.domain_.id(), number + 1);
    all.domain_.shut_down(ShutdownReason::Watchdog);
}

}
