// SPDX-License-Identifier: MIT
/// Changes of a frame's owner and of the number of its holders.
#include "kernel/mm/frame_table.hpp"

#include <memory>
#include <span>

#include "kernel/domain/domain.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes {

namespace {

std::span<Frame> table;

}

Frame* frames::find(Hfn frame)
{
    if (frame.raw() >= table.size()) return nullptr;
    Frame& record = table[frame.raw()];
    return record.is(FrameUse::Absent) ? nullptr : &record;
}

Domain* frames::owner_of(Hfn frame)
{
    Frame const* const record = find(frame);
    return record && record->is(FrameUse::Domain) ? record->owner : nullptr;
}

bool frames::is_ram_of(Domain const& domain, Hfn frame)
{
    return owner_of(frame) == &domain && find(frame)->account == AccountKind::Ram;
}

void frames::adopt_table(void* storage, Hfn end)
{
    auto* const records = static_cast<Frame*>(storage);
    std::uninitialized_default_construct_n(records, end.raw());
    table = {records, end.raw()};
}

void frames::note_present(Hfn frame) { table[frame.raw()].set_use(FrameUse::Hypervisor); }

Hfn frames::end_of_memory() { return Hfn{table.size()}; }

void frames::give_to(Domain& owner, Hfn first, unsigned order, Charge& charge)
{
    u64 const count = u64{1} << order;
    owner.hold(count);
    charge.settle(count);
    for (Frame& record : table.subspan(first.raw(), count)) {
        record.account = charge.kind();
        record.set_use(FrameUse::Domain);
        record.order = 0;
        record.owner = &owner;
        record.references.store(1, std::memory_order_release);
    }
}

namespace {

/// True if this was the last reference: the frame is nobody's now.
bool drop_one(Frame& record) { return record.references.fetch_sub(1, std::memory_order_acq_rel) == 1; }

}

void frames::drop_references(Hfn first, unsigned order)
{
    u64 const count = u64{1} << order;
    for (u64 i = 0; i < count; ++i) {
        Frame& record = table[first.raw() + i];
        if (!drop_one(record)) continue;
        Domain& owner = *record.owner;
        AccountKind const account = record.account;
        frames::free(first + i);
        owner.quota.account(account).refund(1);
        owner.release();
    }
}

std::optional<FrameReference> FrameReference::to(Hfn frame)
{
    Frame* const record = frames::find(frame);
    if (!record) return std::nullopt;
    u32 count = record->references.load(std::memory_order_relaxed);
    do {
        // Zero: free, or on its way out. The top values are kept unreachable so that the count cannot wrap.
        if (count == 0 || count >= 0xffff'0000) return std::nullopt;
    } while (!record->references.compare_exchange_weak(count, count + 1, std::memory_order_acquire));
    return FrameReference{frame};
}

FrameReference FrameReference::share() const
{
    frames::find(frame_)->references.fetch_add(1, std::memory_order_relaxed);
    return FrameReference{frame_};
}

void FrameReference::drop()
{
    if (std::exchange(held_, false)) frames::drop_references(frame_);
}

}
