// SPDX-License-Identifier: MIT
// 256 interrupt stubs of 16 bytes each, the common path into C++, and the two ways out of
// a piece of code that is expected to fault.

#include "tests/guests/framework/selectors.h"

    .code64
    .section .text.traps, "ax", @progbits

// Vectors 8, 10-14, 17, 21, 29 and 30 push an error code themselves (SDM vol. 3, table 6-1; APM vol. 2, 8.2).
    .align 16
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .align 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    pushq $0
    .endif
    pushq $vector
    jmp trap_common
    .set vector, vector + 1
    .endr

trap_common:
    cld
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %rdi
    movq %rsp, %rbx
    andq $-16, %rsp
    call trap_dispatch
    movq %rbx, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

// bool run_recoverable(Recovery* rdi, void (*function)(void*) rsi, void* argument rdx)
// false: returned normally; true: came back through recover().
    .globl run_recoverable
run_recoverable:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    movq %rsp, (%rdi)
    movq %rdx, %rdi
    call *%rsi
    xorl %eax, %eax
    jmp unwind

// [[noreturn]] void recover(Recovery* rdi)
    .globl recover
recover:
    movq (%rdi), %rsp
    movl $1, %eax
unwind:
    popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret

// bool run_in_user_mode(Recovery* rdi, void (*function)(void*) rsi, void* argument rdx, stack top rcx)
// Always comes back through recover(): by USER_EXIT_VECTOR or by a fault.
    .globl run_in_user_mode
run_in_user_mode:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    movq %rsp, (%rdi)
    leaq -8(%rcx), %rcx
    movq $user_exit, (%rcx)
    movq %rdx, %rdi
    pushq $USER_DATA
    pushq %rcx
    pushq $2
    pushq $USER_CODE
    pushq %rsi
    iretq
user_exit:
    int $USER_EXIT_VECTOR
