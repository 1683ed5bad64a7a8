// SPDX-License-Identifier: MIT
/// multicall: several hypercalls in one. The toolstack sends every memory_op this way.
/// (xen/include/public/xen.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// Out: result.
struct MulticallEntry {
    u64 operation;
    u64 result;
    std::array<u64, 6> arguments;
};
static_assert(sizeof(MulticallEntry) == 64 && has_no_hidden_bytes<MulticallEntry>);
static_assert(offsetof(MulticallEntry, result) == 8 && offsetof(MulticallEntry, arguments) == 16);

}
