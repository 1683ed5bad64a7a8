// SPDX-License-Identifier: MIT
// What the second CPU does, in real mode, with page REAL_MODE_PAGE as code and data; copied there by main.cpp, which knows
// the layout of what lies at its end.

#define REAL_MODE_PAGE 0x9000
#define AT(label) REAL_MODE_PAGE + (label - real_mode_begin)

#define XEN_VERSION 17
#define PLATFORM_PARAMETERS 5

.macro hypercall
    cmpb $0, AT(real_mode_is_vmmcall)
    jne 1f
    vmcall
    jmp 2f
1:  vmmcall
2:
.endm

    .section .rodata.real_mode, "a", @progbits
    .code16
    .globl real_mode_begin, real_mode_end, real_mode_data
real_mode_begin:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movl $XEN_VERSION, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    hypercall
    movl %eax, AT(real_mode_version)

    // Pointers are addresses, without a segment.
    movw $0x1234, %ax
    movw %ax, %es
    movl $XEN_VERSION, %eax
    movl $PLATFORM_PARAMETERS, %ebx
    movl $AT(real_mode_parameters), %ecx
    hypercall
    movl %eax, AT(real_mode_answer)
    movl $1, AT(real_mode_done)
3:  hlt
    jmp 3b

    .align 4
real_mode_data:
real_mode_is_vmmcall:
    .long 0
real_mode_version:
    .long 0
real_mode_answer:
    .long 0x5a5a5a5a
    .long 0x5a5a5a5a
real_mode_parameters:
    .long 0x5a5a5a5a
    .long 0x5a5a5a5a
real_mode_done:
    .long 0
real_mode_end:
