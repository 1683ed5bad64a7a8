// SPDX-License-Identifier: MIT
/// Into the guest and back.
///
/// u64 vmx_enter(u64 gpr[16], u64 launched)
///
/// The CPU switches RSP, RIP, RFLAGS, the segments with FS and GS base, the descriptor tables, the control registers,
/// EFER and PAT; we the other general-purpose registers. An exit arrives at vmx_exit with the stack as it was.
/// Returns 0 if the entry failed before any guest state was loaded.

.text
.code64

// Indexes of emulator::Gpr.
.set rax_slot, 0 * 8
.set rcx_slot, 1 * 8
.set rdx_slot, 2 * 8
.set rbx_slot, 3 * 8
.set rbp_slot, 5 * 8
.set rsi_slot, 6 * 8
.set rdi_slot, 7 * 8

.set host_rsp_field, 0x6c14

.globl vmx_enter
.type vmx_enter, @function
vmx_enter:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdi                      // gpr
    movl $host_rsp_field, %eax
    vmwrite %rsp, %rax
    testq %rsi, %rsi                // decides the jump below: MOV keeps the flags
    movq rax_slot(%rdi), %rax
    movq rcx_slot(%rdi), %rcx
    movq rdx_slot(%rdi), %rdx
    movq rbx_slot(%rdi), %rbx
    movq rbp_slot(%rdi), %rbp
    movq rsi_slot(%rdi), %rsi
    movq 8*8(%rdi), %r8
    movq 9*8(%rdi), %r9
    movq 10*8(%rdi), %r10
    movq 11*8(%rdi), %r11
    movq 12*8(%rdi), %r12
    movq 13*8(%rdi), %r13
    movq 14*8(%rdi), %r14
    movq 15*8(%rdi), %r15
    movq rdi_slot(%rdi), %rdi
    jnz 1f
    vmlaunch
    jmp 2f
1:  vmresume
2:  popq %rax                       // gpr, not needed
    xorl %eax, %eax
    jmp restore

.globl vmx_exit
vmx_exit:
    pushq %rdi
    movq 8(%rsp), %rdi              // gpr
    movq %rax, rax_slot(%rdi)
    movq %rcx, rcx_slot(%rdi)
    movq %rdx, rdx_slot(%rdi)
    movq %rbx, rbx_slot(%rdi)
    movq %rbp, rbp_slot(%rdi)
    movq %rsi, rsi_slot(%rdi)
    movq %r8, 8*8(%rdi)
    movq %r9, 9*8(%rdi)
    movq %r10, 10*8(%rdi)
    movq %r11, 11*8(%rdi)
    movq %r12, 12*8(%rdi)
    movq %r13, 13*8(%rdi)
    movq %r14, 14*8(%rdi)
    movq %r15, 15*8(%rdi)
    popq rdi_slot(%rdi)
    popq %rax                       // gpr, not needed
    movl $1, %eax
restore:
    // A guest's values must not reach our code's speculation; zeroing is cheaper than proving they cannot.
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size vmx_enter, . - vmx_enter

.section .note.GNU-stack, "", @progbits
