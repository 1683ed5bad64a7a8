// SPDX-License-Identifier: MIT
/// Nested page tables: walked as user accesses, and the guest's own PAT is combined with their memory types.
/// (AMD64 APM volume 2, section 15.25 "Nested Paging".)
#pragma once

#include "arch/x86_64/mm/long_mode_format.hpp"

namespace hospes {

using NptFormat = LongModeFormat<long_mode::user, long_mode::user>;
static_assert(PageTableFormat<NptFormat>);
static_assert(NptFormat::target(NptFormat::leaf(Hpa{0x20'0000}, 1, read_write, MemoryType::WriteBack, MappingType::Ram),
                                1) == Hpa{0x20'0000});

}
