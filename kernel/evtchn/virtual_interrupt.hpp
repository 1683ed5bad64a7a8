// SPDX-License-Identifier: MIT
/// Virtual interrupt lines: how the hypervisor itself raises events.
#pragma once

#include "kernel/abi/xen/hypercall_numbers.hpp"

namespace hospes {

class Vcpu;
using xen::VirtualInterrupt;

/// Has every vCPU a line of its own? The others exist once in a domain. (xen/common/event_channel.c, virq_type.)
[[nodiscard]] constexpr bool is_per_vcpu(VirtualInterrupt line)
{
    return line == VirtualInterrupt::Timer || line == VirtualInterrupt::Debug || line == VirtualInterrupt::Xenoprof ||
           line == VirtualInterrupt::Xenpmu;
}

/// Raises a per-vCPU line (timer, debug) if it is bound. Any CPU may call.
void raise_virq(Vcpu& vcpu, VirtualInterrupt line);
/// Raises a global line (console, DOM_EXC, …) in the control domain, if it is bound.
void raise_global_virq(VirtualInterrupt line);

}
