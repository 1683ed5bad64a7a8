// SPDX-License-Identifier: MIT
/// A domain's machine state as a sequence of records, each behind a descriptor, from HEADER to END.
/// (xen/include/public/hvm/save.h; abi.md Annex A, "HVM save records".) The domain must be paused.
#pragma once

#include <span>

#include "kernel/domain/domain.hpp"

namespace hospes::control {

[[nodiscard]] size_t saved_state_size(Domain const& domain);
/// Returns the bytes used; `out` must have saved_state_size() of them.
[[nodiscard]] size_t save_state(Domain const& domain, std::span<u8> out);
/// All vCPUs go down first; each that has a CPU record comes up. NoData for a missing HEADER or END, Invalid for
/// anything else that is wrong; then the domain's state is undefined and it should be destroyed.
[[nodiscard]] Expected<> load_state(Domain& domain, std::span<u8 const> records);

}
