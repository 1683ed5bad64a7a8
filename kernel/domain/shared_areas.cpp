// SPDX-License-Identifier: MIT
/// Finding, exchanging and writing the records that a vCPU shares with its guest.
#include "kernel/domain/shared_areas.hpp"

#include <algorithm>
#include <utility>

#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/guest_presence.hpp"
#include "kernel/lib/shared_memory.hpp"

namespace hospes {

namespace {

Expected<OwnRam> pin_page(Vcpu& caller, Gva address)
{
    auto const physical = arch::translate(GuestLook{caller}, address, {.write = true});
    if (!physical) return failure(physical.error());
    return caller.domain().physmap.reference_own(frame_of(*physical));
}

}

Expected<GuestArea> GuestArea::pin(Vcpu& caller, Gva where, u64 bytes)
{
    auto first = pin_page(caller, where);
    if (!first) return failure(first.error());
    GuestArea area{static_cast<u32>(offset_in_page(where)), std::move(*first)};
    if (area.offset_ + bytes <= page_size) return area;
    auto second = pin_page(caller, where + bytes - 1);
    if (!second) return failure(second.error());
    area.pages_[1].emplace(std::move(*second));
    return area;
}

/// A word of a record goes out at once where it is aligned.
void GuestArea::write(u64 at, std::span<u8 const> bytes) const
{
    u64 position = offset_ + at;
    while (!bytes.empty()) {
        auto const& page = pages_[position >> page_shift];
        if (!page) return;
        u64 const inside = position & page_mask;
        size_t const length = std::min<size_t>(bytes.size(), page_size - inside);
        store_shared(arch::reach_as<u8>(address_of(page->frame())) + inside, bytes.first(length));
        bytes = bytes.subspan(length);
        position += length;
    }
}

namespace {

template <typename T>
std::optional<T> exchange(std::optional<T>& place, std::optional<T>&& fresh)
{
    std::optional<T> old = std::move(place);
    place.reset();
    if (fresh) place.emplace(std::move(*fresh));
    return old;
}

}

std::optional<GuestArea> SharedAreas::exchange_run_state(std::optional<GuestArea> area)
{
    return exchange(run_state_, std::move(area));
}

std::optional<GuestArea> SharedAreas::exchange_time(std::optional<GuestArea> area)
{
    return exchange(time_, std::move(area));
}

std::optional<OwnRam> SharedAreas::exchange_info_page(std::optional<OwnRam> page)
{
    return exchange(info_page_, std::move(page));
}

void SharedAreas::write_run_state(u64 at, std::span<u8 const> bytes) const
{
    if (run_state_) run_state_->write(at, bytes);
}

void SharedAreas::write_time(u64 at, std::span<u8 const> bytes) const
{
    if (time_) time_->write(at, bytes);
}

}
