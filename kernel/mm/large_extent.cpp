// SPDX-License-Identifier: MIT
#include "kernel/mm/large_extent.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel/arch/memory.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes {

LargeExtent::~LargeExtent()
{
    if (work_) frames::free(work_->first, work_->order);
}

Expected<Hfn> LargeExtent::prepare(Gfn where, unsigned order)
{
    if (!work_) {
        auto const block = frames::allocate(order);
        if (!block) return block;
        work_ = {.where = where, .order = order, .first = *block};
    }
    if (work_->where != where || work_->order != order) return failure(Error::Busy);
    u64 const slice = std::min(frames_per_slice, (u64{1} << order) - work_->zeroed);
    std::memset(arch::reach(work_->first + work_->zeroed), 0, slice << page_shift);
    work_->zeroed += slice;
    if (work_->zeroed < u64{1} << order) return failure(Error::Restart);
    return std::exchange(work_, std::nullopt)->first;
}

}
