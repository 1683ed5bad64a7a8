// SPDX-License-Identifier: MIT
/// The one way to a guest's memory: copied once, into private memory, through the guest's own page tables.
/// A GuestHandle is a claim that proves nothing; only these functions turn it into data. No lock may be held.
#pragma once

#include <span>
#include <type_traits>

#include "kernel/abi/xen/types.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"

namespace hospes {

class Vcpu;

/// BadAddress if any byte cannot be reached. A failed copy may have filled part of `out`.
[[nodiscard]] Expected<> copy_from_guest(Vcpu& vcpu, std::span<u8> out, Gva from);
/// BadAddress if any byte cannot be written. Bytes before it may have been written.
[[nodiscard]] Expected<> copy_to_guest(Vcpu& vcpu, Gva to, std::span<u8 const> bytes);

/// Where element `index` lies; BadAddress if the claim wraps around.
template <typename T>
[[nodiscard]] Expected<Gva> element_address(xen::GuestHandle<T> claim, u64 index)
{
    u64 offset = 0;
    u64 address = 0;
    if (__builtin_mul_overflow(index, sizeof(T), &offset)) return failure(Error::BadAddress);
    if (__builtin_add_overflow(claim.address, offset, &address)) return failure(Error::BadAddress);
    return Gva{address};
}

/// A private copy of one object.
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] Expected<T> copy_in(Vcpu& vcpu, xen::GuestHandle<T> claim, u64 index = 0)
{
    auto const where = element_address(claim, index);
    if (!where) return failure(where.error());
    T value{};
    if (auto copied = copy_from_guest(vcpu, {reinterpret_cast<u8*>(&value), sizeof(T)}, *where); !copied)
        return failure(copied.error());
    return value;
}

template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] Expected<> copy_out(Vcpu& vcpu, xen::GuestHandle<T> claim, T const& value, u64 index = 0)
{
    auto const where = element_address(claim, index);
    if (!where) return failure(where.error());
    return copy_to_guest(vcpu, *where, {reinterpret_cast<u8 const*>(&value), sizeof(T)});
}

/// The first hypercall argument as a claim of a `T`.
template <typename T>
[[nodiscard]] constexpr xen::GuestHandle<T> claim_of(u64 argument)
{
    return xen::GuestHandle<T>{argument};
}

}
