// SPDX-License-Identifier: MIT
/// Every table of the ABI test in one list.
#pragma once

#include "tests/unit/abi/domctl_tables.hpp"
#include "tests/unit/abi/guest_tables.hpp"
#include "tests/unit/abi/hvm_tables.hpp"
#include "tests/unit/abi/io_tables.hpp"
#include "tests/unit/abi/machine_tables.hpp"
#include "tests/unit/abi/memory_tables.hpp"

namespace hospes::xen {

inline std::vector<Table> all_tables()
{
    std::vector<Table> all;
    for (auto tables : {domctl_tables, guest_tables, hvm_tables, io_tables, machine_tables, memory_tables}) {
        all.append_range(tables());
    }
    return all;
}

}
