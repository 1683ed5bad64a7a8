// SPDX-License-Identifier: MIT
/// How much memory dom0 gets.
#pragma once

#include "kernel/options/options.hpp"

namespace hospes::dom0 {

/// Frames for dom0, of `available` that nobody holds, on a machine with `total`. (dom0_mem= of
/// xen/docs/misc/xen-command-line.pandoc.) Without a size: all but a sixteenth of the machine, that being at most 128
/// MiB. "All but" counts from what is available, so that it holds whatever the hypervisor already uses.
[[nodiscard]] u64 frames_for_dom0(Dom0Memory const& option, u64 total, u64 available);

/// Frames that it may have later: `max:` holds for ballooning, too, until the toolstack sets another limit.
[[nodiscard]] u64 limit_for_dom0(Dom0Memory const& option, u64 total);

/// The most that it can be at its start.
[[nodiscard]] u64 most_for_dom0(u64 available);

/// Does dom0_mem= name more than the whole machine has? (A `max:` beside it makes that harmless.)
[[nodiscard]] bool asks_for_too_much(Dom0Memory const& option, u64 total);

/// What stays with the hypervisor even if dom0_mem asks for everything: tables and vCPUs have to come from somewhere.
inline constexpr u64 smallest_reserve_bytes = 16 * mib;

}
