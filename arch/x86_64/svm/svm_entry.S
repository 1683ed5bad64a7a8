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

#include "arch/x86_64/guest/register_switch.inc"

.text
.code64

.globl svm_enter
.type svm_enter, @function
svm_enter:
    push_callee_saved
    pushq %rdx                      // host VMCB
    pushq %rdi                      // gpr
    movq %rsi, %rax                 // VMLOAD, VMRUN and VMSAVE take the address in RAX
    load_guest_registers
    clgi
    sti
    vmload %rax
    vmrun %rax
    vmsave %rax                     // RAX is ours again: VMRUN restored it
    store_guest_registers
    popq %rax                       // gpr, not needed
    popq %rax                       // host VMCB
    vmload %rax
    cli
    forget_guest_registers
    stgi
    pop_callee_saved
    ret
.size svm_enter, . - svm_enter

.section .note.GNU-stack, "", @progbits
