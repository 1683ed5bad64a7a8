// SPDX-License-Identifier: MIT
/// Which domains came, ended or went since the control domain's xenstored was last told. One bit a domain: whoever asks
/// late learns the newest state only, and nothing is lost.
#pragma once

#include <optional>

#include "kernel/abi/xen/types.hpp"

namespace hospes::state_changes {

/// Any CPU may call.
void note(xen::DomainId id);
/// The lowest id noted, which is then forgotten; nothing if there is none. The domain may be gone.
[[nodiscard]] std::optional<xen::DomainId> take();

}
