// SPDX-License-Identifier: MIT
/// The one place that decides who answers when a guest accesses an address or a port.
#pragma once

#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/access/device.hpp"

namespace hospes::arch {

/// The emulated device at `where`, whatever memory lies below it. Null if there is none.
[[nodiscard]] Device* emulated_device(VirtualCpu& cpu, Gpa where);

/// Whoever answers where no device is emulated: what is mapped there, or nobody.
[[nodiscard]] Device& mapped_memory();

/// The one or the other.
[[nodiscard]] Device& answering_at(VirtualCpu& cpu, Gpa where);

/// Whoever answers at a port; nobody's answers are no_answer<>.
[[nodiscard]] Device& answering_at_port(VirtualCpu& cpu, u16 port);

}
