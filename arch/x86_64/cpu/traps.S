// SPDX-License-Identifier: MIT
/// Entries for the 256 interrupt vectors. Layouts: traps.hpp.

    .text
    .balign 16
    .global trap_entries
trap_entries:
    .set vector, 0
    .rept 256
    .balign 16
    // These push an error code by themselves (APM volume 2, table 8-1); for the others a zero keeps the frame alike.
    .if vector != 8 && vector != 10 && vector != 11 && vector != 12 && vector != 13 && vector != 14 && vector != 17 && vector != 21 && vector != 29 && vector != 30
    pushq $0
    .endif
    pushq $vector
    jmp trap_common
    .set vector, vector + 1
    .endr

    .balign 16
trap_common:
    // The CPU aligned the stack to 16 before pushing 5 words; with ours the frame is 22, so it is aligned again.
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rdi
    call handle_trap
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
    iretq

    .section .note.GNU-stack, "", @progbits
