// SPDX-License-Identifier: MIT
/// The physmap's changes, as the devices' table and the units that read it want them.
#include "drivers/iommu/mirror.hpp"

#include "kernel/mm/map_run.hpp"

namespace hospes::iommu {

Expected<> Mirror::map(Gfn where, Hfn frame, unsigned order, bool writable)
{
    LeafAttributes const leaf{writable ? read_write : read_only, MemoryType::WriteBack, MappingType::Ram};
    bool is_taken_back = true;
    auto const mapped =
        map_run(*table_, {where, frame, u64{1} << order}, leaf, largest_order_, [&] { is_taken_back = flush(); });
    // With an error, the caller would give the frames to somebody else, and a stopped unit may remember them.
    if (!is_taken_back) return {};
    if (!mapped) return failure(mapped.error() == Error::Invalid ? Error::OutOfRange : mapped.error());
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
