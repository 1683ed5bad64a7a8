// SPDX-License-Identifier: MIT
#include "kernel/hypercall/counters.hpp"

namespace hospes {

constinit PerCpu<HypercallCounters> hypercall_counters;

}
