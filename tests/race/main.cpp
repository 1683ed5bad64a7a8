// SPDX-License-Identifier: MIT
/// Domains that make random hypercalls of every family on several CPUs, while dom0's vCPUs create and destroy them.
/// Built with ThreadSanitizer, which tells of every two accesses that nothing orders; at the end all must be given
/// back.
///
///     race SECONDS SEED
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "kernel/hypercall/counters.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/race/own_pages.hpp"
#include "tests/race/threaded_cpus.hpp"
#include "tests/software/guest.hpp"

using namespace hospes;

namespace {

constexpr unsigned cpus = 4;
constexpr u32 dom0_vcpus = 4;

u64 seed = 1;
std::atomic<u64> software_made{0};

/// A vCPU's software, and where its decisions come from. Two vCPUs never start the same way.
struct Software {
    explicit Software(Vcpu& vcpu) : guest{software::Processor{vcpu, race::must_stop}, choices, {4, false}} {}

    software::SeededChoices choices{seed * 1'000'003 + software_made.fetch_add(1)};
    software::Guest guest;
};

void step(Vcpu& vcpu)
{
    auto& kept = vcpu.virtual_cpu().software;
    if (!kept) kept = std::make_shared<Software>(vcpu);
    static_cast<Software*>(kept.get())->guest.step();
}

u64 calls_made()
{
    u64 calls = 0;
    for (unsigned cpu = 0; cpu < cpus; ++cpu)
        for (auto const& counter : hypercall_counters.of(cpu)) calls += counter.value();
    return calls;
}

void destroy_all_guests(Vcpu& toolstack)
{
    for (DomainId id = 1; auto const domain = domains::at_or_after(id); id = (*domain)->id() + 1)
        static_cast<void>(software::Toolstack{software::Processor{toolstack}}.destroy((*domain)->id()));
}

bool hold(bool condition, char const* what)
{
    if (!condition) std::printf("race: %s\n", what);
    return condition;
}

bool run(double seconds)
{
    race::have_cpus(cpus);
    fakes::start_machine();
    u64 const free_before = frames::free_count();
    if (!race::write_where_guests_do()) return false;
    {
        fakes::TestDomain const dom0{0, true, {.max_vcpus = dom0_vcpus, .max_event_port = 200}};
        dom0->quota.ram.set_limit(256);
        if (!hold(software::Toolstack{software::Processor{dom0.vcpu()}}.prepare() == 0, "no buffers for dom0"))
            return false;
        auto const end = std::chrono::steady_clock::now() + std::chrono::duration<double>{seconds};
        race::run_cpus(step, [&] { return std::chrono::steady_clock::now() >= end; });
        destroy_all_guests(dom0.vcpu());
    }
    bool const nobody_left = hold(!domains::at_or_after(0), "a domain is left");
    if (u64 const now = frames::free_count(); now != free_before)
        std::printf("race: %llu frames were free, %llu are\n", static_cast<unsigned long long>(free_before),
                    static_cast<unsigned long long>(now));
    return nobody_left && frames::free_count() == free_before;
}

}

int main(int argc, char** argv)
{
    double const seconds = argc > 1 ? std::atof(argv[1]) : 5;
    seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    std::printf("race: seed %llu, %.0f seconds\n", static_cast<unsigned long long>(seed), seconds);
    bool const good = run(seconds);
    u64 const actions = software::show_actions();
    std::printf("race: seed %llu: %llu actions, %llu hypercalls\n", static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(actions), static_cast<unsigned long long>(calls_made()));
    return good ? 0 : 1;
}
