// SPDX-License-Identifier: MIT
/// MCFG entries, checked. (PCI Firmware Specification 3.3, section 4.1.2.)
#include "drivers/acpi/mcfg.hpp"

#include <algorithm>

#include "kernel/log/log.hpp"

namespace hospes::acpi {

namespace {

/// No x86 CPU has more physical address bits.

[[nodiscard]] bool overlaps(ConfigurationWindow const& a, ConfigurationWindow const& b)
{
    return a.start < b.start + b.bytes() && b.start < a.start + a.bytes();
}

[[nodiscard]] Expected<ConfigurationWindow> window_of(McfgEntry const& entry)
{
    u64 const base = entry.base;
    if (entry.last_bus < entry.first_bus) return failure(Error::Invalid);
    if (base == 0 || base % mib != 0 || base > end_of_physical_addresses - 256 * mib) return failure(Error::Invalid);
    return ConfigurationWindow{.start = Hpa{base + entry.first_bus * mib},
                               .segment = entry.segment,
                               .first_bus = entry.first_bus,
                               .last_bus = entry.last_bus};
}

void add(ConfigurationWindows& windows, McfgEntry const& entry)
{
    auto const window = window_of(entry);
    bool const is_usable =
        window && std::ranges::none_of(windows, [&](auto const& other) { return overlaps(*window, other); });
    if (!is_usable || !windows.push_back(*window))
        log_warning("ACPI: MCFG: segment {}, buses {} to {} at {:x} cannot be or are too many; ignored",
                    u16{entry.segment}, entry.first_bus, entry.last_bus, u64{entry.base});
}

}

Expected<ConfigurationWindows> parse_mcfg(Tables const& tables)
{
    auto const table = tables.find("MCFG");
    if (!table) return failure(Error::NotFound);
    if (table->length < sizeof(McfgHeader)) {
        log_warning("ACPI: the MCFG is too short; ignored");
        return failure(Error::Invalid);
    }
    ConfigurationWindows windows;
    for (u64 offset = sizeof(McfgHeader); offset < table->length && !windows.full(); offset += sizeof(McfgEntry)) {
        auto const entry = tables.read<McfgEntry>(*table, offset);
        if (!entry) break;
        add(windows, *entry);
    }
    return windows;
}

}
