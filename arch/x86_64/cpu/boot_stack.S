// SPDX-License-Identifier: MIT
/// The booting CPU's block of stacks: it stays CPU 0's for ever. Layout: per_cpu.hpp.

#define CPU_STACK_BYTES 0x10000 // cpu_stack_bytes

    .section .bss.boot_stack, "aw", @nobits
    .balign CPU_STACK_BYTES
    .global boot_stack, boot_stack_end
boot_stack:
    .skip CPU_STACK_BYTES
boot_stack_end:

    .section .note.GNU-stack, "", @progbits
