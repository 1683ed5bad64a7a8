// SPDX-License-Identifier: MIT
/// Each address space is a type of its own: host or guest, physical or virtual.
/// Crossing from one to another is always a named function somewhere else.
#pragma once

#include <compare>
#include <functional>

#include "kernel/lib/integers.hpp"

namespace hospes {

inline constexpr unsigned page_shift = 12;
inline constexpr u64 page_size = u64{1} << page_shift;
inline constexpr u64 page_mask = page_size - 1;
/// No x86 processor has wider physical addresses than 52 bits. (SDM vol. 3, 4.1.4)
inline constexpr u64 end_of_physical_addresses = u64{1} << 52;
/// What 32 bits cannot name.
inline constexpr u64 end_of_short_addresses = u64{1} << 32;

/// A number in one address or frame-number space; spaces never mix.
template <typename Space>
class Address {
public:
    constexpr Address() = default;
    constexpr explicit Address(u64 raw) : raw_{raw} {}
    [[nodiscard]] constexpr u64 raw() const { return raw_; }
    constexpr auto operator<=>(Address const&) const = default;
    [[nodiscard]] constexpr Address operator+(u64 count) const { return Address{raw_ + count}; }
    [[nodiscard]] constexpr Address operator-(u64 count) const { return Address{raw_ - count}; }
    [[nodiscard]] constexpr u64 operator-(Address other) const { return raw_ - other.raw_; }
    constexpr Address& operator+=(u64 count)
    {
        raw_ += count;
        return *this;
    }

private:
    u64 raw_ = 0;
};

using Hpa = Address<struct HostPhysicalSpace>;  ///< host-physical byte address
using Gpa = Address<struct GuestPhysicalSpace>; ///< guest-physical byte address
using Gva = Address<struct GuestVirtualSpace>;  ///< guest-linear byte address
using Hfn = Address<struct HostFrameSpace>;     ///< host frame number (Hpa / 4096)
using Gfn = Address<struct GuestFrameSpace>;    ///< guest frame number (Gpa / 4096)

[[nodiscard]] constexpr Hfn frame_of(Hpa where) { return Hfn{where.raw() >> page_shift}; }
[[nodiscard]] constexpr Gfn frame_of(Gpa where) { return Gfn{where.raw() >> page_shift}; }
[[nodiscard]] constexpr Hpa address_of(Hfn frame) { return Hpa{frame.raw() << page_shift}; }
[[nodiscard]] constexpr Gpa address_of(Gfn frame) { return Gpa{frame.raw() << page_shift}; }
template <typename Space>
[[nodiscard]] constexpr u64 offset_in_page(Address<Space> where)
{
    return where.raw() & page_mask;
}

[[nodiscard]] constexpr u64 round_up(u64 value, u64 alignment) { return (value + alignment - 1) & ~(alignment - 1); }
[[nodiscard]] constexpr u64 round_down(u64 value, u64 alignment) { return value & ~(alignment - 1); }
[[nodiscard]] constexpr u64 pages_for(u64 bytes) { return (bytes >> page_shift) + ((bytes & page_mask) != 0 ? 1 : 0); }

}
