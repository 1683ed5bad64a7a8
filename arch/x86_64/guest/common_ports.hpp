// SPDX-License-Identifier: MIT
/// Answers at ports that every guest has, and that make its probes of a PC short. (abi.md 4.7)
#pragma once

#include "kernel/access/device.hpp"

namespace hospes::arch {

/// Null if there is none at `port`. A domain's own devices come first.
[[nodiscard]] Device* common_port_device(u16 port);

}
