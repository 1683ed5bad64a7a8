// SPDX-License-Identifier: MIT
/// The console on the screen: the PC's text mode, or the framebuffer that the boot loader or the firmware left on.
#pragma once

#include "boot/boot_info.hpp"

namespace hospes::screen {

/// Shows the console from now on, if there is a screen. Runs on the early page tables.
void start(boot::BootInfo const& info);
/// Around the change to the final page tables: what is written in between is kept, and shown with the next text.
void leave_early_mapping();
void use_final_mapping();
/// The screen is dom0's from now on. A panic takes it back.
void stop();

}
