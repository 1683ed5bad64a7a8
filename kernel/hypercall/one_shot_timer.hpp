// SPDX-License-Identifier: MIT
/// A vCPU's one-shot timer, as vcpu_op and set_timer_op set it.
#pragma once

#include "kernel/domain/vcpu.hpp"

namespace hospes {

/// Raises VIRQ_TIMER at `deadline` (system time, ns), or by the next timer interrupt if that has passed.
void set_one_shot_timer(Vcpu& vcpu, u64 deadline);

}
