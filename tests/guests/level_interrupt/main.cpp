// SPDX-License-Identifier: MIT
/// Rule: a level-triggered line interrupts again after each end of interrupt for as long as it is asserted, and not
/// before; an edge interrupts once. So the hypervisor must hear of the ends of the first kind, and only of those,
/// even where the CPU takes them by itself (SDM vol. 3, 11.8.5 and 30.1.4; 82093AA, section 3.2.4).
/// Failure looks like a device that falls silent after its first interrupt, or a storm of them.
///
/// The line is the keyboard controller's: a byte written to its output buffer asserts it until the byte is read.

#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {
namespace {

constexpr u8 line_vector = 0x61;
constexpr u32 trigger_mode = 0x818; ///< the local APIC's trigger mode register, 32 vectors in each MSR

namespace keyboard {

constexpr u16 data_port = 0x60, command_port = 0x64;
constexpr u8 output_full = 1 << 0, input_full = 1 << 1;              // of its status
constexpr u8 interrupts_enabled = 1 << 0, mouse_disabled = 1 << 5;   // of its configuration
constexpr u8 write_configuration = 0x60, write_output_buffer = 0xd2; // commands

bool has_output() { return (in8(command_port) & output_full) != 0; }

void write(u16 port, u8 value)
{
    while ((in8(command_port) & input_full) != 0) {}
    out8(port, value);
}

void lower_line() { (void)in8(data_port); }

void raise_line()
{
    write(command_port, write_output_buffer);
    write(data_port, 0);
}

void prepare()
{
    write(command_port, write_configuration);
    write(data_port, interrupts_enabled | mouse_disabled);
    while (has_output()) lower_line();
}

}

namespace io_apic {

constexpr u64 page = 0xfec0'0000;
constexpr u32 keyboard_pin = 1, first_entry = 0x10;
constexpr u32 remote_irr = 1 << 14, level = 1 << 15, masked = 1 << 16;

u32 volatile& at(u64 offset) { return *reinterpret_cast<u32 volatile*>(page + offset); }

u32 volatile& select(u32 number)
{
    at(0) = number;
    return at(0x10);
}

u32 entry() { return select(first_entry + 2 * keyboard_pin); }
bool waits_for_end() { return (entry() & remote_irr) != 0; }

/// Active high, to CPU 0.
void route(u32 flags)
{
    select(first_entry + 2 * keyboard_pin + 1) = apic::id_of_cpu(0) << 24;
    select(first_entry + 2 * keyboard_pin) = flags | line_vector;
}

}

bool is_marked_level() { return (read_msr(trigger_mode + line_vector / 32) >> line_vector % 32 & 1) != 0; }

// --- what came ---

struct Record {
    u32 interrupts = 0;
    u32 marked_level = 0;   ///< the local APIC took them for level-triggered
    u32 waited_for_end = 0; ///< the I/O APIC had remote IRR set
    u32 last = 1;           ///< its handler lowers the line
};
constinit Record record{};

void note(TrapFrame&)
{
    ++record.interrupts;
    record.marked_level += is_marked_level();
    record.waited_for_end += io_apic::waits_for_end();
    if (record.interrupts == record.last) keyboard::lower_line();
    apic::end_of_interrupt();
}

/// How many come once interrupts are let in, of which the last lowers the line.
u32 count(u32 last)
{
    record = {.last = last};
    (void)wait_until([=] { return record.interrupts >= last; }, second);
    (void)wait_until([] { return false; }, millisecond); // and no more
    return record.interrupts;
}

// --- the rules ---

void level_repeats()
{
    constexpr u32 times = 5;
    io_apic::route(io_apic::level);
    keyboard::raise_line();
    report(equal(count(times), times), "an asserted level interrupts after each end");
    report(equal(record.marked_level, times), "the local APIC calls each level-triggered");
    report(equal(record.waited_for_end, times), "the I/O APIC waits for each end");
    report(!io_apic::waits_for_end(), "none is left out");
    keyboard::raise_line();
    report(equal(count(1), 1), "the next assertion is a new interrupt");
}

void level_is_masked()
{
    io_apic::route(io_apic::level | io_apic::masked);
    keyboard::raise_line();
    report(equal(count(0), 0), "a masked level does not interrupt");
    io_apic::route(io_apic::level);
    report(equal(count(1), 1), "unmasked, it does");
}

/// The same vector from elsewhere is an edge, and its end nobody else's.
void edge_between()
{
    apic::send(apic::id_of_cpu(0), apic::deliver_fixed | line_vector);
    report(count(1) == 1 && record.marked_level == 0, "an interrupt to self is an edge");
    keyboard::raise_line();
    report(count(2) == 2 && record.marked_level == 2, "the level is still one");
}

void edge_does_not_repeat()
{
    io_apic::route(0);
    keyboard::raise_line();
    u32 const edges = count(2);
    if (edges != 1 && !on_hospes())
        skip("Xen counts an edge of dom0's twice");
    else
        report(equal(edges, 1), "an edge interrupts once, however long it lasts");
    report(record.marked_level == 0 && record.waited_for_end == 0, "and nobody waits for its end");
    keyboard::lower_line();
    keyboard::raise_line();
    report(equal(count(1), 1), "the next edge does so again");
}

void run()
{
    apic::enable();
    set_trap_handler(line_vector, note);
    keyboard::prepare();
    level_repeats();
    level_is_masked();
    edge_between();
    edge_does_not_repeat();
    level_repeats();
    io_apic::route(io_apic::masked);
}

}

constinit Guest const this_guest{"level_interrupt", run};

}
