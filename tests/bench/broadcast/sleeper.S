// SPDX-License-Identifier: MIT
// What each of many vCPUs does, in real mode at SLEEPER_ADDRESS: it waits for interrupts, and counts itself and them.
// All share one stack: each interrupt leaves the same three words there.

#include "tests/bench/broadcast/sleeper.h"

    .section .rodata.sleeper, "a", @progbits
    .code16
    .globl sleeper_begin, sleeper_handler, sleeper_end
sleeper_begin:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $SLEEPER_STACK, %sp
    movl $0x1b, %ecx // the APIC's base: x2APIC mode
    rdmsr
    orl $0xc00, %eax
    wrmsr
    movl $0x80f, %ecx // spurious vector: the APIC is on
    xorl %edx, %edx
    movl $0x1ff, %eax
    wrmsr
    lock incw SLEEPER_ASLEEP
1:  sti
    hlt
    jmp 1b
sleeper_handler:
    cmpl $0, SLEEPER_FIRST
    jne 2f
    rdtsc
    movl %edx, SLEEPER_FIRST + 4
    movl %eax, SLEEPER_FIRST
2:  movl $0x80b, %ecx // end of interrupt
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    lock incw SLEEPER_WOKEN
    iretw
sleeper_end:
