// SPDX-License-Identifier: MIT
/// Choosing the next action.
#include "tests/software/guest.hpp"

#include <array>
#include <cstdio>

#include "kernel/domain/guest_presence.hpp"
#include "kernel/evtchn/fifo.hpp"
#include "kernel/evtchn/two_level.hpp"
#include "kernel/time/clock.hpp"
#include "tests/fakes/host_virtual_cpu.hpp"

namespace hospes::software {

namespace {

using Table = std::span<Action const> (*)();

struct Family {
    Table table;
    u32 weight;
    bool only_control_domain = false;
};

constexpr std::array families{
    Family{event_actions, 6}, Family{grant_actions, 6},    Family{memory_actions, 5},
    Family{vcpu_actions, 5},  Family{question_actions, 2}, Family{control_actions, 12, true},
};

Action const& choose(std::span<Action const> actions, Guest& guest)
{
    u32 total = 0;
    for (Action const& action : actions) total += action.weight;
    u32 left = guest.below(total);
    for (Action const& action : actions) {
        if (left < action.weight) return action;
        left -= action.weight;
    }
    return actions.front();
}

Table choose_family(Guest& guest)
{
    bool const controls = guest.processor().domain().is_control_domain();
    u32 total = 0;
    for (Family const& family : families) total += controls || !family.only_control_domain ? family.weight : 0;
    u32 left = guest.below(total);
    for (Family const& family : families) {
        if (left < family.weight) return family.table;
        left -= family.weight;
    }
    return event_actions;
}

}

/// As far as it can see them: its vcpu_info may be where another vCPU has put it.
void Guest::handle_events()
{
    GuestLook const look{processor_.vcpu()};
    auto* const shared = reinterpret_cast<xen::SharedInfo*>(look.reach(address_of(Gfn{shared_info_at}), true));
    auto* const registered = info_at ? look.reach(Gpa{*info_at}, true) : nullptr;
    auto* const info = registered ? reinterpret_cast<xen::VcpuInfo*>(registered)
                       : shared   ? &shared->vcpu_info[own_id()]
                                  : nullptr;
    if (info) {
        AtomicWords::exchange(info->event_upcall_pending, 0);
        AtomicWords::clear(info->event_pending_selector, ~u64{0});
    }
    if (shared) AtomicWords::clear(shared->event_pending[0], ~u64{0});
    take_queued_events();
}

/// Out of the words, in their order; from head to head they are the same ones.
void Guest::take_queued_events()
{
    GuestLook const look{processor_.vcpu()};
    auto* const block =
        block_at ? reinterpret_cast<xen::EventFifoControlBlock*>(look.reach(Gpa{*block_at}, true)) : nullptr;
    auto* const words = reinterpret_cast<u32*>(look.reach(Gpa{words_at}, true));
    if (!block || !words) return;
    FifoAccess::clear(block->ready, ~u32{0});
    constexpr u32 taken = event_word::linked | event_word::link;
    for (xen::EventPort port = 0; port != ports; ++port) {
        FifoAccess::clear(words[port], taken);
        FifoAccess::clear(words[port], event_word::pending);
        if (one_in(64)) FifoAccess::set(words[port], 1u << below(32)); // and it does what is no good
        if (one_in(16)) FifoAccess::set(words[port], event_word::masked);
    }
}

void Guest::step()
{
    if (fakes::take_event(processor_.vcpu())) handle_events();
    Action const& action = choose(choose_family(*this)(), *this);
    action.made.fetch_add(1, std::memory_order_relaxed);
    if (action.act(*this) >= 0) action.good.fetch_add(1, std::memory_order_relaxed);
}

u64 Guest::any_frame()
{
    switch (below(8)) {
    case 0: return below(granted_frames);
    case 1: return grant_table_at + below(2);
    case 2: return shared_info_at;
    case 3: return window_frame();
    case 4: return habits_.shares_pages ? below(ram_frames) : spare_frame();
    default: return spare_frame();
    }
}

u64 Guest::soon() { return clock::now() + below(200) * 1000; }

u64 show_actions()
{
    u64 all = 0;
    for (Family const& family : families)
        for (Action const& action : family.table()) {
            std::printf("    %-28s %10llu done %10llu good\n", action.name.data(),
                        static_cast<unsigned long long>(action.made.load()),
                        static_cast<unsigned long long>(action.good.load()));
            all += action.made.load();
        }
    return all;
}

}
