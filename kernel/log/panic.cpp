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

constinit std::atomic<unsigned> panics{0};
constinit std::array<void (*)(), 8> reports{};
constinit std::atomic<size_t> report_count{0};
constinit void (*refusal_report)() = nullptr;

/// False if a panic is under way already: on another CPU, which goes on, or on this one, which failed in it.
bool begin()
{
    unsigned const earlier = panics.fetch_add(1);
    if (earlier == 0) {
        console::break_locks();
        arch::stop_other_cpus();
    }
    return earlier == 0;
}

[[noreturn]] void end()
{
    if (options().no_reboot) {
        log_error("halted, as noreboot asks");
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

void panic_at_with(u64 instruction, u64 frame, std::string_view format, std::span<FormatArgument const> arguments)
{
    bool const is_first = begin();
    log_text(is_first ? "PANIC" : "PANIC during a panic", format, arguments);
    if (!is_first) arch::halt_machine();
    log_backtrace(instruction, frame);
    for (void (*report)() : reports)
        if (report != nullptr) report();
    end();
}

void panic_with(std::string_view format, std::span<FormatArgument const> arguments)
{
    panic_at_with(reinterpret_cast<u64>(__builtin_return_address(0)),
                  *static_cast<u64 const*>(__builtin_frame_address(0)), format, arguments);
}

void refuse_to_boot_with(std::string_view format, std::span<FormatArgument const> arguments)
{
    if (!begin()) arch::halt_machine();
    if (refusal_report != nullptr) refusal_report();
    log_text("cannot run on this machine", format, arguments);
    end();
}

}
