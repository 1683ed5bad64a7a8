// SPDX-License-Identifier: MIT
/// Rule: whatever a guest did, when it has been destroyed the machine is as it was before: not a page of memory, not a
/// domain, not an event channel is missing (security.md). lives=N on the command line sets how many lives of each kind
/// there are; the name of a story, that only this one is told.
/// Failure looks like a host that has less memory with each guest that ends, or domains that nobody can destroy.

#include <algorithm>
#include <optional>

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/smp.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/text.hpp"
#include "tests/guests/framework/toolstack.hpp"
#include "tests/guests/lives/story.hpp"

namespace hospes::test {

void start_others(u32 end, void (*function)(u32))
{
    for (u32 cpu = 1; cpu != end; ++cpu)
        if (!start_cpu(cpu, function)) abandon("no sign of life after SIPI");
}

namespace {

constexpr auto crash = xen::ShutdownReason::Crash;

constexpr std::array stories{
    Story{.name = "friendly", .act = friendly, .plan = {.vcpus = 2}},
    Story{.name = "endless", .act = endless, .plan = {.vcpus = 2}, .endless = true},
    Story{.name = "heir", .act = heir, .partner = generous},
    Story{.name = "twins", .act = twins, .plan = {.vcpus = 3}},
    Story{.name = "hoarder", .act = hoarder},
    Story{.name = "zombie", .act = zombie},
    Story{.name = "racer", .act = racer, .plan = {.vcpus = 2}},
    Story{.name = "pinned", .act = pinned},
    Story{.name = "ticker", .act = ticker, .plan = {.vcpus = 2}},
    Story{.name = "sparse", .act = sparse},
    Story{.name = "collector", .act = collector, .plan = {.highest_port = 4095}},
    Story{.name = "clinger", .act = clinger, .partner = offering},
    Story{.name = "stuck-in-a-hole", .act = stuck_in_a_hole, .end = crash},
    Story{.name = "stuck-in-a-device", .act = stuck_in_a_device, .end = crash},
    Story{.name = "stuck-in-a-read-only-page", .act = stuck_in_a_read_only_page, .end = crash},
};

Story const* told_story()
{
    for (Story const& story : stories)
        if (has_argument(story.name)) return &story;
    return nullptr;
}

// --- dom0 ---

/// What a life must not change.
struct Machine {
    u64 free_pages;
    u32 domains;
    u32 next_port; ///< of dom0

    [[nodiscard]] static Machine now()
    {
        auto const port = event_channel::alloc_unbound(xen::domid_self, xen::domid_self);
        (void)event_channel::close(port.port);
        return {test::free_pages(), domain_count(), port.port};
    }
    /// As it is when nothing of those that have ended is left to be freed.
    [[nodiscard]] static Machine at_rest()
    {
        (void)free_pages_at_rest();
        return now();
    }
    bool operator==(Machine const&) const = default;
};

void sleep() { (void)schedule::poll(nullptr, 0, now() + millisecond); }

void wait_until_ready(LoadedGuest const& guest)
{
    while (guest.result(result_ready) == 0 && !guest.domain().shutdown_reason()) sleep();
}

LoadedGuest born(Story const& story, std::string_view role)
{
    auto guest = LoadedGuest::start(story.plan, Text<64>{}.add(story.name, role).view());
    if (!guest) abandon("a guest cannot be started");
    return std::move(*guest);
}

/// True if the guest found nothing wrong, and ended as it should.
bool live(Story const& story)
{
    std::optional<LoadedGuest> partner;
    if (story.partner != nullptr) {
        partner.emplace(born(story, " partner"));
        wait_until_ready(*partner);
    }
    LoadedGuest const guest = born(story, "");
    if (partner || story.endless) wait_until_ready(guest);
    partner.reset();
    return story.endless || guest.wait() == story.end;
}

/// A CPU that has just left a domain may hold on to it for a moment.
bool comes_back_to(Machine const& before)
{
    for (u64 const end = now() + long_enough; now() < end; sleep())
        if (Machine::now() == before) return true;
    return false;
}

void tell(Story const& story, u64 lives)
{
    u64 good = live(story) ? 1 : 0; // what dom0 itself needs for this, it has from now on
    auto const before = Machine::at_rest();
    for (u64 life = 1; life < lives; ++life) good += live(story) ? 1 : 0;
    report(equal(good, lives), Text<64>{}.add(story.name, ": each life went well").view());
    bool const same = comes_back_to(before);
    auto const after = Machine::now();
    report(same, Text<64>{}.add(story.name, ": everything is back").view());
    if (same) return;
    print("       pages ", before.free_pages, " -> ", after.free_pages, ", domains ", before.domains, " -> ",
          after.domains, ", next port ", before.next_port, " -> ", after.next_port, "\n");
}

void run()
{
    auto const* const only = told_story();
    if (is_loaded()) return has_argument("partner") ? only->partner() : only->act();
    u64 const lives = std::max<u64>(argument("lives", 4), 2);
    print("  ", lives, " lives of each kind\n");
    (void)Machine::now();
    for (Story const& story : stories)
        if (only == nullptr || only == &story) tell(story, lives);
}

}

constinit Guest const this_guest{"lives", run};

}
