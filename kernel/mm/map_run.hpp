// SPDX-License-Identifier: MIT
/// Neighbouring frames into a page table, in the largest leaves that fit; all of them or none. For whoever changes the
/// table, under the same lock as all other changes.
#pragma once

#include "kernel/lib/function_ref.hpp"
#include "kernel/mm/page_table.hpp"

namespace hospes {

/// `count` guest frames from `where` on, backed by the host frames from `first` on.
struct MappedRun {
    Gfn where;
    Hfn first;
    u64 count;
};

/// What all leaves of a run say.
struct LeafAttributes {
    Access access;
    MemoryType memory;
    MappingType type;
};

/// The largest order of a leaf, up to `largest`, that the alignment and the length of `run` allow.
[[nodiscard]] constexpr unsigned leaf_order(MappedRun const& run, unsigned largest)
{
    for (unsigned order = largest; order > 0; order -= index_bits)
        if (((run.where.raw() | run.first.raw()) & ((u64{1} << order) - 1)) == 0 && run.count >= u64{1} << order)
            return order;
    return 0;
}

/// The first frames of `run`, by the largest leaf possible, or by as many of the smallest as lie in one table: how many
/// frames. An empty table may be in the way of a large leaf (its mappings were removed one by one): then smaller ones
/// fill that table. Errors of SecondStage::map().
[[nodiscard]] inline Expected<u64> map_some(SecondStage& stage, MappedRun const& run, LeafAttributes const& leaf,
                                            unsigned largest)
{
    for (unsigned order = leaf_order(run, largest); order > 0; order -= index_bits) {
        auto const mapped = stage.map(run.where, run.first, order, leaf.access, leaf.memory, leaf.type);
        if (mapped) return u64{1} << order;
        if (mapped.error() != Error::Exists) return failure(mapped.error());
    }
    return stage.map_pages(run.where, run.first, run.count, leaf.access, leaf.memory, leaf.type);
}

/// Takes out what map_run() put in; nothing is split, so no step can fail. Whoever calls it flushes.
inline void unmap_run(SecondStage& stage, Gfn where, u64 count)
{
    for (u64 at = 0; at < count;) {
        auto const removed = stage.unmap(where + at, stage.lookup(where + at).order);
        at += removed ? u64{1} << removed->order : 1;
    }
}

/// Maps all of `run`, by leaves of order `largest` (0, 9 or 18) or smaller, or nothing. If something was mapped and is
/// taken back, `flush` is called before it returns: a CPU or a device may have seen it. Errors of SecondStage::map().
[[nodiscard]] inline Expected<> map_run(SecondStage& stage, MappedRun const& run, LeafAttributes const& leaf,
                                        unsigned largest, FunctionRef<void()> flush)
{
    for (u64 done = 0; done < run.count;) {
        auto const some = map_some(stage, {run.where + done, run.first + done, run.count - done}, leaf, largest);
        if (!some) {
            unmap_run(stage, run.where, done);
            if (done != 0) flush();
            return failure(some.error());
        }
        done += *some;
    }
    return {};
}

}
