// SPDX-License-Identifier: MIT
/// Zeroes an extent one slice at a time.
#include "kernel/mm/large_extent.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel/arch/memory.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes {

LargeExtent::~LargeExtent()
{
    if (work_) frames::free(work_->frames.first, work_->order);
}

Expected<LargeExtent::Charged> LargeExtent::prepare(Quota& quota, Gfn where, unsigned order)
{
    if (!work_) {
        auto charge = Charge::take(quota, AccountKind::Ram, u64{1} << order);
        if (!charge) return failure(charge.error());
        auto const block = frames::allocate(order);
        if (!block) return failure(block.error());
        work_.emplace(where, order, Charged{*block, std::move(*charge)});
    }
    if (work_->where != where || work_->order != order) return failure(Error::Busy);
    u64 const slice = std::min(frames_per_slice, (u64{1} << order) - work_->zeroed);
    std::memset(arch::reach(work_->frames.first + work_->zeroed), 0, slice << page_shift);
    work_->zeroed += slice;
    if (work_->zeroed < u64{1} << order) return failure(Error::Restart);
    Charged done = std::move(work_->frames);
    work_.reset();
    return done;
}

}
