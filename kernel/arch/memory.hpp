// SPDX-License-Identifier: MIT
/// How the kernel reaches memory. Callers must not assume that all of memory is mapped:
/// a pointer obtained here is good only for the frames it was asked for. Defined in arch/x86_64/mm.
#pragma once

#include <span>

#include "kernel/lib/address.hpp"

namespace hospes::arch {

/// A pointer to `where`, valid for the rest of its frame (or of the contiguous frames one allocation returned).
[[nodiscard]] void* reach(Hpa where);
[[nodiscard]] inline void* reach(Hfn frame) { return reach(address_of(frame)); }
template <typename T>
[[nodiscard]] T* reach_as(Hpa where)
{
    return static_cast<T*>(reach(where));
}
/// The host-physical address behind a pointer that reach() returned or that lies in the hypervisor's image.
[[nodiscard]] Hpa physical_address(void const* pointer);

/// Maps device registers uncached for the life of the system. Null if no address space or table memory is left.
[[nodiscard]] void volatile* map_device(Hpa where, u64 bytes);

}
