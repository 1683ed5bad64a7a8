// SPDX-License-Identifier: MIT
/// Sets of CPUs or nodes as the toolstack passes them. (xen/include/public/xen.h, struct xenctl_bitmap.)
#pragma once

#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/sched/scheduling_state.hpp"

namespace hospes {

/// Bits beyond ours are dropped.
[[nodiscard]] Expected<CpuSet> read_bitmap(Vcpu& caller, xen::ControlBitmap const& from);
/// Bits beyond ours are cleared.
[[nodiscard]] Expected<> write_bitmap(Vcpu& caller, xen::ControlBitmap const& to, CpuSet const& set);

}
