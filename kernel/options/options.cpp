// SPDX-License-Identifier: MIT
/// The options in force, and amounts of memory in them.
#include "kernel/options/options.hpp"

#include <algorithm>

#include "kernel/lib/address.hpp"
#include "kernel/options/command_line.hpp"

namespace hospes {
namespace {

constinit Options options_in_force;

}

Options const& options() { return options_in_force; }
void adopt_options(Options const& wanted) { options_in_force = wanted; }

u64 MemoryAmount::of(u64 total) const
{
    u64 const share = total / 100 * percent + total % 100 * percent / 100;
    u64 const amount = bytes > total - std::min(share, total) ? total : share + bytes;
    return negative ? total - amount : amount;
}

}
