// SPDX-License-Identifier: MIT
/// How every hardware register is described: once, as a type, in the manual's words.
#pragma once

#include <concepts>

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

/// A register's value. A field of another register does not compile.
template <typename Self>
class Register {
public:
    constexpr Register() = default;
    constexpr explicit Register(u64 raw) : raw_{raw} {}
    [[nodiscard]] constexpr u64 raw() const { return raw_; }

    template <typename F>
        requires std::same_as<typename F::Owner, Self>
    [[nodiscard]] constexpr typename F::Meaning get() const
    {
        return static_cast<typename F::Meaning>((raw_ & F::mask) >> F::shift);
    }

    template <typename F>
        requires std::same_as<typename F::Owner, Self>
    [[nodiscard]] constexpr Self with(typename F::Meaning value) const
    {
        return Self{(raw_ & ~F::mask) | ((static_cast<u64>(value) << F::shift) & F::mask)};
    }

private:
    u64 raw_ = 0;
};

}
