// SPDX-License-Identifier: MIT
/// What debug key 'd' says about a vCPU: for the question where a guest hangs.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes {

class Vcpu;

/// Logs one of the arch::lines_of_state lines of its state, unless it runs on another CPU: that CPU then logs all of
/// them, soon after the first is asked for.
void show_register_line(Vcpu& vcpu, u32 line);

}
