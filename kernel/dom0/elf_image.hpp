// SPDX-License-Identifier: MIT
/// A kernel as an ELF file (32 or 64 bits): what goes where, and where it starts.
///
/// Linux's per-CPU segment has a virtual address of 0, so only physical addresses count. The entry point of a PVH
/// kernel is in a note; the one in the ELF header is for other loaders.
#pragma once

#include <span>

#include "kernel/dom0/load_failure.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/static_vector.hpp"

namespace hospes::dom0 {

struct Segment {
    Gpa where{};
    u64 memory_bytes = 0; ///< what exceeds `content` is zero
    std::span<u8 const> content;
    [[nodiscard]] constexpr Gpa end() const { return where + memory_bytes; }
};

struct ElfImage {
    static constexpr size_t max_segments = 32;

    u32 entry = 0;                                ///< physical; inside one of the segments
    StaticVector<Segment, max_segments> segments; ///< sorted, disjoint, all below 4 GiB
    [[nodiscard]] Gpa start() const { return segments[0].where; }
    [[nodiscard]] Gpa end() const { return segments[segments.size() - 1].end(); }
};

/// Does it begin like one? Nothing else is checked.
[[nodiscard]] bool is_elf(std::span<u8 const> file);

/// The segments refer to `file`. Any LoadFailure::Elf…
[[nodiscard]] Loaded<ElfImage> parse_elf(std::span<u8 const> file);

}
