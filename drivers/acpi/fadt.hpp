// SPDX-License-Identifier: MIT
/// The FADT as facts: how to reset the machine, which timer it has, where the DSDT is.
#pragma once

#include "drivers/acpi/parse.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::acpi {

/// Writing `value` there resets the machine. (ACPI Specification 6.5, section 4.8.3.6.)
struct ResetRegister {
    GenericAddress::Space space{};
    u64 address = 0;
    u8 value = 0;
};

/// Counts at 3.579545 MHz. (Section 4.8.3.3.)
struct PowerManagementTimer {
    u16 port = 0;
    bool is_32_bits = false; ///< else 24
};

struct Fadt {
    u16 sci_interrupt = 0;
    Hpa dsdt{};
    Hpa facs{};
    std::optional<ResetRegister> reset;
    std::optional<PowerManagementTimer> timer;
};

/// Errors: NotFound if there is no FADT, Invalid if it is shorter than that of ACPI 1.0 (logged).
[[nodiscard]] Expected<Fadt> parse_fadt(Tables const& tables);

}
