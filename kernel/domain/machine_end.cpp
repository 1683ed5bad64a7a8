// SPDX-License-Identifier: MIT
/// Powers off, restarts or halts the machine, as dom0 ended.
#include "kernel/domain/machine_end.hpp"

#include <array>
#include <string_view>

#include "kernel/arch/cpu.hpp"
#include "kernel/log/console.hpp"
#include "kernel/log/log.hpp"
#include "kernel/options/command_line.hpp"

namespace hospes {

namespace {

struct End {
    std::string_view what;
    void (*act)();
};

[[noreturn]] void reboot_unless_told_not_to()
{
    if (options().no_reboot) {
        log_error("'noreboot' was given: halted");
        arch::halt_machine();
    }
    arch::reboot_machine();
}

/// By ShutdownReason; a reason beyond the table is treated as a crash.
constexpr std::array<End, 6> ends{{
    {"powers off", +[] { arch::power_off_machine(); }},
    {"reboots", +[] { arch::reboot_machine(); }},
    {"suspended: not supported, rebooting", +[] { reboot_unless_told_not_to(); }},
    {"crashed", +[] { reboot_unless_told_not_to(); }},
    {"was stopped by its watchdog", +[] { reboot_unless_told_not_to(); }},
    {"asks for a soft reset: rebooting", +[] { arch::reboot_machine(); }},
}};

}

void end_machine(xen::ShutdownReason reason)
{
    auto const index = static_cast<size_t>(reason);
    End const& end = ends[index < ends.size() ? index : static_cast<size_t>(xen::ShutdownReason::Crash)];
    console::write_synchronously();
    log_warning("dom0 {}", end.what);
    end.act();
    arch::halt_machine();
}

}
