// SPDX-License-Identifier: MIT
/// Counting checks, and how a guest ends.

#include "tests/guests/framework/report.hpp"

#include <atomic>

#include "kernel/abi/xen/sched.hpp"
#include "tests/guests/framework/console.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u16 debug_exit_port = 0xf4; // QEMU isa-debug-exit; ends with status (value << 1) | 1
constexpr u32 debug_exit_pass = 0x10;
constexpr u32 debug_exit_fail = 0x11;

constinit std::atomic<u32> checks{0};
constinit std::atomic<u32> failures{0};

[[noreturn]] void end_loaded()
{
    (void)schedule::shutdown(failures == 0 ? xen::ShutdownReason::Poweroff : xen::ShutdownReason::Crash);
    halt_for_ever();
}

}

void report(Condition condition, std::string_view what, std::source_location where)
{
    ++checks;
    if (condition.holds) {
        if (!is_loaded()) print("  ok   ", what, "\n");
        return;
    }
    ++failures;
    print("  FAIL ", what, " (", where.file_name(), ":", where.line(), ")\n");
    if (condition.has_values) {
        print("       saw ", condition.seen, " = ", hex(static_cast<u64>(condition.seen)), ", wanted ",
              condition.wanted, "\n");
    }
}

void skip(std::string_view why)
{
    if (!is_loaded()) print("  skip ", why, "\n");
}

void finish()
{
    disable_interrupts();
    if (is_loaded()) end_loaded();
    if (failures == 0) {
        print("PASS ", this_guest.name, ": ", checks.load(), " checks\n");
    } else {
        print("FAIL ", this_guest.name, ": ", failures.load(), " of ", checks.load(), "\n");
    }
    flush_console();
    if (is_dom0()) out32(debug_exit_port, failures == 0 ? debug_exit_pass : debug_exit_fail);
    (void)schedule::shutdown(xen::ShutdownReason::Poweroff);
    halt_for_ever();
}

void abandon(std::string_view why, std::source_location where)
{
    report(false, why, where);
    finish();
}

}
