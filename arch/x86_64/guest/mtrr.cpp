// SPDX-License-Identifier: MIT
/// Reads the machine's memory type ranges, which dom0 is shown.
#include "arch/x86_64/guest/mtrr.hpp"

#include "arch/x86_64/cpu/msr.hpp"
#include "kernel/log/log.hpp"

namespace hospes::arch {

namespace {

/// A register the CPU lacks counts as off.
u64 value_of(u32 number) { return read_msr_safe(number).value_or(0); }

MemoryTypeRanges read_ranges()
{
    constexpr u64 count_mask = 0xff;
    u64 const count = value_of(memory_type_msr::capability) & count_mask;
    if (count > MemoryTypeRanges::variable_count) {
        log_info("dom0: sees no memory type ranges: the CPU has {}, a guest has {}", count,
                 MemoryTypeRanges::variable_count);
        return {};
    }
    MemoryTypeRanges ranges;
    for (u32 i = 0; i < 2 * count; ++i) ranges.variable[i] = value_of(memory_type_msr::first_variable + i);
    for (size_t i = 0; i < ranges.fixed.size(); ++i) ranges.fixed[i] = value_of(memory_type_msr::fixed[i]);
    ranges.default_type = value_of(memory_type_msr::default_type);
    return ranges;
}

}

MemoryTypeRanges const& memory_types_of_machine()
{
    static MemoryTypeRanges const ranges = read_ranges();
    return ranges;
}

}
