// SPDX-License-Identifier: MIT
/// What debug key 'e' says about a domain's event channels: for the question who waits for whom.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes {

class Domain;

/// A heading, the first ports that are in use, and how many more there are.
inline constexpr u32 most_event_channel_lines = 1 + 32 + 1;

/// How many lines there are to be logged.
[[nodiscard]] u32 event_channel_lines(Domain& domain);
/// Logs one of them, from 0 on; nothing if there are fewer by now.
void show_event_channel_line(Domain& domain, u32 line);

}
