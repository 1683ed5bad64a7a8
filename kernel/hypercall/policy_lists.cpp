// SPDX-License-Identifier: MIT
/// Copies each list out if it is wanted and fits, and says how long it is.
#include "kernel/hypercall/policy_lists.hpp"

#include <span>

namespace hospes {

namespace {

template <typename T>
Expected<> write_list(Vcpu& caller, std::span<T const> list, xen::GuestHandle<T> where, u32& room)
{
    if (where.is_null()) return {};
    if (room < list.size()) return failure(Error::NoBufferSpace);
    for (u64 i = 0; i < list.size(); ++i)
        if (auto const copied = copy_out(caller, where, list[i], i); !copied) return copied;
    room = static_cast<u32>(list.size());
    return {};
}

}

Expected<> write_policy_lists(Vcpu& caller, arch::PolicyLists const& lists, PolicyBuffers buffers)
{
    auto const leaves = std::span{lists.leaves}.first(lists.leaf_count);
    if (auto const written = write_list(caller, leaves, buffers.leaves, buffers.leaf_count); !written) return written;
    auto const msrs = std::span{lists.msrs}.first(lists.msr_count);
    return write_list(caller, msrs, buffers.msrs, buffers.msr_count);
}

}
