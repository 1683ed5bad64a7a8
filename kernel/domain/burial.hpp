// SPDX-License-Identifier: MIT
/// The last part of a domain's life. Its last reference may go on any CPU, in anybody's hypercall, and its tables may
/// be hundreds of megabytes: so they are freed stretch by stretch, by whoever destroys a domain, and by a timer.
#pragma once

#include "kernel/time/budget.hpp"

namespace hospes {
class Domain;
}

namespace hospes::burial {

/// Nobody knows `domain` any more. Takes LockRank::DomainList and Timers.
void add(Domain& domain);

/// Goes on with those that wait; true when none is left.
[[nodiscard]] bool go_on(Budget& budget);

}
