// SPDX-License-Identifier: MIT
/// A domain's machine state as a sequence of records, each behind a descriptor, from HEADER to END.
/// (xen/include/public/hvm/save.h; abi.md Annex A, "HVM save records".) The domain must be paused.
#pragma once

#include <span>

#include "kernel/abi/xen/versions.hpp"
#include "kernel/domain/domain.hpp"

namespace hospes::control {

/// Of records as this release reads them.
[[nodiscard]] size_t saved_state_size(Domain const& domain, xen::Release const& release);
/// Returns the bytes used; `out` must have saved_state_size() of them.
[[nodiscard]] size_t save_state(Domain const& domain, xen::Release const& release, std::span<u8> out);
/// A guest counts on the frequency of its TSC, which nothing here can change. 0 is none that it was told. NotSupported
/// if it is another than this machine's; the log says so.
[[nodiscard]] Expected<> check_frequency(Domain const& domain, u32 guest_khz);
/// Records of any release. All vCPUs go down first; each that has a CPU record comes up. NoData for a missing HEADER or
/// END, NotSupported for another frequency of the TSC, Invalid for anything else that is wrong; then the domain's state
/// is undefined and it should be destroyed.
[[nodiscard]] Expected<> load_state(Domain& domain, std::span<u8 const> records);

}
