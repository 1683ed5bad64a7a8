// SPDX-License-Identifier: MIT
/// How much memory dom0 gets.
#pragma once

#include "kernel/options/options.hpp"

namespace hospes::dom0 {

/// Frames for dom0, of `available` that nobody holds, on a machine with `total`. (dom0_mem= of
/// xen/docs/misc/xen-command-line.pandoc.) Without a size: all but a sixteenth of the machine, that being at most 128
/// MiB. "All but" counts from what is available, so that it holds whatever the hypervisor already uses.
[[nodiscard]] u64 frames_for_dom0(Dom0Memory const& option, u64 total, u64 available);

/// What stays with the hypervisor even if dom0_mem asks for everything: tables and vCPUs have to come from somewhere.
inline constexpr u64 smallest_reserve_bytes = 16 * mib;

}
