// SPDX-License-Identifier: MIT
/// multicall: several hypercalls in one. The toolstack wraps every memory_op in one entry (abi.md 2.4).
#include <algorithm>

#include "kernel/abi/xen/multicall.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/narrow_call.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes {

namespace {

/// A multicall inside a multicall is refused: no recursion on what a guest says.
HypercallResult dispatch_inner(Vcpu& caller, u64 number, HypercallArguments& arguments)
{
    if (number == static_cast<u64>(xen::Hypercall::Multicall)) return HypercallResult::of(Error::NotImplemented);
    return caller.narrow_call ? caller.narrow_call->dispatch_inner(number, arguments)
                              : dispatch_inner_hypercall(caller, number, arguments);
}

}

/// multicall(entries, count). Each entry's result goes into the entry; 0 is returned.
/// An entry that asks to be continued keeps its changed arguments, and the whole call continues there.
Expected<u64> multicall(Vcpu& caller, HypercallArguments& arguments)
{
    auto const entries = claim_of<xen::MulticallEntry>(arguments[0]);
    u64 const count = arguments[1];
    for (u64 i = 0; i < count; ++i) {
        auto const restart_at = [&](u64 index) {
            arguments[0] += index * sizeof(xen::MulticallEntry);
            arguments[1] = count - index;
            return failure(Error::Restart);
        };
        auto entry = copy_in(caller, entries, i);
        if (!entry) return failure(entry.error());
        HypercallArguments inner{.progress = static_cast<u32>(entry->operation >> 32)};
        std::copy_n(entry->arguments.begin(), inner.value.size(), inner.value.begin());
        entry->operation &= ~u32{0};
        HypercallResult const result = dispatch_inner(caller, entry->operation, inner);
        if (result.restart) {
            std::copy_n(inner.value.begin(), inner.value.size(), entry->arguments.begin());
            entry->operation |= u64{inner.progress} << 32;
        } else {
            entry->result = result.value;
        }
        if (auto const copied = copy_out(caller, entries, *entry, i); !copied) return failure(copied.error());
        if (result.restart) return restart_at(i);
        // One whose domain has ended, or is held still, does not go on until it may.
        bool const must_stop = caller.waits_for(WaitReason::DomainPaused) || caller.budget.is_spent();
        if (i + 1 < count && must_stop) return restart_at(i + 1);
    }
    return 0;
}

}
