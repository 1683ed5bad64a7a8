// SPDX-License-Identifier: MIT
/// Ending the machine: by every way known, the politest first.
#include "arch/x86_64/cpu/machine.hpp"

#include "arch/x86_64/cpu/descriptors.hpp"
#include "arch/x86_64/cpu/port_io.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/log/log.hpp"

namespace hospes {

namespace {

struct ResetRegister {
    u16 port = 0;
    u8 volatile* memory = nullptr;
    u8 value = 0;
};

ResetRegister reset_register;
void (*power_off_action)() = nullptr;

/// Time for a reset to take effect; the clock may not be usable any more.
void pause_a_moment()
{
    constexpr u16 unused_port = 0x80; // a write takes about a microsecond on the ISA bus
    for (unsigned i = 0; i < 50'000; ++i) write_port8(unused_port, 0);
}

void reset_by_firmware_register()
{
    if (reset_register.memory)
        *reset_register.memory = reset_register.value;
    else if (reset_register.port != 0)
        write_port8(reset_register.port, reset_register.value);
}

/// The chipset's reset control. (Intel ICH data sheets, RST_CNT register)
void reset_by_chipset()
{
    constexpr u16 reset_control = 0xcf9;
    constexpr u8 system_reset = 1 << 1;
    constexpr u8 reset_cpu = 1 << 2;
    write_port8(reset_control, system_reset);
    write_port8(reset_control, system_reset | reset_cpu);
}

/// The keyboard controller's command to pulse the CPU's reset line.
void reset_by_keyboard_controller()
{
    constexpr u16 keyboard_command = 0x64;
    constexpr u8 pulse_reset = 0xfe;
    write_port8(keyboard_command, pulse_reset);
}

/// An exception with no descriptor to serve it, nor the one that follows.
void reset_by_triple_fault()
{
    TableRegister const nothing{0, 0};
    asm volatile("lidt %0; int3" : : "m"(nothing));
}

}

namespace machine {

void use_reset_port(u16 port, u8 value) { reset_register = {port, nullptr, value}; }

void use_reset_memory(Hpa where, u8 value)
{
    reset_register = {0, static_cast<u8 volatile*>(arch::map_device(where, 1)), value};
}

void use_power_off(void (*action)()) { power_off_action = action; }

}

namespace arch {

void reboot_machine()
{
    stop_other_cpus();
    for (auto const way :
         {reset_by_firmware_register, reset_by_chipset, reset_by_keyboard_controller, reset_by_triple_fault}) {
        way();
        pause_a_moment();
    }
    halt_machine();
}

void power_off_machine()
{
    stop_other_cpus();
    if (power_off_action) power_off_action();
    log_info("it is now safe to turn off the machine");
    halt_machine();
}

void halt_machine()
{
    stop_other_cpus();
    for (;;) asm volatile("cli; hlt");
}

}

}
