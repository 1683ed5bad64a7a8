// SPDX-License-Identifier: MIT
/// What debug key 'e' says about a domain's event channels: for the question who waits for whom.
#pragma once

#include "kernel/lib/integers.hpp"
#include "kernel/time/budget.hpp"

namespace hospes {

class Domain;

/// Logs the ports that are in use, the first of them one by one, and how many more there are: from `port` on (0: the
/// beginning) and until the budget is spent; true when all is said.
[[nodiscard]] bool show_event_channels(Domain& domain, u32& port, Budget& budget);

}
