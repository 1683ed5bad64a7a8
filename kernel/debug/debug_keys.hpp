// SPDX-License-Identifier: MIT
/// What the hypervisor tells about itself when asked by a key: `xl debug-keys`, or the serial console after Ctrl-A
/// three times.
#pragma once

#include "kernel/time/budget.hpp"

namespace hospes {

/// A position has so many bits.
inline constexpr u32 debug_position_bits = 24;

/// Does what the key stands for, with its output in the log, from `position` on (0: the beginning) and until the budget
/// is spent; true when all is said. An unknown key says how to get help.
[[nodiscard]] bool answer_debug_key(char key, u32& position, Budget& budget);

/// The same for the serial console: the answer comes bit by bit, and keys that are pressed meanwhile are not heard.
void press_debug_key(char key);

}
