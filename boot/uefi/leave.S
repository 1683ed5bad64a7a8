// SPDX-License-Identifier: MIT
/// The way from UEFI's long mode to where Multiboot 2 wants a kernel to begin: 32-bit protected mode without paging,
/// EAX = magic, EBX = information. Copied to a page below 4 GiB. RDI = entry point, RSI = information.
/// And the hypervisor itself, as a file within this file.

#define MULTIBOOT2_MAGIC 0x36d76289
#define MSR_EFER         0xc0000080
#define EFER_LME         0x100
#define CR0_WITHOUT_PG   0x7fffffff

    .section .text
    .code64
    .global leave_code, leave_code_end
    .hidden leave_code, leave_code_end
leave_code:
    cli
    movl %esi, %ebx
    movl %edi, %esi
    leaq gdt(%rip), %rax
    movq %rax, gdt_pointer + 2(%rip)
    lgdt gdt_pointer(%rip)
    leaq protected_mode(%rip), %rax
    pushq $0x08
    pushq %rax
    lretq
    .code32
protected_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %cr0, %eax
    andl $CR0_WITHOUT_PG, %eax
    movl %eax, %cr0
    movl $MSR_EFER, %ecx
    rdmsr
    andl $~EFER_LME, %eax
    wrmsr
    xorl %eax, %eax
    movl %eax, %cr4
    movl $MULTIBOOT2_MAGIC, %eax
    jmp *%esi

    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9a000000ffff            // 0x08: 32-bit code
    .quad 0x00cf92000000ffff            // 0x10: data
gdt_pointer:
    .short gdt_pointer - gdt - 1
    .quad 0
leave_code_end:

    .section .rodata, "a"
    .balign 16
    .global hypervisor_file, hypervisor_file_end
    .hidden hypervisor_file, hypervisor_file_end
hypervisor_file:
    .incbin "hospes.elf"
hypervisor_file_end:

    .section .note.GNU-stack, "", @progbits
