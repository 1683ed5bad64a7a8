// SPDX-License-Identifier: MIT
/// The counters, one set for each CPU.
#include "kernel/hypercall/counters.hpp"

namespace hospes {

constinit PerCpu<HypercallCounters> hypercall_counters;

}
