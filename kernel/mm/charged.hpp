// SPDX-License-Identifier: MIT
/// Heap objects that the hypervisor makes because of what a domain does. They are charged as overhead, in frames, and
/// live as long as the domain, whose quota ends with it: there is nothing to refund. So whoever makes one and something
/// else beside it makes it last.
#pragma once

#include <memory>
#include <new>

#include "kernel/lib/address.hpp"
#include "kernel/mm/quota.hpp"

namespace hospes {

/// What an array of `count` objects takes, with the length that the compiler may store before it.
template <typename T>
[[nodiscard]] constexpr u64 frames_of_array(u64 count)
{
    return pages_for(count * sizeof(T) + sizeof(size_t));
}

/// OutOfMemory, of the host or the quota.
template <typename T>
[[nodiscard]] Expected<std::unique_ptr<T>> make_charged(Quota& quota)
{
    auto charge = Charge::take(quota, AccountKind::Overhead, pages_for(sizeof(T)));
    if (!charge) return failure(charge.error());
    std::unique_ptr<T> object{new (std::nothrow) T{}};
    if (!object) return failure(Error::OutOfMemory);
    charge->settle(charge->frames());
    return object;
}

template <typename T>
[[nodiscard]] Expected<std::unique_ptr<T[]>> make_charged_array(Quota& quota, u64 count)
{
    auto charge = Charge::take(quota, AccountKind::Overhead, frames_of_array<T>(count));
    if (!charge) return failure(charge.error());
    std::unique_ptr<T[]> objects{new (std::nothrow) T[count]};
    if (!objects) return failure(Error::OutOfMemory);
    charge->settle(charge->frames());
    return objects;
}

}
