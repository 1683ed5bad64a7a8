// SPDX-License-Identifier: MIT
/// Where another CPU begins: in real mode, at a page below 1 MiB (smp.cpp copies this there).
/// It passes through the early page tables of boot/multiboot.S, which map low memory and the image alike.

#define TRAMPOLINE_ADDRESS      0x8000  // trampoline_address in smp.cpp
#define VIRTUAL_BASE            0xffffffff80000000
#define HERE(symbol)            ((symbol) - ap_trampoline_start + TRAMPOLINE_ADDRESS)

// AMD64 Architecture Programmer's Manual volume 2 (3.41): sections 3.1 and 5.3
#define CR0_PE                  0x1
#define CR0_PE_MP_ET_NE_WP_PG   0x80010033
#define CR4_PAE                 0x020
#define MSR_EFER                0xc0000080
#define EFER_LME_NXE            0x900

    .section .rodata.ap_trampoline, "a"
    .balign 16
    .global ap_trampoline_start, ap_trampoline_end
    .code16
ap_trampoline_start:
    cli
    cld
    lgdtl %cs:(gdt_pointer - ap_trampoline_start)
    movl $CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $0x08, $HERE(protected_mode)

    .code32
protected_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $(early_page_tables - VIRTUAL_BASE), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME_NXE, %eax
    wrmsr
    movl $CR0_PE_MP_ET_NE_WP_PG, %eax   // INIT left the caches disabled: this enables them, too
    movl %eax, %cr0
    ljmpl $0x18, $HERE(long_mode)

    .code64
long_mode:
    movabsq $ap_high_entry, %rax
    jmp *%rax

    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9a000000ffff            // 0x08: 32-bit code
    .quad 0x00cf92000000ffff            // 0x10: data
    .quad 0x00af9a000000ffff            // 0x18: 64-bit code
gdt_end:
gdt_pointer:
    .short gdt_end - gdt - 1
    .long HERE(gdt)
ap_trampoline_end:

    .text
/// In the image: from here on nothing of the trampoline is used, nor of the early page tables.
ap_high_entry:
    movq ap_start_parameters, %rax      // ApStartParameters::page_tables
    movq %rax, %cr3
    movq ap_start_parameters + 8, %rsp  // ApStartParameters::stack
    xorl %ebp, %ebp                     // end of every backtrace
    call ap_main
    ud2

    .section .note.GNU-stack, "", @progbits
