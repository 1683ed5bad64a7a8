// SPDX-License-Identifier: MIT
/// What the guest was started with.
#pragma once

#include <string_view>

#include "kernel/abi/xen/start_info.hpp"

namespace hospes::test {

[[nodiscard]] xen::StartInfo const& start_info();
[[nodiscard]] std::string_view command_line();

/// Whether `word` is on the command line. The runner passes "emulator" where the CPU is one.
[[nodiscard]] bool has_argument(std::string_view word);

/// The number after `name` and "=", if it is there.
[[nodiscard]] u64 argument(std::string_view name, u64 otherwise);

/// False on Xen itself. For the few things we do better on purpose; each use says what.
[[nodiscard]] bool on_hospes();

/// Control domain (dom0): console hypercall, real ports, the right to end the machine.
[[nodiscard]] bool is_dom0();

/// Started by another test guest (loaded_guest.hpp): says nothing but what went wrong, and ends with a shutdown whose
/// reason is its verdict.
[[nodiscard]] bool is_loaded();

/// How many vCPUs the domain has, found by asking about each number.
[[nodiscard]] u32 cpu_count();

}
