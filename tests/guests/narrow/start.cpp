// SPDX-License-Identifier: MIT
/// How a 32-bit test guest begins, speaks and ends.
#include "tests/guests/narrow/narrow.hpp"

#include <cpuid.h>

extern "C" std::uint8_t hypercall_page[];

namespace hospes::test {

namespace {

constexpr std::uint16_t debug_port = 0xe9;
constexpr std::uint16_t debug_exit_port = 0xf4; // QEMU's isa-debug-exit
constexpr Number debug_exit_pass = 0x10, debug_exit_fail = 0x11;

Number checks = 0;
Number failures = 0;

void print_number(Number number)
{
    std::array<char, 10> digits;
    std::size_t first = digits.size();
    do digits[--first] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    print({&digits[first], digits.size() - first});
}

}

/// The machine's console is dom0's. Other domains have a line in the log, by a port.
void print(std::string_view text)
{
    if (hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, text.size(), text.data()) >= 0) return;
    for (char character : text) asm volatile("outb %0, %1" : : "a"(character), "Nd"(debug_port));
}

void report(bool holds, std::string_view what)
{
    ++checks;
    if (!holds) ++failures;
    print(holds ? "  ok   " : "  FAIL ");
    print(what);
    print("\n");
}

void finish()
{
    print(failures == 0 ? "PASS " : "FAIL ");
    print(this_guest.name);
    print(": ");
    if (failures != 0) {
        print_number(failures);
        print(" of ");
    }
    print_number(checks);
    print(failures == 0 ? " checks\n" : "\n");
    asm volatile("outl %0, %1" : : "a"(failures == 0 ? debug_exit_pass : debug_exit_fail), "Nd"(debug_exit_port));
    sched_shutdown end{SHUTDOWN_poweroff};
    for (;;) (void)hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &end);
}

void find_hypervisor()
{
    Number highest = 0, register_number = 0, unused = 0, pages = 0;
    __cpuid(0x4000'0000, highest, unused, unused, unused);
    __cpuid(0x4000'0002, pages, register_number, unused, unused);
    asm volatile("wrmsr" : : "c"(register_number), "a"(hypercall_page), "d"(0) : "memory");
}

extern "C" [[noreturn]] void narrow_main()
{
    find_hypervisor();
    this_guest.prepare();
    call_all();
    finish();
}

}
