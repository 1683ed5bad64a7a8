// SPDX-License-Identifier: MIT
/// How an access that cannot be made at once is cut.
#pragma once

#include <algorithm>
#include <bit>

#include "kernel/lib/integers.hpp"

namespace hospes {

/// The first piece of an access to `bytes` (not 0) at `where`, as a bus would cut it: naturally aligned, a power of
/// two, and at most `largest`, which is one as well.
[[nodiscard]] constexpr unsigned aligned_piece(u64 where, unsigned bytes, unsigned largest = 8)
{
    unsigned const alignment = 1U << std::countr_zero(where | largest);
    return std::min(alignment, std::bit_floor(bytes));
}

static_assert(aligned_piece(0, 8, 4) == 4 && aligned_piece(2, 4, 4) == 2 && aligned_piece(1, 4, 4) == 1 &&
              aligned_piece(4, 3, 4) == 2 && aligned_piece(0, 8) == 8);

}
