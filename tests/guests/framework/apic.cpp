// SPDX-License-Identifier: MIT
/// Switching the LAPIC on.

#include "tests/guests/framework/apic.hpp"

#include "tests/guests/framework/traps.hpp"

namespace hospes::test::apic {

void enable()
{
    write_msr(base_msr, read_msr(base_msr) | base_enable | base_x2apic);
    set_trap_handler(spurious_vector, [](TrapFrame&) {}); // a spurious interrupt wants no EOI
    write_msr(task_priority, 0);
    write_msr(spurious, software_enable | spurious_vector);
}

}
