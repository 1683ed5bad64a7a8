// SPDX-License-Identifier: MIT
/// The allocator knows best what is free, so it is asked rather than told.
#include "kernel/dom0/memory_claim.hpp"

#include "kernel/domain/domain.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes::dom0 {

namespace {

[[nodiscard]] bool is_inside(FrameRun run, std::span<FrameRun const> runs)
{
    return std::ranges::any_of(
        runs, [&](FrameRun const& other) { return other.first <= run.first && run.end() <= other.end(); });
}

class Surveyor {
public:
    Surveyor(Survey& result, std::span<FrameRun const> staged) : result_{result}, staged_{staged} {}

    void look_at(boot::MemoryRange const& range)
    {
        result_.total += whole_frames(range).count;
        result_.available += low_frames(range).count;
        static_cast<void>(for_each_block(high_frames(range), [&](Hfn first, unsigned order) -> Expected<> {
            look_at_block(first, order);
            return {};
        }));
    }

private:
    void look_at_block(Hfn first, unsigned order)
    {
        u64 const count = u64{1} << order;
        if (is_inside({first, count}, staged_) || is_free(first, order)) {
            result_.available += count;
        } else if (order == 0) {
            note_held(first);
        } else {
            constexpr unsigned step = 9;
            for (u64 part = 0; part < u64{1} << step; ++part)
                look_at_block(first + (part << (order - step)), order - step);
        }
    }

    [[nodiscard]] bool is_free(Hfn first, unsigned order) const
    {
        if (!frames::allocate_exactly(first, order)) return false;
        frames::free(first, order);
        return true;
    }

    /// When the list is full, its last run grows over what lies between: too much held does no harm.
    void note_held(Hfn frame)
    {
        FrameRun* const last = result_.held.empty() ? nullptr : &result_.held[result_.held.size() - 1];
        if (last && (last->end() == frame || result_.held.full()))
            last->count = frame + 1 - last->first;
        else
            static_cast<void>(result_.held.push_back({.first = frame, .count = 1}));
    }

    Survey& result_;
    std::span<FrameRun const> staged_;
};

}

FrameRun low_frames(boot::MemoryRange const& range)
{
    FrameRun const whole = whole_frames(range);
    Hfn const end = std::min(whole.end(), frame_of(boot::end_of_low_memory));
    return {.first = whole.first, .count = end > whole.first ? end - whole.first : 0};
}

FrameRun high_frames(boot::MemoryRange const& range)
{
    FrameRun const whole = whole_frames(range);
    Hfn const first = std::max(whole.first, frame_of(boot::end_of_low_memory));
    return {.first = first, .count = whole.end() > first ? whole.end() - first : 0};
}

void claim_low_memory(std::span<boot::MemoryRange const> host)
{
    for (boot::MemoryRange const& range : host) {
        FrameRun const run = low_frames(range);
        if (range.kind != boot::MemoryKind::Usable || run.count == 0) continue;
        frames::add(run.first, run.count);
        claim(run);
    }
}

void survey(Survey& result, std::span<boot::MemoryRange const> host, std::span<FrameRun const> staged)
{
    Surveyor surveyor{result, staged};
    for (boot::MemoryRange const& range : host)
        if (range.kind == boot::MemoryKind::Usable) surveyor.look_at(range);
}

void claim(FrameRun run)
{
    auto const claimed =
        for_each_block(run, [](Hfn first, unsigned order) { return frames::allocate_exactly(first, order); });
    if (!claimed) panic("dom0: frames from {:x} on were free and are not any more", run.first);
}

Expected<> hand_over(Domain& domain, FrameRun run)
{
    return for_each_block(run, [&](Hfn first, unsigned order) -> Expected<> {
        auto charge = Charge::take(domain.quota, AccountKind::Ram, u64{1} << order);
        if (!charge) return failure(charge.error());
        frames::give_to(domain, first, order, *charge);
        auto const added = domain.physmap.add_ram(Gfn{first.raw()}, first, order);
        if (!added) frames::drop_references(first, order);
        return added;
    });
}

}
