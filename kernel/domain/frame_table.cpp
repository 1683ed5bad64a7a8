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

Expected<Hfn> frames::allocate_for(Domain const& owner, Gfn where, unsigned order)
{
    Hfn const same{where.raw()};
    if (owner.is_control_domain() && allocate_exactly(same, order)) return same;
    return allocate_unmarked(order);
}

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

/// Frames that nobody holds any more go back together; with the last one their owner may go.
void give_back(Domain& owner, Account& account, Hfn first, u64 count)
{
    if (count == 0) return;
    frames::free_run(first, count);
    account.refund(count);
    owner.release(count);
}

}

void frames::drop_references(Hfn first, unsigned order)
{
    Domain& owner = *table[first.raw()].owner;
    Account& account = owner.quota.account(table[first.raw()].account);
    u64 ended = 0; // that many frames before this one
    Hfn const end = first + (u64{1} << order);
    for (Hfn frame = first; frame < end; frame += 1) {
        if (drop_one(table[frame.raw()])) {
            ++ended;
        } else {
            give_back(owner, account, Hfn{frame.raw() - ended}, ended);
            ended = 0;
        }
    }
    give_back(owner, account, Hfn{end.raw() - ended}, ended);
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
