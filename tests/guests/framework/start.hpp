// SPDX-License-Identifier: MIT
/// What the guest was started with.
#pragma once

#include <string_view>

#include "kernel/abi/xen/start_info.hpp"

namespace hospes::test {

[[nodiscard]] xen::HvmStartInfo const& start_info();
[[nodiscard]] std::string_view command_line();

/// Control domain (dom0): console hypercall, real ports, the right to end the machine.
[[nodiscard]] bool is_dom0();

/// How many vCPUs the domain has, found by asking about each number.
[[nodiscard]] u32 cpu_count();

}
