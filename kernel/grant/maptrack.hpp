// SPDX-License-Identifier: MIT
/// What a domain has mapped of others' memory: from the handle it was given to everything needed to undo the mapping.
///
///     Free ──take──▶ Reserved ──record──▶ Mapped ──claim──▶ Reserved ──give_back──▶ Free
///
/// Only the holder of a Reserved handle may act on it: of two unmaps of one handle, one fails.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "kernel/abi/xen/grant_table.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/mm/charged.hpp"

namespace hospes {

class Domain;

enum class MappingState : u8 { Free, Reserved, Mapped };

struct GrantMapping {
    Domain* granter = nullptr; ///< held
    Gfn where{};               ///< in the mapper's memory
    Hfn frame{};
    xen::GrantReference reference = 0; ///< of the granter's table; Free: the next free handle
    bool writable = false;
    MappingState state = MappingState::Free;
};
static_assert(sizeof(GrantMapping) == 32);

class Maptrack {
public:
    /// What `limit` handles need, in frames.
    [[nodiscard]] static constexpr u64 most_overhead(u32 limit)
    {
        u64 const pages = limit / slots_per_page;
        return frames_of_array<std::unique_ptr<Page>>(pages) + pages;
    }
    /// A Reserved handle; the pages that hold them are charged to `quota`. NoSpace when `limit` handles are out,
    /// OutOfMemory.
    [[nodiscard]] Expected<xen::GrantHandle> take(u32 limit, Quota& quota)
    {
        if (first_free_ == no_handle)
            if (auto const made = issue(limit, quota); !made) return made;
        xen::GrantHandle const handle = first_free_;
        GrantMapping& slot = at(handle);
        first_free_ = slot.reference;
        slot = {.state = MappingState::Reserved};
        return handle;
    }
    void record(xen::GrantHandle handle, GrantMapping mapping)
    {
        mapping.state = MappingState::Mapped;
        at(handle) = mapping;
        ++mapped_;
    }
    /// Makes a Mapped handle Reserved for the caller; null if it is not Mapped. The pointer is good until the next
    /// call.
    [[nodiscard]] GrantMapping* claim(xen::GrantHandle handle)
    {
        if (handle >= issued_ || at(handle).state != MappingState::Mapped) return nullptr;
        at(handle).state = MappingState::Reserved;
        --mapped_;
        return &at(handle);
    }
    void give_back(xen::GrantHandle handle)
    {
        at(handle) = {.reference = first_free_, .state = MappingState::Free};
        first_free_ = handle;
    }

    /// Frees one page of the record, for good; false if there is none. Nobody may take a handle any more.
    bool free_page()
    {
        if (issued_ == 0) return false;
        issued_ = (issued_ - 1) / slots_per_page * slots_per_page;
        first_free_ = no_handle;
        pages_[issued_ / slots_per_page].reset();
        return true;
    }
    /// Handles that exist, whatever their state: all below this.
    [[nodiscard]] u32 issued() const { return issued_; }
    /// Handles that are Mapped.
    [[nodiscard]] u32 mapped() const { return mapped_; }
    /// The Mapped handle before which there are `before` others, if it is among the first `most`.
    [[nodiscard]] std::optional<xen::GrantHandle> mapped_after(u32 before, u32 most)
    {
        for (xen::GrantHandle handle = 0; handle < std::min(issued_, most); ++handle)
            if (at(handle).state == MappingState::Mapped && before-- == 0) return handle;
        return std::nullopt;
    }
    [[nodiscard]] GrantMapping const& look(xen::GrantHandle handle) { return at(handle); }

private:
    static constexpr u32 no_handle = ~u32{0};
    static constexpr u32 slots_per_page = page_size / sizeof(GrantMapping);
    using Page = std::array<GrantMapping, slots_per_page>;

    [[nodiscard]] GrantMapping& at(xen::GrantHandle handle)
    {
        return (*pages_[handle / slots_per_page])[handle % slots_per_page];
    }
    /// Puts one handle that never existed on the free list.
    [[nodiscard]] Expected<xen::GrantHandle> issue(u32 limit, Quota& quota)
    {
        if (issued_ >= limit) return failure(Error::NoSpace);
        if (!pages_) {
            auto index = make_charged_array<std::unique_ptr<Page>>(quota, limit / slots_per_page);
            if (!index) return failure(index.error());
            pages_ = std::move(*index);
        }
        if (auto& page = pages_[issued_ / slots_per_page]; !page) {
            auto made = make_charged<Page>(quota);
            if (!made) return failure(made.error());
            page = std::move(*made);
        }
        give_back(issued_);
        return issued_++;
    }

    std::unique_ptr<std::unique_ptr<Page>[]> pages_;
    u32 issued_ = 0;
    u32 mapped_ = 0;
    xen::GrantHandle first_free_ = no_handle;
};

}
