// SPDX-License-Identifier: MIT
/// Into the guest and back.
///
/// u64 vmx_enter(u64 gpr[16], u64 launched)
///
/// The CPU switches RSP, RIP, RFLAGS, the segments with FS and GS base, the descriptor tables, the control registers,
/// EFER and PAT; we the other general-purpose registers. An exit arrives at vmx_exit with the stack as it was.
/// Returns 0 if the entry failed before any guest state was loaded.

#include "arch/x86_64/guest/register_switch.inc"

.set host_rsp_field, 0x6c14

.text
.code64

.globl vmx_enter
.type vmx_enter, @function
vmx_enter:
    push_callee_saved
    pushq %rdi                      // gpr
    movl $host_rsp_field, %eax
    vmwrite %rsp, %rax
    testq %rsi, %rsi                // decides the jump below: MOV keeps the flags
    movq rax_slot(%rdi), %rax
    load_guest_registers
    jnz 1f
    vmlaunch
    jmp 2f
1:  vmresume
2:  popq %rax                       // gpr, not needed
    xorl %eax, %eax
    jmp restore

.globl vmx_exit
vmx_exit:
    store_guest_registers
    movq %rax, rax_slot(%rdi)
    popq %rax                       // gpr, not needed
    movl $1, %eax
restore:
    forget_guest_registers
    pop_callee_saved
    ret
.size vmx_enter, . - vmx_enter

.section .note.GNU-stack, "", @progbits
