// SPDX-License-Identifier: MIT
// Where a SIPI starts another CPU: real mode, copied to TRAMPOLINE_ADDRESS below 1 MiB.
// Goes to protected mode, then to 64-bit mode with the boot CPU's page tables, then to C++.

#include "tests/guests/framework/selectors.h"

#define TRAMPOLINE_ADDRESS 0x8000
#define CR0_PE 1

    .section .rodata.trampoline, "a", @progbits
    .code16
    .globl trampoline_begin, trampoline_end
trampoline_begin:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl TRAMPOLINE_ADDRESS + (trampoline_table - trampoline_begin)
    movl %cr0, %eax
    orl $CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $KERNEL_CODE_32, $other_cpu_32
    .align 8
trampoline_table:
    .word 31
    .long boot_descriptors
trampoline_end:

    .section .text.trampoline, "ax", @progbits
    .code32
other_cpu_32:
    movl $KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %ss
    movl other_cpu_stack, %esp
    call enter_long_mode
    ljmp $KERNEL_CODE, $other_cpu_64

    .code64
other_cpu_64:
    call load_data_segments
    movq other_cpu_stack, %rsp
    xorl %ebp, %ebp
    call other_cpu_start
    ud2

    .section .data.trampoline, "aw", @progbits
    .align 8
    .globl other_cpu_stack
other_cpu_stack:
    .quad 0
