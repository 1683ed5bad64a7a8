// SPDX-License-Identifier: MIT
/// A domain's grant table (version 1) and what it has mapped of others'.
///
/// A use of a grant (a mapping, or one copy) is three things that begin and end in this order:
///
///     begin: bits in the granter's entry ─▶ reference on the frame ─▶ entry in the mapper's physmap, handle
///     end:   physmap entry out ─▶ flush ─▶ reference dropped ─▶ bits cleared, handle free
///
/// so the guest that sees the bits clear knows that nobody can reach its page any more. A mapping also holds the
/// granter's Domain: unmapping works while the granter is being destroyed, and after.
/// Locks: the granter's table lock, only while an entry's bits and counts change; never two, never with guest memory.
#pragma once

#include <memory>

#include "kernel/grant/entry.hpp"
#include "kernel/grant/maptrack.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/mm/frame_table.hpp"
#include "kernel/sync/guarded.hpp"
#include "kernel/time/budget.hpp"

namespace hospes {

class Domain;
struct DomainConfiguration;

struct MappedGrant {
    xen::GrantHandle handle;
    Hfn frame;
};

/// What can be told of a mapping, to be shown.
struct ShownMapping {
    xen::GrantHandle handle;
    xen::GrantReference reference;
    xen::DomainId granter;
    Gfn where;
    bool writable;
};

class GrantTable {
public:
    explicit GrantTable(Domain& domain) : domain_{domain} {}
    /// What a domain's table and its record of mappings can grow to, in frames.
    [[nodiscard]] static u64 most_overhead(DomainConfiguration const& configuration);
    ~GrantTable();

    // --- the table's own frames ---

    /// A reference on the table's own frame `index`, growing the table up to the domain's limit if needed.
    /// Invalid above the limit, or once the domain is being destroyed; OutOfMemory; Restart.
    [[nodiscard]] Expected<FrameReference> shared_frame(u32 index, Budget& budget);
    /// Makes the table at least `frames` long. Errors of shared_frame(); Restart when the budget is
    /// spent.
    [[nodiscard]] Expected<> grow(u32 frames, Budget& budget);
    [[nodiscard]] u32 frame_count() { return table_.lock()->count; }
    /// How long the table may get; 0 for a domain that may not grant.
    [[nodiscard]] u32 frame_limit() const;

    // --- as granter ---

    /// Begins a use by `user` and tells which frame it is about. BadReference, GeneralError.
    [[nodiscard]] Granted<Gfn> begin_use(xen::GrantReference reference, xen::DomainId user, bool for_writing);
    void end_use(xen::GrantReference reference, bool for_writing);
    /// Exchanges two entries that nobody uses. BadReference, GeneralError.
    [[nodiscard]] xen::GrantStatus swap(xen::GrantReference a, xen::GrantReference b);

    // --- as mapper; unmapping is UnmapBatch's ---

    /// Maps a page that `granter`, which the caller holds, has granted us.
    [[nodiscard]] Granted<MappedGrant> map(Domain& granter, xen::GrantReference reference, bool writable, Gfn where);

    [[nodiscard]] u32 mapped_count() { return maptrack_.lock()->mapped(); }
    /// The mapping before which there are `before` others, as long as its handle is one of the first thousand.
    [[nodiscard]] std::optional<ShownMapping> mapping(u32 before);

    // --- the end; the vCPUs are stopped; true when all is done ---

    /// Drops the mappings this domain still has of others' frames, and the record of them.
    [[nodiscard]] bool release_mappings(Budget& budget);
    /// Gives up the table's own frames.
    [[nodiscard]] bool release_shared_frames(Budget& budget);

private:
    friend class UnmapBatch;

    using Uses = std::array<GrantUse, grant_entries_per_frame>;
    struct TableFrame {
        Hfn frame{};
        SharedGrantEntry* entries = nullptr;
        std::unique_ptr<Uses> uses;
    };
    struct Table {
        std::unique_ptr<TableFrame[]> frames; ///< room for frame_limit()
        u32 count = 0;
        bool closed = false; ///< the frames have been given up
    };
    struct Entry {
        SharedGrantEntry& shared;
        GrantUse& use;
    };

    [[nodiscard]] static std::optional<Entry> entry(Table& table, xen::GrantReference reference);
    [[nodiscard]] Expected<> add_frame(Table& table);
    [[nodiscard]] static u32 handle_limit_of(DomainConfiguration const& configuration);

    Domain& domain_;
    Guarded<Table, LockRank::GrantTable> table_;
    Guarded<Maptrack, LockRank::GrantMaptrack> maptrack_;
    u32 released_ = 0; ///< handles that release_mappings() has been through
};

/// One use of a grant, for a scope or until it becomes a mapping's. The caller holds the granter.
class [[nodiscard]] GrantedPage {
public:
    /// BadReference, GeneralError, BadPage.
    [[nodiscard]] static Granted<GrantedPage> open(Domain& granter, xen::GrantReference reference, Domain const& user,
                                                   bool for_writing);
    GrantedPage(GrantedPage&& other) noexcept
        : granter_{std::exchange(other.granter_, nullptr)},
          reference_{other.reference_},
          for_writing_{other.for_writing_},
          frame_{std::move(other.frame_)}
    {}
    GrantedPage& operator=(GrantedPage&&) = delete;
    ~GrantedPage();

    [[nodiscard]] Hfn frame() const { return frame_->frame(); }
    /// The frame's reference; the use goes on.
    [[nodiscard]] FrameReference take_frame() { return std::move(*frame_); }
    /// Somebody else ends the use.
    void leave_in_use() { granter_ = nullptr; }

private:
    GrantedPage(Domain& granter, xen::GrantReference reference, bool for_writing)
        : granter_{&granter}, reference_{reference}, for_writing_{for_writing}
    {}

    Domain* granter_;
    xen::GrantReference reference_;
    bool for_writing_;
    std::optional<FrameReference> frame_;
};

}
