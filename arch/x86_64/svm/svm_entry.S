// SPDX-License-Identifier: MIT
/// Into the guest and back.
///
/// void svm_enter(u64 gpr[16], u64 guest_vmcb, u64 host_vmcb)
///
/// VMRUN itself switches RAX, RSP, RIP, RFLAGS, CS, SS, DS, ES, GDTR, IDTR, the control registers and EFER; VMLOAD and
/// VMSAVE the hidden rest (FS, GS, TR, LDTR and the system call registers); we the other general-purpose registers.
///
/// Between CLGI and STGI nothing interrupts, so the guest's TR and GS are never seen by one of our handlers. IF is set
/// before VMRUN because with V_INTR_MASKING it is the host's IF that lets a physical interrupt end the run
/// (APM vol. 2, 15.21.1).

.text
.code64

// Indexes of emulator::Gpr.
.set rcx_slot, 1 * 8
.set rdx_slot, 2 * 8
.set rbx_slot, 3 * 8
.set rbp_slot, 5 * 8
.set rsi_slot, 6 * 8
.set rdi_slot, 7 * 8

.globl svm_enter
.type svm_enter, @function
svm_enter:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdx                      // host VMCB
    pushq %rdi                      // gpr
    movq %rsi, %rax                 // VMLOAD, VMRUN and VMSAVE take the address in RAX
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
    clgi
    sti
    vmload %rax
    vmrun %rax
    vmsave %rax                     // RAX is ours again: VMRUN restored it
    pushq %rdi
    movq 8(%rsp), %rdi              // gpr
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
    popq %rax                       // host VMCB
    vmload %rax
    cli
    // A guest's values must not reach our code's speculation; zeroing is cheaper than proving they cannot.
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    stgi
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size svm_enter, . - svm_enter

.section .note.GNU-stack, "", @progbits
