// SPDX-License-Identifier: MIT
// From the PVH entry to 32-bit C++, in the state that a PVH guest begins in: flat segments, paging off.

#include "tests/guests/framework/pvh_note.inc"

    .section .text.entry, "ax", @progbits
    .code32
    .globl pvh_entry
pvh_entry:
    cli
    cld
    movl $stack_top, %esp
    xorl %ebp, %ebp
    call narrow_main
    ud2

// u32 call_page(u32 number, Registers*): through the hypercall page; the registers afterwards replace those before.
    .text
    .globl call_page
call_page:
    pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
    movl 20(%esp), %eax
    movl 24(%esp), %ebp
    shll $5, %eax
    addl $hypercall_page, %eax
    movl (%ebp), %ebx
    movl 4(%ebp), %ecx
    movl 8(%ebp), %edx
    movl 12(%ebp), %esi
    movl 16(%ebp), %edi
    call *%eax
    movl %ebx, (%ebp)
    movl %ecx, 4(%ebp)
    movl %edx, 8(%ebp)
    movl %esi, 12(%ebp)
    movl %edi, 16(%ebp)
    popl %ebp
    popl %edi
    popl %esi
    popl %ebx
    ret

    .section .bss.entry, "aw", @nobits
    .align 4096
    .globl hypercall_page
hypercall_page:
    .skip 0x1000
    .skip 0x4000
stack_top:
