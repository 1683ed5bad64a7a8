// SPDX-License-Identifier: MIT
/// What a read gives where nobody answers: all ones, as on a bus without a target.
#pragma once

#include <concepts>

#include "kernel/lib/integers.hpp"

namespace hospes {

template <std::unsigned_integral Value = u64>
inline constexpr Value no_answer = static_cast<Value>(~u64{0});

}
