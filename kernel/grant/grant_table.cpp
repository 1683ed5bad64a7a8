// SPDX-License-Identifier: MIT
/// The granter's side: the table and the uses of its entries.
#include "kernel/grant/grant_table.hpp"

#include <algorithm>
#include <utility>

#include "kernel/arch/memory.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/mm/charged.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes {

namespace {

/// Whatever the toolstack asks for: growing to the end is one piece of work.
constexpr u32 longest_table = 4096;

}

GrantTable::~GrantTable() = default;

namespace {

u32 frame_limit_of(DomainConfiguration const& configuration)
{
    return configuration.grants_allowed ? std::min(configuration.max_grant_frames, longest_table) : 0;
}

}

/// How the ABI counts: 8 bytes for each handle.
u32 GrantTable::handle_limit_of(DomainConfiguration const& configuration)
{
    constexpr u32 handles_per_frame = page_size / 8;
    constexpr u32 most_frames = 65536;
    return std::min(configuration.max_maptrack_frames, most_frames) * handles_per_frame;
}

u32 GrantTable::frame_limit() const { return frame_limit_of(domain_.configuration()); }

u64 GrantTable::most_overhead(DomainConfiguration const& configuration)
{
    u32 const frames = frame_limit_of(configuration);
    u64 const table = frames_of_array<TableFrame>(frames) + frames * (1 + pages_for(sizeof(Uses)));
    return table + Maptrack::most_overhead(handle_limit_of(configuration));
}

Expected<> GrantTable::add_frame(Table& table)
{
    if (!table.frames) {
        auto frames = make_charged_array<TableFrame>(domain_.quota, frame_limit());
        if (!frames) return failure(frames.error());
        table.frames = std::move(*frames);
    }
    auto charge = Charge::take(domain_.quota, AccountKind::Overhead, 1);
    if (!charge) return failure(charge.error());
    auto const frame = frames::allocate_zeroed();
    if (!frame) return failure(frame.error());
    // Last: it is charged for good.
    auto uses = make_charged<Uses>(domain_.quota);
    if (!uses) {
        frames::free(*frame);
        return failure(uses.error());
    }
    frames::give_to(domain_, *frame, 0, *charge);
    table.frames[table.count++] = {*frame, arch::reach_as<SharedGrantEntry>(address_of(*frame)), std::move(*uses)};
    return {};
}

Expected<> GrantTable::grow(u32 frames, Budget& budget)
{
    if (frames > frame_limit()) return failure(Error::Invalid);
    for (;;) {
        {
            auto table = table_.lock();
            if (table->closed) return failure(Error::Invalid);
            if (table->count >= frames) return {};
            if (auto const added = add_frame(*table); !added) return added;
            if (table->count >= frames) return {};
        }
        if (budget.is_spent()) return failure(Error::Restart);
    }
}

Expected<FrameReference> GrantTable::shared_frame(u32 index, Budget& budget)
{
    if (index >= frame_limit()) return failure(Error::Invalid);
    if (auto const grown = grow(index + 1, budget); !grown) return failure(grown.error());
    auto table = table_.lock();
    if (index >= table->count) return failure(Error::Invalid); // given up in between
    auto reference = FrameReference::to(table->frames[index].frame);
    if (!reference) return failure(Error::Invalid);
    return std::move(*reference);
}

bool GrantTable::release_shared_frames(Budget& budget)
{
    for (;;) {
        TableFrame last;
        {
            auto table = table_.lock();
            table->closed = true;
            if (table->count == 0) return table->frames.reset(), true;
            last = std::move(table->frames[--table->count]);
        }
        frames::drop_references(last.frame);
        last.uses.reset();
        if (budget.is_spent()) return false;
    }
}

// --- entries ---

std::optional<GrantTable::Entry> GrantTable::entry(Table& table, xen::GrantReference reference)
{
    u32 const index = reference / grant_entries_per_frame;
    if (index >= table.count) return std::nullopt;
    TableFrame& frame = table.frames[index];
    u32 const slot = reference % grant_entries_per_frame;
    return Entry{frame.entries[slot], (*frame.uses)[slot]};
}

Granted<Gfn> GrantTable::begin_use(xen::GrantReference reference, xen::DomainId user, bool for_writing)
{
    auto table = table_.lock();
    auto const found = entry(*table, reference);
    if (!found) return refuse(xen::GrantStatus::BadReference);
    return found->use.begin(found->shared, user, for_writing);
}

void GrantTable::end_use(xen::GrantReference reference, bool for_writing)
{
    auto table = table_.lock();
    // Without an entry, the table went with its domain, counts and all.
    if (auto const found = entry(*table, reference)) found->use.end(found->shared, for_writing);
}

xen::GrantStatus GrantTable::swap(xen::GrantReference a, xen::GrantReference b)
{
    auto table = table_.lock();
    auto const first = entry(*table, a);
    auto const second = entry(*table, b);
    if (!first || !second) return xen::GrantStatus::BadReference;
    if (first->use.in_use() || second->use.in_use()) return xen::GrantStatus::GeneralError;
    auto const move_word = [](u32& to, u32& from) {
        u32 const moved = std::atomic_ref{from}.load(std::memory_order_relaxed);
        std::atomic_ref{from}.store(std::atomic_ref{to}.exchange(moved, std::memory_order_relaxed),
                                    std::memory_order_release);
    };
    move_word(first->shared.frame, second->shared.frame);
    move_word(first->shared.head, second->shared.head);
    return xen::GrantStatus::Okay;
}

// --- a use as an object ---

Granted<GrantedPage> GrantedPage::open(Domain& granter, xen::GrantReference reference, Domain const& user,
                                       bool for_writing)
{
    auto const where = granter.grants.begin_use(reference, user.id(), for_writing);
    if (!where) return refuse(where.error());
    GrantedPage page{granter, reference, for_writing};
    auto frame = granter.physmap.reference_own(*where);
    if (!frame) return refuse(xen::GrantStatus::BadPage);
    page.frame_.emplace(std::move(*frame).take());
    return page;
}

GrantedPage::~GrantedPage()
{
    frame_.reset();
    if (granter_) granter_->grants.end_use(reference_, for_writing_);
}

}
