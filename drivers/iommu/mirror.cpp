// SPDX-License-Identifier: MIT
/// Maps a run in the largest leaves that fit, and takes back what was mapped if it fails on the way.
#include "drivers/iommu/mirror.hpp"

#include "kernel/mm/page_table.hpp"

namespace hospes::iommu {

namespace {

/// The largest leaf that alignment, length and the units allow.
unsigned leaf_order(u64 where, u64 frame, u64 count, unsigned largest)
{
    for (unsigned order = largest; order > 0; order -= index_bits)
        if (((where | frame) & ((u64{1} << order) - 1)) == 0 && count >= u64{1} << order) return order;
    return 0;
}

}

/// An empty table may be in the way of a large leaf: then smaller ones fill it.
Expected<unsigned> Mirror::map_largest(Gfn where, Hfn frame, u64 count, Access access)
{
    unsigned order = leaf_order(where.raw(), frame.raw(), count, largest_order_);
    for (;; order -= index_bits) {
        auto const mapped = table_->map(where, frame, order, access, MemoryType::WriteBack, MappingType::Ram);
        if (mapped) return order;
        if (mapped.error() == Error::Invalid) return failure(Error::OutOfRange);
        if (mapped.error() != Error::Exists || order == 0) return failure(mapped.error());
    }
}

Expected<> Mirror::map(Gfn where, Hfn frame, unsigned order, bool writable)
{
    Access const access = writable ? read_write : read_only;
    u64 const count = u64{1} << order;
    for (u64 done = 0; done < count;) {
        auto const mapped = map_largest(where + done, frame + done, count - done, access);
        if (!mapped) {
            for (u64 at = 0; at < done;) {
                unsigned const leaf = table_->lookup(where + at).order;
                static_cast<void>(table_->unmap(where + at, leaf));
                at += u64{1} << leaf;
            }
            if (done != 0) static_cast<void>(flush());
            return failure(mapped.error());
        }
        done += u64{1} << *mapped;
    }
    units_.note_added();
    return {};
}

Expected<> Mirror::unmap(Gfn where, unsigned order)
{
    u64 const count = u64{1} << order;
    for (u64 done = 0; done < count;) {
        Mapping const now = table_->lookup(where + done);
        unsigned const piece = std::min(order, now.order);
        if (now.type == MappingType::Ram)
            if (auto const removed = table_->unmap(where + done, piece); !removed) return failure(removed.error());
        done += u64{1} << piece;
    }
    return {};
}

Expected<> Mirror::map_demanded(acpi::DemandedRegion const& region)
{
    for (Hpa page = region.start; page < region.end(); page += page_size) {
        Hfn const frame = frame_of(page);
        auto const mapped =
            table_->map(Gfn{frame.raw()}, frame, 0, read_write, MemoryType::WriteBack, MappingType::Device);
        if (!mapped && mapped.error() != Error::Exists) return mapped;
    }
    return {};
}

}
