// SPDX-License-Identifier: MIT
/// What a domain needs for the FIFO event ABI: queues, and the pages that it gave us for event words and control
/// blocks. Charged to it when it first asks for the ABI, and kept for its life; the pages go back with the ABI.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "kernel/domain/physmap.hpp"
#include "kernel/evtchn/fifo.hpp"
#include "kernel/mm/charged.hpp"

namespace hospes {

/// Changed under the domain's EventChannel lock.
class FifoPages {
public:
    FifoEvents<> events;

    /// What it needs at most, in frames, for so many vCPUs.
    [[nodiscard]] static constexpr u64 most_overhead(u32 vcpus);
    /// OutOfMemory. May be called again.
    [[nodiscard]] Expected<> have_vcpus(u32 count, Quota& quota);
    /// `frame` is that of `page`, which is taken. NoSpace: there are words for all ports.
    [[nodiscard]] Expected<> add_words(OwnRam& page, Hfn frame);
    [[nodiscard]] bool has_words(Hfn frame) const;
    /// Invalid: the vCPU has one. True if it must be given an upcall.
    [[nodiscard]] Expected<bool> add_block(u32 vcpu, OwnRam& page, u32 offset);

    [[nodiscard]] bool is_empty() const { return count_ == 0; }
    /// Nobody raises events any more: `events` is as at first. The pages are still here.
    void forget();
    /// After that: one page, to be let go without a lock, until none is left.
    [[nodiscard]] std::optional<OwnRam> take_page();

    /// Of the words that were added last: the port that is to be asked next what waited for them.
    struct Revival {
        xen::EventPort next = 0, end = 0;
        [[nodiscard]] bool is_over() const { return next == end; }
    };
    Revival revival;

private:
    static constexpr u32 most_vcpus = 128;
    void keep(OwnRam& page) { pages_[count_++].emplace(std::move(page)); }

    std::unique_ptr<FifoVcpu<FifoAccess>[]> vcpus_;
    std::array<std::optional<OwnRam>, FifoEvents<>::most_pages + most_vcpus> pages_;
    u32 count_ = 0;
};

constexpr u64 FifoPages::most_overhead(u32 vcpus)
{
    return pages_for(sizeof(FifoPages)) + frames_of_array<FifoVcpu<FifoAccess>>(vcpus);
}

}
