// SPDX-License-Identifier: MIT
// A hypercall from a 32-bit code segment of a 64-bit kernel, and back. All of it lies below 4 GiB.

#include "tests/guests/framework/selectors.h"

    .section .bss, "aw", @nobits
    .align 8
registers:
    .skip 8
stack:
    .skip 8

    .data
    .align 8
to_compatibility_mode:
    .long compatibility_mode
    .word KERNEL_CODE_32
    .globl compatibility_call_is_vmmcall
compatibility_call_is_vmmcall:
    .byte 0

// void compatibility_call(Registers&): RAX, RBX, RCX, RDX, RSI, RDI, RBP go in and out.
    .text
    .code64
    .globl compatibility_call
compatibility_call:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rdi, registers(%rip)
    movq %rsp, stack(%rip)
    movq 0(%rdi), %rax
    movq 8(%rdi), %rbx
    movq 16(%rdi), %rcx
    movq 24(%rdi), %rdx
    movq 32(%rdi), %rsi
    movq 48(%rdi), %rbp
    movq 40(%rdi), %rdi
    ljmpl *to_compatibility_mode(%rip)

    .code32
compatibility_mode:
    cmpb $0, compatibility_call_is_vmmcall
    jne 1f
    vmcall
    jmp 2f
1:  vmmcall
2:  ljmp $KERNEL_CODE, $back

// The CPU may have lost R8 to R15 and all upper halves meanwhile. (SDM vol. 1, 3.4.1.1.)
    .code64
back:
    movq registers(%rip), %r8
    movq %rax, 0(%r8)
    movq %rbx, 8(%r8)
    movq %rcx, 16(%r8)
    movq %rdx, 24(%r8)
    movq %rsi, 32(%r8)
    movq %rdi, 40(%r8)
    movq %rbp, 48(%r8)
    movq stack(%rip), %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
