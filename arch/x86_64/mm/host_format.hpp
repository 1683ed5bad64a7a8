// SPDX-License-Identifier: MIT
/// The hypervisor's own page tables: for the supervisor only.
#pragma once

#include "arch/x86_64/mm/long_mode_format.hpp"

namespace hospes {

/// Accessed and dirty from the start: nobody looks at them, and the CPU need not write them.
using HostFormat = LongModeFormat<0, long_mode::accessed | long_mode::dirty>;
static_assert(PageTableFormat<HostFormat>);

}
