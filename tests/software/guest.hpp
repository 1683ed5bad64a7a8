// SPDX-License-Identifier: MIT
/// A guest's software that does anything a guest can do, in any order: each step is one action out of tables, with
/// arguments that are valid more often than not.
#pragma once

#include <atomic>
#include <string_view>
#include <vector>

#include "tests/software/choices.hpp"
#include "tests/software/processor.hpp"
#include "tests/software/toolstack.hpp"

namespace hospes::software {

class Guest {
public:
    static constexpr u32 ports = 12; ///< that it talks of
    struct Habits {
        u32 domains = 3;          ///< it talks to domains 0 to this - 1
        bool shares_pages = true; ///< it may give back, or hand out, what its other vCPUs use at this moment
    };

    Guest(Processor const& processor, Choices& choices, Habits habits)
        : processor_{processor}, choices_{choices}, habits_{habits}
    {}

    /// Handles its events, if the vCPU was told of any, then does one action.
    void step();
    /// Takes out all that it has mapped, and knows of.
    void unmap_all();

    [[nodiscard]] Processor const& processor() const { return processor_; }
    [[nodiscard]] u32 below(u32 limit) { return choices_.below(limit); }
    [[nodiscard]] bool one_in(u32 limit) { return choices_.one_in(limit); }

    [[nodiscard]] u32 own_id() const { return processor_.vcpu().id(); }
    [[nodiscard]] u32 any_vcpu() { return below(static_cast<u32>(processor_.domain().vcpus().size()) + one_in(32)); }
    [[nodiscard]] xen::DomainId any_domain()
    {
        if (one_in(4)) return processor_.domain().id();
        return static_cast<xen::DomainId>(below(habits_.domains + one_in(32)));
    }
    [[nodiscard]] xen::DomainId any_guest() { return static_cast<xen::DomainId>(1 + below(habits_.domains - 1)); }
    [[nodiscard]] xen::DomainId self_or_any() { return one_in(2) ? xen::domid_self : any_domain(); }
    [[nodiscard]] xen::EventPort any_port() { return 1 + below(ports); }
    [[nodiscard]] u64 spare_frame() { return first_spare + below(spare_frames); }
    [[nodiscard]] u64 window_frame() { return first_window + own_id() * window_frames + below(window_frames); }
    /// A frame that may be anything.
    [[nodiscard]] u64 any_frame();
    /// A time some microseconds from now.
    [[nodiscard]] u64 soon();

    struct MappedGrant {
        u64 where;
        xen::GrantHandle handle;
    };
    std::vector<MappedGrant> mapped;
    std::optional<u64> info_at;               ///< where it has put its own vcpu_info
    std::optional<u64> block_at;              ///< its control block of FIFO events
    u64 words_at = first_spare << page_shift; ///< where the first event words are, as far as it knows

private:
    void handle_events();
    void take_queued_events();

    Processor processor_;
    Choices& choices_;
    Habits habits_;
};

/// What a guest may do. The result is the hypercall's; negative: an error.
struct Action {
    std::string_view name;
    u32 weight;
    s64 (*act)(Guest&);
    mutable std::atomic<u64> made{0}; ///< how often it was done
    mutable std::atomic<u64> good{0}; ///< and was no error
};

[[nodiscard]] std::span<Action const> event_actions();
[[nodiscard]] std::span<Action const> grant_actions();
[[nodiscard]] std::span<Action const> memory_actions();
[[nodiscard]] std::span<Action const> vcpu_actions();
[[nodiscard]] std::span<Action const> question_actions();
[[nodiscard]] std::span<Action const> control_actions(); ///< of dom0 alone

/// Prints how often each action was done, and how often it was no error; returns how many there were in all.
u64 show_actions();

}
