// SPDX-License-Identifier: MIT
/// How every hardware register is described: once, as a type, in the manual's words.
#pragma once

#include <concepts>
#include <limits>

#include "kernel/lib/integers.hpp"

namespace hospes {

/// Bits `high`..`low` of register `Owner_`, meaning a `Meaning_`.
template <typename Owner_, unsigned high, unsigned low = high, typename Meaning_ = bool>
struct Field {
    static_assert(high >= low && high < 64);
    using Owner = Owner_;
    using Meaning = Meaning_;
    static constexpr u64 mask = (~u64{0} >> (63 - (high - low))) << low;
    static constexpr unsigned shift = low;
};

/// A register's value, as wide as the register. A field of another register does not compile, nor one above its width.
template <typename Self, std::unsigned_integral Word = u64>
class Register {
public:
    constexpr Register() = default;
    /// The low bits of a wider value: accesses to devices and to the VMCS pass values of any width.
    constexpr explicit Register(u64 raw) : raw_{static_cast<Word>(raw)} {}
    [[nodiscard]] constexpr Word raw() const { return raw_; }

    template <typename F>
        requires std::same_as<typename F::Owner, Self>
    [[nodiscard]] constexpr typename F::Meaning get() const
    {
        static_assert(F::mask <= std::numeric_limits<Word>::max());
        return static_cast<typename F::Meaning>((raw_ & F::mask) >> F::shift);
    }

    template <typename F>
        requires std::same_as<typename F::Owner, Self>
    [[nodiscard]] constexpr Self with(typename F::Meaning value) const
    {
        static_assert(F::mask <= std::numeric_limits<Word>::max());
        return Self{(raw_ & ~F::mask) | ((static_cast<u64>(value) << F::shift) & F::mask)};
    }

private:
    Word raw_ = 0;
};

}
