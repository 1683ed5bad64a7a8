// SPDX-License-Identifier: MIT
/// The PC's text screen, 80 by 25, while the firmware's mode is still on.
#pragma once

namespace hospes::screen {

/// Shows the console from now on.
void start_vga_text();
/// The screen is dom0's from now on.
void stop_vga_text();

}
