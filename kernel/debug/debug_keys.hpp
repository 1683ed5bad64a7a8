// SPDX-License-Identifier: MIT
/// What the hypervisor tells about itself when asked by a key: `xl debug-keys`, or the serial console after Ctrl-A
/// three times.
#pragma once

namespace hospes {

/// Does what the key stands for, with its output in the log. An unknown key says how to get help.
void press_debug_key(char key);

}
