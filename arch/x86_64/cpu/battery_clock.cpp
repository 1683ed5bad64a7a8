// SPDX-License-Identifier: MIT
/// Reading the battery-backed clock once, at boot; afterwards it is dom0's. (Motorola MC146818 data sheet)
#include "arch/x86_64/cpu/calendar.hpp"
#include "arch/x86_64/cpu/port_io.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/time.hpp"

namespace hospes {

namespace {

u8 read_clock_register(u8 index)
{
    write_port8(0x70, index);
    return read_port8(0x71);
}

void wait_for_update()
{
    constexpr u8 status_a = 0x0a;
    constexpr u8 update_in_progress = 0x80;
    constexpr unsigned tries = 100'000; // an update takes 2 ms; a broken clock must not hang the machine
    for (unsigned i = 0; i < tries && (read_clock_register(status_a) & update_in_progress) != 0; ++i) arch::spin_hint();
}

ClockRegisters read_registers()
{
    wait_for_update();
    return {read_clock_register(0x00), read_clock_register(0x02), read_clock_register(0x04), read_clock_register(0x07),
            read_clock_register(0x08), read_clock_register(0x09), read_clock_register(0x0b)};
}

}

u64 arch::read_battery_clock()
{
    // An update may have begun between the registers: two equal readings are consistent.
    ClockRegisters last = read_registers();
    for (unsigned attempt = 0; attempt < 4; ++attempt) {
        ClockRegisters const next = read_registers();
        if (next == last) break;
        last = next;
    }
    return seconds_since_1970(last);
}

}
