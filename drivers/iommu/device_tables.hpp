// SPDX-License-Identifier: MIT
/// The page tables that devices' addresses go through, in each vendor's format.
#pragma once

#include <memory>

#include "kernel/mm/second_stage.hpp"

namespace hospes::iommu {

/// An empty table, ready to map; null if there is no memory. Units that do not snoop (`is_coherent` false) see every
/// change because it is written back.
[[nodiscard]] std::unique_ptr<SecondStage> new_vtd_table(unsigned levels, bool is_coherent);
[[nodiscard]] std::unique_ptr<SecondStage> new_amd_table();

}
