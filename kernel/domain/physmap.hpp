// SPDX-License-Identifier: MIT
/// A domain's guest-physical memory: which guest frame is backed by which host frame, and why.
///
/// Every counted mapping holds one reference on its frame. Removing one follows a fixed order that cannot be
/// changed by a caller: unmap, flush every CPU that could remember the translation, release (security.md: XSA-328,
/// 346, 292). The order is kept by `Retired`, which owns the removed references until it has flushed.
#pragma once

#include <array>

#include "drivers/iommu/iommu.hpp"
#include "kernel/mm/frame_table.hpp"
#include "kernel/mm/second_stage.hpp"
#include "kernel/sync/spinlock.hpp"

namespace hospes {

class Domain;
class Physmap;
struct LeafAttributes;
struct MappedRun;

/// Mappings that were taken out and whose frames wait for the flush. Flushes and releases when destroyed, or earlier
/// when full; never with LockRank::Physmap held.
class [[nodiscard]] Retired {
public:
    explicit Retired(Domain& domain) : domain_{domain} {}
    Retired(Retired const&) = delete;
    Retired& operator=(Retired const&) = delete;
    ~Retired() { finish(); }

    /// Flushes CPUs and IOMMUs, then drops the references. False if an IOMMU does not answer: then they are kept for
    /// ever, for a device may still reach the frames.
    bool finish();

private:
    friend class Physmap;
    struct Block {
        Hfn first{};
        u8 order = 0;
        bool counted = false;
    };
    static constexpr size_t capacity = 64;
    static constexpr u64 most_frames = 512; ///< that finish() releases in one go, and one block more
    [[nodiscard]] bool full() const { return count_ == capacity || frames_ >= most_frames; }
    void add(Mapping const& mapping, unsigned order);
    /// What is to be flushed; whoever took it out drops the references himself.
    void add_without_references(Mapping const& mapping);

    Domain& domain_;
    std::array<Block, capacity> blocks_{};
    size_t count_ = 0;
    u64 frames_ = 0; ///< in the blocks
    bool must_flush_ = false;
    bool must_flush_devices_ = false;
};

/// A reference on a page of a domain's own memory, writable in its own map: what may be granted, mapped foreign, or
/// used by the hypervisor for longer than one call. Only Physmap makes one; what a domain merely has mapped (a grant)
/// never becomes one, because its owner may take it back at any time.
class [[nodiscard]] OwnRam {
public:
    [[nodiscard]] Hfn frame() const { return reference_.frame(); }
    /// The reference without the knowledge.
    [[nodiscard]] FrameReference take() && { return std::move(reference_); }

private:
    friend class Physmap;
    explicit OwnRam(FrameReference reference) : reference_{std::move(reference)} {}
    FrameReference reference_;
};

/// What is added is mapped with references that the map then holds. On an error nothing is mapped (replace() may have
/// taken out what was there), and they stay with the caller: a FrameReference drops its own, and whoever has many
/// (LargeExtents) gives them back within his budget.
class Physmap {
public:
    explicit Physmap(Domain& domain) : domain_{domain} {}
    ~Physmap();
    /// OutOfMemory if no root table could be had.
    [[nodiscard]] Expected<> initialize();

    /// Maps 2^order frames of the domain's own, each with one reference (frames::give_to). Any order; the largest
    /// leaves that alignment allows are used. Errors: Exists, OutOfMemory; Invalid beyond the addresses
    /// that the tables reach, or once the map is being torn down.
    /// Takes LockRank::Physmap.
    [[nodiscard]] Expected<> add_ram(Gfn where, Hfn first, unsigned order);
    /// Maps one frame that somebody else owns, or a special page. Errors of add_ram().
    [[nodiscard]] Expected<> add(Gfn where, FrameReference&& frame, MappingType type);
    /// Maps device registers or firmware memory, `count` frames, identity or not; nobody counts them.
    /// Errors of add_ram().
    [[nodiscard]] Expected<> add_device(Gfn where, Hfn first, u64 count, MemoryType memory,
                                        Access access = read_write_execute);
    /// Removes 2^order guest frames' mappings into `retired`, if they are of `expected` types. Returns what was there;
    /// None is no error. Errors: Invalid, what is there is of another type, or smaller leaves map some of it, and
    /// stays; OutOfMemory for a split. Whoever may take out one type of mapping names that type; a grant mapping goes
    /// by its handle only (UnmapBatch).
    [[nodiscard]] Expected<Mapping> remove(Gfn where, unsigned order, MappingTypes expected, Retired& retired);
    /// Maps one frame like add(), in the place of what is there, which must be of `replaced` types or nothing: Invalid.
    /// One step: no other change comes in between.
    [[nodiscard]] Expected<> replace(Gfn where, FrameReference&& frame, MappingType type, MappingTypes replaced,
                                     Retired& retired);
    /// Removes one mapping if it is still `expected_frame` with `expected_type`; NotFound otherwise.
    [[nodiscard]] Expected<> remove_exactly(Gfn where, Hfn expected_frame, MappingType expected_type, Retired& retired);

    /// What is there now; may be gone the next moment. Lock-free.
    [[nodiscard]] Mapping lookup(Gfn where) const { return stage_->lookup(where); }
    /// A reference on the frame behind `where`, if it is of a counted type. `for_writing` refuses read-only mappings.
    /// Lock-free. Errors: BadAddress if nothing suitable is mapped.
    [[nodiscard]] Expected<FrameReference> reference(Gfn where, bool for_writing) const;
    /// The same, and only if it is the domain's own RAM. Invalid.
    [[nodiscard]] Expected<OwnRam> reference_own(Gfn where) const;

    /// Takes everything out until the budget is spent; true when nothing is left. From the first call on nothing can be
    /// added. The domain's vCPUs must be stopped for good.
    [[nodiscard]] bool tear_down(Budget& budget);
    /// Frees the tables; true when none is left. Nobody may know the domain any more.
    [[nodiscard]] bool free_tables(Budget& budget) { return !stage_ || stage_->free_tables(budget); }

    /// From now on the domain's devices reach what is mapped as RAM, by grant or from other domains, and the same
    /// changes reach `devices`. Errors of DmaSpace::map().
    [[nodiscard]] Expected<> attach(iommu::DmaSpace& devices);

    [[nodiscard]] SecondStage& stage() { return *stage_; }
    [[nodiscard]] SecondStage const& stage() const { return *stage_; }

private:
    friend class Retired;
    [[nodiscard]] Expected<> map(MappedRun const& run, LeafAttributes const& leaf);
    void close();
    [[nodiscard]] Expected<> map_one(Gfn where, FrameReference&& frame, MappingType type);
    [[nodiscard]] Expected<Mapping> retire(Gfn where, unsigned order, MappingTypes expected, Retired& retired);
    [[nodiscard]] bool tear_down_large(Gfn where, Mapping const& mapping);
    [[nodiscard]] bool drop_rest(Budget& budget);
    [[nodiscard]] Expected<> show_to_devices(Gfn where, Mapping const& mapping, unsigned order);
    [[nodiscard]] Expected<Mapping> unmap(Gfn where, unsigned order);

    Domain& domain_;
    Spinlock<LockRank::Physmap> lock_;
    std::unique_ptr<SecondStage> stage_;
    iommu::DmaSpace* devices_ = nullptr; ///< none: they reach everything, or there are none
    Gfn tear_down_position_{};
    Hfn rest_{}; ///< tear_down() took a large leaf out: these frames still have its references
    u64 rest_frames_ = 0;
    bool is_closed_ = false; ///< under lock_
};

}
