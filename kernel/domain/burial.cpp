// SPDX-License-Identifier: MIT
/// The domains that wait to be freed.
#include "kernel/domain/burial.hpp"

#include <utility>

#include "kernel/domain/domain.hpp"
#include "kernel/sync/guarded.hpp"
#include "kernel/time/timer.hpp"

namespace hospes::burial {

namespace {

/// Between two stretches, so that guests run meanwhile.
constexpr Nanoseconds pause = nanoseconds_per_millisecond;

constinit Guarded<Domain*, LockRank::DomainList> waiting;

void on_timer(Timer&)
{
    Budget budget;
    static_cast<void>(go_on(budget)); // which sets the timer again if there is more
}

Timer timer{on_timer};

void put(Domain& domain)
{
    {
        auto held = waiting.lock();
        domain.next = std::exchange(*held, &domain);
    }
    timers::set(timer, arch::this_cpu(), clock::now() + pause);
}

/// One that is the caller's alone from here on; null if there is none.
Domain* take()
{
    auto held = waiting.lock();
    return *held ? std::exchange(*held, (*held)->next) : nullptr;
}

}

void add(Domain& domain) { put(domain); }

bool go_on(Budget& budget)
{
    while (Domain* const domain = take()) {
        if (!domain->dismantle(budget)) {
            put(*domain);
            return false;
        }
        delete domain;
        if (budget.is_spent()) return !*waiting.lock();
    }
    return true;
}

}
