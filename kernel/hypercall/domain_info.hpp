// SPDX-License-Identifier: MIT
/// What the toolstack sees of a domain: xl's state column, memory, CPU time.
#pragma once

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/domain/domain.hpp"

namespace hospes {

[[nodiscard]] xen::DomctlGetDomainInfo describe_domain(Domain& domain);
/// How far a domain has got, for xenstored.
[[nodiscard]] xen::DomctlGetDomainState describe_state(Domain const& domain);

}
