// SPDX-License-Identifier: MIT
/// Ends the hypervisor with as much said as possible. Nothing here may fail, wait or allocate.
#include "kernel/log/panic.hpp"

#include <array>
#include <atomic>

#include "kernel/arch/cpu.hpp"
#include "kernel/log/console.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/refusal.hpp"
#include "kernel/log/symbols.hpp"
#include "kernel/options/command_line.hpp"

namespace hospes {
namespace {

constexpr unsigned nobody = ~0U;

constinit std::atomic<unsigned> panicking_cpu{nobody};
constinit unsigned panics = 0; ///< of that CPU: each one inside another leaves less to try
constinit std::array<void (*)(), 8> reports{};
constinit std::atomic<size_t> report_count{0};
constinit void (*refusal_report)() = nullptr;

/// How many panics of this CPU are under way already: it failed in telling of them.
[[nodiscard]] unsigned begin()
{
    unsigned const self = arch::this_cpu();
    // If another CPU was first, it tells, and is about to stop this one.
    for (unsigned first = nobody; !panicking_cpu.compare_exchange_strong(first, self) && first != self; first = nobody)
        arch::spin_hint();
    arch::stop_other_cpus();
    console::break_locks();
    return panics++;
}

[[noreturn]] void end(bool can_log)
{
    if (options().no_reboot) {
        if (can_log) log_error("halted, as noreboot asks");
        arch::halt_machine();
    }
    arch::reboot_machine();
}

void log_text(std::string_view title, std::string_view format, std::span<FormatArgument const> arguments)
{
    std::array<char, 300> text;
    log_error("{}: {}", title, format_into(text, format, arguments));
}

}

void at_panic(void (*report)())
{
    size_t const index = report_count.fetch_add(1);
    if (index < reports.size()) reports[index] = report;
}

void at_refusal(void (*report)()) { refusal_report = report; }

void panic_at_with(Interrupted const& where, std::string_view format, std::span<FormatArgument const> arguments)
{
    unsigned const depth = begin();
    bool const can_log = depth < 2;
    if (depth > 2) arch::halt_machine(); // not even ending works
    if (can_log) log_text(depth == 0 ? "PANIC" : "PANIC during a panic", format, arguments);
    if (depth > 0) end(can_log);
    if (where.log_more != nullptr) where.log_more(where.context);
    log_backtrace(where.instruction, where.frame);
    for (void (*report)() : reports)
        if (report != nullptr) report();
    end(can_log);
}

void panic_with(std::string_view format, std::span<FormatArgument const> arguments)
{
    panic_at_with({.instruction = reinterpret_cast<u64>(__builtin_return_address(0)),
                   .frame = *static_cast<u64 const*>(__builtin_frame_address(0))},
                  format, arguments);
}

void refuse_to_boot_with(std::string_view format, std::span<FormatArgument const> arguments)
{
    unsigned const depth = begin();
    if (depth == 0 && refusal_report != nullptr) refusal_report();
    log_text("cannot run on this machine", format, arguments);
    end(true);
}

}
