// SPDX-License-Identifier: MIT
/// Machines that do a thing wrongly, known by what their firmware's tables say, and what is done without there.
#include "drivers/acpi/quirks.hpp"

#include <algorithm>
#include <string_view>

#include "kernel/options/command_line.hpp"

namespace hospes::quirks {

/// Bochs interrupts a guest that has interrupts off (tests/guests/README.md). QEMU's tables bear the name of Bochs,
/// too.
bool wants_apic_virtualization(acpi::Tables const& tables)
{
    bool const may_be_bochs = std::ranges::equal(tables.root_header().oem_id, std::string_view{"BOCHS "});
    return options().apic_virtualization.value_or(!may_be_bochs);
}

}
