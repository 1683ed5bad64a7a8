// SPDX-License-Identifier: MIT
// From the PVH entry (32-bit protected mode, paging off, EBX = hvm_start_info) to 64-bit C++,
// with the first 4 GiB identity-mapped in 2 MiB pages. The pages are user accessible, so that
// a test can run a few instructions in ring 3 without a second set of tables.

#include "tests/guests/framework/selectors.h"

#define CR0_PE_MP_ET_NE_WP_PG 0x80010033
#define CR4_PAE 0x20
#define EFER_MSR 0xc0000080
#define EFER_LME 0x100
#define TABLE_FLAGS 0x07       // present, writable, user
#define LARGE_PAGE_FLAGS 0x87  // the same, and a 2 MiB leaf

#include "tests/guests/framework/pvh_note.inc"

    .section .text.entry, "ax", @progbits
    .code32
    .globl pvh_entry
pvh_entry:
    cli
    cld
    movl $boot_stack_top, %esp
    movl %ebx, start_info_address

    // One page-directory entry per 2 MiB: four directories lie one after the other.
    movl $page_directories, %edi
    movl $LARGE_PAGE_FLAGS, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $0x200000, %eax
    addl $8, %edi
    decl %ecx
    jnz 1b

    movl $page_directories + TABLE_FLAGS, %eax
    movl $page_pointers, %edi
    movl $4, %ecx
2:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    decl %ecx
    jnz 2b
    movl $page_pointers + TABLE_FLAGS, page_root

    call enter_long_mode
    ljmp $KERNEL_CODE, $boot_cpu_64

// Shared with the trampoline of the other CPUs: paging and 64-bit mode on, 32-bit code segment still loaded.
    .globl enter_long_mode
enter_long_mode:
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $page_root, %eax
    movl %eax, %cr3
    movl $EFER_MSR, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl $CR0_PE_MP_ET_NE_WP_PG, %eax
    movl %eax, %cr0
    lgdt boot_descriptor_table
    ret

    .code64
boot_cpu_64:
    call load_data_segments
    movl $boot_stack_top, %esp
    xorl %ebp, %ebp
    movl start_info_address, %edi
    call guest_start
    ud2

    .globl load_data_segments
load_data_segments:
    movl $KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    ret

    .section .rodata.entry, "a", @progbits
    .align 8
    .globl boot_descriptors
boot_descriptors:
    .quad 0
    .quad 0x00cf9b000000ffff // KERNEL_CODE_32
    .quad 0x00af9b000000ffff // KERNEL_CODE
    .quad 0x00cf93000000ffff // KERNEL_DATA
    .globl boot_descriptor_table
boot_descriptor_table:
    .word . - boot_descriptors - 1
    .quad boot_descriptors

    .section .bss.entry, "aw", @nobits
    .align 4096
    .globl page_root
page_root:
    .skip 0x1000
page_pointers:
    .skip 0x1000
    .globl page_directories
page_directories:
    .skip 0x4000
    .skip 0x4000
boot_stack_top:
start_info_address:
    .skip 8
