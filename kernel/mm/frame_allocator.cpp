// SPDX-License-Identifier: MIT
/// Free blocks by order in lists that run through the frames' own records.
#include "kernel/mm/frame_allocator.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "kernel/arch/memory.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/mm/allocation_gate.hpp"
#include "kernel/mm/frame_table.hpp"
#include "kernel/sync/guarded.hpp"

namespace hospes::frames {

namespace {

constexpr unsigned order_count = max_order + 1;

/// Free blocks by order, linked through the frame table. A block that is free and whose buddy is free is always
/// merged with it; so a naturally aligned range that is all free lies inside one block.
class FreeLists {
public:
    u64 free_frames = 0;
    u64 total_frames = 0;
    bool keep_low_memory = true; ///< while booting: take from the top, so that dom0's memory stays whole

    [[nodiscard]] Expected<Hfn> take(unsigned order, Hfn limit)
    {
        auto const found = keep_low_memory || limit != unlimited ? highest(order, limit) : smallest(order);
        if (!found) return failure(Error::OutOfMemory);
        unlink(*found);
        return shrink(*found, order, limit);
    }

    [[nodiscard]] Expected<> take_exactly(Hfn first, unsigned order)
    {
        for (unsigned larger = order; larger <= max_order; ++larger) {
            Hfn const head{round_down(first.raw(), u64{1} << larger)};
            Frame* const record = find(head);
            if (!record || !record->is(FrameUse::Free) || !record->heads_block) continue;
            if (record->order < larger) continue;
            carve(head, first, order);
            return {};
        }
        return failure(Error::OutOfMemory);
    }

    void give(Hfn first, unsigned order)
    {
        free_frames += u64{1} << order;
        while (order < max_order) {
            Hfn const buddy{first.raw() ^ (u64{1} << order)};
            Frame const* const record = find(buddy);
            if (!record || !record->is(FrameUse::Free) || !record->heads_block || record->order != order) break;
            unlink(buddy);
            first = std::min(first, buddy);
            ++order;
        }
        link(first, order);
    }

    static constexpr Hfn unlimited{~u64{0}};

private:
    [[nodiscard]] Hfn head(unsigned order) const { return Hfn{heads_[order]}; }
    [[nodiscard]] bool has(unsigned order) const { return heads_[order] != FreeLinks::none; }

    [[nodiscard]] std::optional<Hfn> smallest(unsigned order) const
    {
        for (unsigned candidate = order; candidate <= max_order; ++candidate)
            if (has(candidate)) return head(candidate);
        return std::nullopt;
    }

    /// The block with the highest start below `limit`. Walks the lists: for booting and for rare constraints.
    [[nodiscard]] std::optional<Hfn> highest(unsigned order, Hfn limit) const
    {
        std::optional<Hfn> best;
        for (unsigned candidate = order; candidate <= max_order; ++candidate) {
            for (u32 at = heads_[candidate]; at != FreeLinks::none; at = find(Hfn{at})->links.next) {
                Hfn const block{at};
                if (block + (u64{1} << order) > limit) continue;
                if (!best || block > *best) best = block;
            }
        }
        return best;
    }

    void link(Hfn block, unsigned order)
    {
        Frame& record = *find(block);
        record.set_use(FrameUse::Free);
        record.order = static_cast<u8>(order);
        record.heads_block = true;
        record.links = {.next = heads_[order], .previous = FreeLinks::none};
        if (has(order)) find(head(order))->links.previous = static_cast<u32>(block.raw());
        heads_[order] = static_cast<u32>(block.raw());
    }

    void unlink(Hfn block)
    {
        Frame& record = *find(block);
        FreeLinks const links = record.links;
        if (links.previous != FreeLinks::none)
            find(Hfn{links.previous})->links.next = links.next;
        else
            heads_[record.order] = links.next;
        if (links.next != FreeLinks::none) find(Hfn{links.next})->links.previous = links.previous;
        record.heads_block = false;
    }

    /// Cuts an unlinked block down to `order`: keeps the upper part that ends below `limit`, gives back the rest.
    [[nodiscard]] Hfn shrink(Hfn block, unsigned order, Hfn limit)
    {
        Hfn kept = block;
        for (unsigned size = find(block)->order; size > order;) {
            --size;
            u64 const half = u64{1} << size;
            bool const upper_fits = kept + half + (u64{1} << order) <= limit;
            link(upper_fits ? kept : kept + half, size);
            if (upper_fits) kept += half;
        }
        claim(kept, order);
        return kept;
    }

    void carve(Hfn block, Hfn wanted, unsigned order)
    {
        unlink(block);
        for (unsigned size = find(block)->order; size > order;) {
            --size;
            u64 const half = u64{1} << size;
            bool const in_upper = wanted >= block + half;
            link(in_upper ? block : block + half, size);
            if (in_upper) block += half;
        }
        claim(block, order);
    }

    /// The other frames' records still say Free, like inside every free block: mark_taken() is the caller's.
    void claim(Hfn block, unsigned order)
    {
        free_frames -= u64{1} << order;
        Frame& first = *find(block);
        first.set_use(FrameUse::Hypervisor);
        first.order = static_cast<u8>(order);
        first.owner = nullptr;
    }

    std::array<u32, order_count> heads_ = filled();
    static constexpr std::array<u32, order_count> filled()
    {
        std::array<u32, order_count> heads{};
        heads.fill(FreeLinks::none);
        return heads;
    }
};

Guarded<FreeLists, LockRank::FrameAllocator> lists;

/// Of the largest block that starts at `first` and has at most `count` frames.
unsigned order_at(Hfn first, u64 count)
{
    unsigned const alignment = first.raw() == 0 ? max_order : static_cast<unsigned>(std::countr_zero(first.raw()));
    unsigned const fitting = static_cast<unsigned>(std::bit_width(count)) - 1;
    return std::min({alignment, fitting, max_order});
}

/// Cuts any run of frames into naturally aligned blocks, each as large as can be: `visit(first, order)`.
void for_each_block(Hfn first, u64 count, auto visit)
{
    while (count > 0) {
        unsigned const order = order_at(first, count);
        visit(first, order);
        first += u64{1} << order;
        count -= u64{1} << order;
    }
}

}

void mark_taken(Hfn first, u64 count)
{
    for (u64 i = 0; i < count; ++i) find(first + i)->set_use(FrameUse::Hypervisor);
}

Expected<Hfn> allocate_unmarked(unsigned order)
{
    if (order > max_order || !may_allocate()) return failure(Error::OutOfMemory);
    return lists.lock()->take(order, FreeLists::unlimited);
}

Expected<Hfn> allocate(unsigned order)
{
    auto const block = allocate_unmarked(order);
    if (block) mark_taken(*block, u64{1} << order);
    return block;
}

Expected<Hfn> allocate_zeroed(unsigned order)
{
    auto const block = allocate(order);
    if (block) std::memset(arch::reach(*block), 0, page_size << order);
    return block;
}

Expected<Hfn> allocate_below(Hpa limit, unsigned order)
{
    if (order > max_order || !may_allocate()) return failure(Error::OutOfMemory);
    auto const block = lists.lock()->take(order, frame_of(limit));
    if (block) mark_taken(*block, u64{1} << order);
    return block;
}

Expected<> allocate_exactly(Hfn first, unsigned order)
{
    if (order > max_order || (first.raw() & ((u64{1} << order) - 1)) != 0) return failure(Error::Invalid);
    if (!may_allocate()) return failure(Error::OutOfMemory);
    auto const taken = lists.lock()->take_exactly(first, order);
    if (taken) mark_taken(first, u64{1} << order);
    return taken;
}

void free(Hfn first, unsigned order)
{
    for (u64 i = 0; i < u64{1} << order; ++i) {
        Frame* const record = find(first + i);
        // One step, so that of two simultaneous frees the second is noticed, whoever makes it.
        if (!record || record->use.exchange(FrameUse::Free) == FrameUse::Free)
            panic("frame {:x} freed twice or never ours", first + i);
    }
    lists.lock()->give(first, order);
}

void free_run(Hfn first, u64 count)
{
    for_each_block(first, count, [](Hfn block, unsigned order) { free(block, order); });
}

void add(Hfn first, u64 count)
{
    auto held = lists.lock();
    held->total_frames += count;
    for_each_block(first, count, [&](Hfn block, unsigned order) {
        for (u64 i = 0; i < u64{1} << order; ++i) note_present(block + i);
        held->give(block, order);
    });
}

void booting_is_over() { lists.lock()->keep_low_memory = false; }

u64 free_count() { return lists.lock()->free_frames; }
u64 total_count() { return lists.lock()->total_frames; }

}
