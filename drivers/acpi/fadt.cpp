// SPDX-License-Identifier: MIT
/// FADT fields, by the version that introduced them. (ACPI Specification 6.5, section 5.2.9.)
#include "drivers/acpi/fadt.hpp"

#include <algorithm>

#include "kernel/log/log.hpp"

namespace hospes::acpi {

namespace {

/// The table as far as it goes, zeros behind it.
[[nodiscard]] std::optional<FixedDescription> read_prefix(Tables const& tables, Table const& table)
{
    std::array<u8, sizeof(FixedDescription)> bytes{};
    if (!tables.memory().read(table.where, std::span{bytes}.first(std::min<size_t>(bytes.size(), table.length))))
        return std::nullopt;
    return std::bit_cast<FixedDescription>(bytes);
}

[[nodiscard]] std::optional<ResetRegister> reset_register(FixedDescription const& table)
{
    constexpr u64 end_of_ports = 0x10000;
    GenericAddress const where = table.reset_register;
    u64 const address = where.address;
    if ((table.flags & FixedDescription::reset_register_supported) == 0 || address == 0) return std::nullopt;
    if (where.space > GenericAddress::Space::PciConfiguration) return std::nullopt;
    if (where.space == GenericAddress::Space::Port && address >= end_of_ports) return std::nullopt;
    return ResetRegister{.space = where.space, .address = address, .value = table.reset_value};
}

[[nodiscard]] std::optional<PowerManagementTimer> timer(FixedDescription const& table)
{
    constexpr u64 last_port = 0xFFFC;
    GenericAddress const extended = table.extended_pm_timer_block;
    bool const use_extended = extended.address != 0 && extended.space == GenericAddress::Space::Port;
    u64 const port = use_extended ? u64{extended.address} : u64{table.pm_timer_block};
    if (port == 0 || port > last_port || table.pm_timer_length != sizeof(u32)) return std::nullopt;
    return PowerManagementTimer{.port = static_cast<u16>(port),
                                .is_32_bits = (table.flags & FixedDescription::timer_is_32_bits) != 0};
}

}

Expected<Fadt> parse_fadt(Tables const& tables)
{
    auto const table = tables.find("FACP");
    if (!table) return failure(Error::NotFound);
    auto const content =
        table->length >= FixedDescription::bytes_of_version_1 ? read_prefix(tables, *table) : std::nullopt;
    if (!content) {
        log_warning("ACPI: the FADT is too short; ignored");
        return failure(Error::Invalid);
    }
    return Fadt{.sci_interrupt = content->sci_interrupt,
                .dsdt = Hpa{content->extended_dsdt != 0 ? u64{content->extended_dsdt} : u64{content->dsdt}},
                .facs = Hpa{content->extended_facs != 0 ? u64{content->extended_facs} : u64{content->facs}},
                .reset = reset_register(*content),
                .timer = timer(*content)};
}

}
