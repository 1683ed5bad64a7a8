// SPDX-License-Identifier: MIT
/// Names of functions, for backtraces.
#pragma once

#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes {

struct SymbolPlace {
    std::string_view name; ///< empty if the address is not in the hypervisor's code
    u64 offset = 0;
};

[[nodiscard]] SymbolPlace find_symbol(u64 address);

/// Logs the chain of callers, beginning with `instruction`, whose frame pointer was `frame`.
void log_backtrace(u64 instruction, u64 frame);

}
