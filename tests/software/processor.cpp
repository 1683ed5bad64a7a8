// SPDX-License-Identifier: MIT
/// Hypercalls as software makes them.
#include "tests/software/processor.hpp"

#include "kernel/log/panic.hpp"

namespace hospes::software {

s64 Processor::call(xen::Hypercall number, u64 a, u64 b, u64 c) const
{
    constexpr u32 longest_call = 1'000'000; // runs; what takes more never ends
    HypercallArguments arguments{{a, b, c}};
    for (u32 runs = 0; runs < longest_call; ++runs) {
        auto const result = dispatch_hypercall(vcpu_, static_cast<u64>(number), arguments);
        if (!result.restart) return static_cast<s64>(result.value);
        if (must_stop_(vcpu_)) return interrupted;
    }
    panic("hypercall {} ({}, {}, {}) does not end", static_cast<u32>(number), a, b, c);
}

}
