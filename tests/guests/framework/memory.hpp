// SPDX-License-Identifier: MIT
/// Pages for tests: a fixed pool in the image, handed out and never taken back, and the guest's own memory map.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "kernel/lib/address.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes::test {

/// `count` zeroed pages, contiguous, aligned to one page.
[[nodiscard]] u8* allocate_pages(size_t count = 1);

template <typename T>
[[nodiscard]] T* allocate_page_as()
{
    static_assert(sizeof(T) <= page_size);
    return reinterpret_cast<T*>(allocate_pages());
}

/// Virtual is physical here.
[[nodiscard]] inline u64 gfn_of(void const* page) { return reinterpret_cast<u64>(page) >> page_shift; }

struct MemoryRange {
    u64 begin;
    u64 size;
    u32 type;
};
inline constexpr u32 usable_memory = 1; ///< e820 type RAM

/// The e820 of this guest: from start_info if it is there, else by hypercall.
[[nodiscard]] std::span<MemoryRange const> memory_map();

/// RAM above the image and below 4 GiB: `size` bytes aligned to `alignment`. The same range every time.
[[nodiscard]] std::optional<u64> spare_memory(u64 size, u64 alignment);

/// A frame number below 4 GiB where the memory map has nothing at all, `offset` frames into that hole.
[[nodiscard]] u64 unused_gfn(u64 offset = 0);

}
