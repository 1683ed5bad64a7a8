// SPDX-License-Identifier: MIT
/// One record for each frame of host memory: what it is used for, who owns it, how many hold it.
///
///                 allocate()                   give_to(domain)                 last reference dropped
///      Free  ──────────────────▶  Hypervisor ───────────────────▶  Domain  ──────────────────────────▶ Free
///
/// A frame of a domain is held by every mapping of it in any second stage or IOMMU table, and by every
/// short-lived access (FrameReference). The count never rises from zero: a frame on its way out stays out.
/// What gives a frame back to its owner's accounts knows domains: kernel/domain/frame_table.cpp.
#pragma once

#include <atomic>
#include <optional>
#include <utility>

#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/mm/quota.hpp"

namespace hospes {

class Domain;

enum class FrameUse : u8 {
    Absent,     ///< no RAM here, or RAM that the firmware keeps
    Free,       ///< in the allocator
    Hypervisor, ///< ours: heap, tables, image
    Domain,     ///< belongs to `owner`, counted
};

/// Neighbours on a free list, by frame number; no_frame at the ends.
struct FreeLinks {
    static constexpr u32 none = ~u32{0};
    u32 next = none;
    u32 previous = none;
};

struct Frame {
    std::atomic<u32> references{0};
    std::atomic<FrameUse> use{FrameUse::Absent};
    u8 order = 0;                           ///< Free, Hypervisor: size of the block that starts here
    bool heads_block = false;               ///< Free: this record is on a free list; under the allocator's lock
    AccountKind account = AccountKind::Ram; ///< Domain: what its owner is charged for it
    [[nodiscard]] bool is(FrameUse which) const { return use.load(std::memory_order_relaxed) == which; }
    void set_use(FrameUse which) { use.store(which, std::memory_order_relaxed); }

    union {
        Domain* owner = nullptr; ///< Domain: whose it is
        u64 heap_frames;         ///< Hypervisor: size of the heap's object that starts here
        FreeLinks links;         ///< Free
    };
};
static_assert(sizeof(Frame) == 16);

namespace frames {

/// The record of `frame`, or null where the host has no RAM.
[[nodiscard]] Frame* find(Hfn frame);
/// The owner of a counted frame; null for any other.
[[nodiscard]] Domain* owner_of(Hfn frame);
/// Is it `domain`'s RAM, not a page that the hypervisor shares with it? The caller holds a reference on it.
[[nodiscard]] bool is_ram_of(Domain const& domain, Hfn frame);

/// 2^order frames, as allocate_unmarked() gives them, for the guest frame `where` of `owner` and those behind it.
/// dom0's memory is identity-mapped, so that devices reach it: it gets the very frames back that it gave up, when
/// nobody else has them by now (design.md D6).
[[nodiscard]] Expected<Hfn> allocate_for(Domain const& owner, Gfn where, unsigned order);
/// Makes 2^order frames from allocate() the property of `owner`, each with one reference, which the caller then
/// holds (and normally hands to the physmap). Keeps `owner` alive until the last of them is free, and charged: they
/// settle 2^order frames of `charge`, which is `owner`'s.
void give_to(Domain& owner, Hfn first, unsigned order, Charge& charge);

/// Drops one reference on each of 2^order frames of one domain, which the caller holds.
void drop_references(Hfn first, unsigned order = 0);

/// Builds the table for memory up to `end` in `storage` (table_bytes(end) bytes, zeroed by this call). While booting
/// only.
[[nodiscard]] constexpr u64 table_bytes(Hfn end) { return end.raw() * sizeof(Frame); }
void adopt_table(void* storage, Hfn end);
/// RAM lies at `frame`: its record becomes usable, as Hypervisor. While booting only.
void note_present(Hfn frame);

}

/// Holds one reference on a domain's frame. Move-only; the last one gives the frame back to the allocator.
class [[nodiscard]] FrameReference {
public:
    /// A new reference, if `frame` belongs to a domain and is not on its way out.
    [[nodiscard]] static std::optional<FrameReference> to(Hfn frame);
    /// Takes over a reference that somebody already holds.
    [[nodiscard]] static FrameReference adopt(Hfn frame) { return FrameReference{frame}; }

    FrameReference(FrameReference&& other) noexcept : frame_{other.frame_}, held_{std::exchange(other.held_, false)} {}
    FrameReference& operator=(FrameReference&& other) noexcept
    {
        if (this != &other) {
            drop();
            frame_ = other.frame_;
            held_ = std::exchange(other.held_, false);
        }
        return *this;
    }
    ~FrameReference() { drop(); }

    [[nodiscard]] Hfn frame() const { return frame_; }
    [[nodiscard]] Domain* owner() const { return frames::owner_of(frame_); }
    /// Another reference to the same frame.
    [[nodiscard]] FrameReference share() const;
    /// Passes the reference to the caller's care (a page-table entry, for instance).
    [[nodiscard]] Hfn give_up()
    {
        held_ = false;
        return frame_;
    }

private:
    explicit FrameReference(Hfn frame) : frame_{frame} {}
    void drop();

    Hfn frame_;
    bool held_ = true;
};

}
