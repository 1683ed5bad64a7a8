// SPDX-License-Identifier: MIT
/// The control domain's end is the machine's. (abi.md 3.5, sched_op shutdown.)
#pragma once

#include "kernel/abi/xen/sched.hpp"

namespace hospes {

/// Power-off, reboot, or whatever a crash of the control domain is configured to do.
[[noreturn]] void end_machine(xen::ShutdownReason reason);

}
