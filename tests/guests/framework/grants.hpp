// SPDX-License-Identifier: MIT
/// This domain's grant table: letting another domain use a page of ours, and using another's.
#pragma once

#include "kernel/abi/xen/grant_table.hpp"
#include "tests/guests/framework/hypercall.hpp"

namespace hospes::test::grants {

/// Entry `reference` of the table; maps as many frames of it as that takes.
[[nodiscard]] xen::GrantEntryV1& entry(u32 reference);

/// Lets `domain` use frame `gfn`; the reference to tell it.
u32 grant(u16 domain, u64 gfn, bool readonly = false);

/// True once nobody uses the entry any more and it is withdrawn.
bool withdraw(u32 reference);

xen::GrantMap map(u64 guest_physical, u32 flags, u32 reference, u16 domain);
xen::GrantUnmap unmap(u64 guest_physical, u32 handle);

template <typename Operation>
s64 operation(xen::GrantTableCommand command, Operation* operations, u64 count = 1)
{
    return hypercall(xen::Hypercall::GrantTableOp, command, operations, count);
}

[[nodiscard]] constexpr Condition is(xen::GrantStatus seen, xen::GrantStatus wanted) { return equal(seen, wanted); }

}
