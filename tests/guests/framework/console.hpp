// SPDX-License-Identifier: MIT
/// Where print() goes: the console hypercall in dom0, the PV console ring in a guest, else the debug port.
#pragma once

#include <string_view>

namespace hospes::test {

/// Finds the console; output before it goes to the debug port.
void open_console();

/// Waits until the other side has taken everything, for at most some seconds.
void flush_console();

/// Takes one character from the console, or -1.
[[nodiscard]] int read_console();

}
