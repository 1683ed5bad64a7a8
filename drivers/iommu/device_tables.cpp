// SPDX-License-Identifier: MIT
/// Instantiates the page-table engine for VT-d, with three and with four levels, and for AMD-Vi.
#include "drivers/iommu/device_tables.hpp"

#include <new>

#include "drivers/iommu/amd_format.hpp"
#include "drivers/iommu/hardware.hpp"
#include "drivers/iommu/table_memory.hpp"
#include "drivers/iommu/vtd_format.hpp"

namespace hospes::iommu {

namespace {

template <PageTableFormat Format>
std::unique_ptr<SecondStage> new_table(bool is_coherent)
{
    using Table = PageTable<Format, TableMemory>;
    std::unique_ptr<Table> table{new (std::nothrow) Table{TableMemory{table_limit(), is_coherent}}};
    if (!table || !table->initialize()) return nullptr;
    return table;
}

}

std::unique_ptr<SecondStage> new_vtd_table(unsigned levels, bool is_coherent)
{
    return levels == 4 ? new_table<VtdFormat<4>>(is_coherent) : new_table<VtdFormat<3>>(is_coherent);
}

/// The units snoop: Control::Coherent is set. (amd_unit.cpp)
std::unique_ptr<SecondStage> new_amd_table() { return new_table<AmdFormat>(true); }

}
