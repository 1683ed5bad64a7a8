// SPDX-License-Identifier: MIT
/// Several CPUs on the host, each a thread in the scheduler's real run loop, in real time. vCPUs run what a test gave
/// them as software; between two steps of it a CPU takes its interrupts, as a real one does between instructions.
#pragma once

#include <atomic>
#include <functional>

#include "kernel/domain/vcpu.hpp"

namespace hospes::race {

/// One step of a vCPU's software, on the CPU that has the vCPU.
using Step = void (*)(Vcpu&);

/// How many there are. Before the first domain is made, once.
void have_cpus(unsigned cpus);

/// Starts the CPUs, waits until `is_over()`, then gives vCPUs no more steps. All CPUs are idle when this returns. The
/// calling thread is no CPU meanwhile: `is_over` must not use the kernel.
void run_cpus(Step step, std::function<bool()> const& is_over);

/// Must the vCPU leave its CPU, so that a hypercall is not to be made again at once?
[[nodiscard]] bool must_stop(Vcpu const& vcpu);

}
