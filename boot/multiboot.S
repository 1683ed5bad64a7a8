// SPDX-License-Identifier: MIT
/// From the boot loader's 32-bit world to kernel_main(): headers, early page tables, long mode.
///
/// Entered in protected mode, paging off, EAX = the protocol's magic, EBX = its information structure.
/// The early page tables map the first 4 GiB three times with 2 MiB pages, all of it writable and executable:
/// at their own address, at the direct map's, and the first GiB at the image's. arch/x86_64/mm replaces them;
/// other CPUs pass through them while they start.

#define VIRTUAL_BASE     0xffffffff80000000
#define PHYSICAL(symbol) ((symbol) - VIRTUAL_BASE)

// Multiboot 0.6.96, section 3.1
#define MULTIBOOT1_MAGIC        0x1badb002
#define MULTIBOOT1_PAGE_ALIGN   0x1
#define MULTIBOOT1_MEMORY_INFO  0x2
#define MULTIBOOT1_FLAGS        (MULTIBOOT1_PAGE_ALIGN | MULTIBOOT1_MEMORY_INFO)

// Multiboot 2.0, section 3.1
#define MULTIBOOT2_MAGIC        0xe85250d6
#define TAG_END                 0
#define TAG_INFORMATION_REQUEST 1
#define TAG_CONSOLE_FLAGS       4
#define TAG_FRAMEBUFFER         5
#define TAG_MODULE_ALIGN        6
#define TAG_OPTIONAL            1
#define EGA_TEXT_SUPPORTED      2
#define INFO_BASIC_MEMORY       4
#define INFO_MEMORY_MAP         6

// AMD64 Architecture Programmer's Manual volume 2 (3.41): sections 3.1 and 5.3
#define CR0_PE_MP_ET_WP_PG      0x80010013
#define CR4_PAE                 0x020
#define CR4_OSFXSR_OSXMMEXCPT   0x600
#define MSR_EFER                0xc0000080
#define MSR_FS_BASE             0xc0000100
#define EFER_LME_NXE            0x900
#define EFER_LME_BIT            8
#define EFER_NXE_BIT            11
#define PAGE_TABLE              0x003   // present, writable
#define PAGE_LARGE              0x083   // present, writable, 2 MiB
#define CPUID_EXTENDED          0x80000001
#define CPUID_NX_BIT            20
#define CPUID_LONG_MODE_BIT     29

#define COM1                    0x3f8
#define UART_LINE_STATUS        5
#define UART_SPACE              0x20
#define VGA_TEXT                0xb8000
#define VGA_WHITE_ON_RED        0x4f

    .section .multiboot, "a"
    .balign 8
multiboot1_header:
    .long MULTIBOOT1_MAGIC, MULTIBOOT1_FLAGS, -(MULTIBOOT1_MAGIC + MULTIBOOT1_FLAGS)

    .balign 8
multiboot2_header:
    .long MULTIBOOT2_MAGIC, 0, multiboot2_end - multiboot2_header
    .long -(MULTIBOOT2_MAGIC + (multiboot2_end - multiboot2_header))
    .short TAG_INFORMATION_REQUEST, 0
    .long 16, INFO_BASIC_MEMORY, INFO_MEMORY_MAP
    .short TAG_MODULE_ALIGN, 0
    .long 8
    .short TAG_CONSOLE_FLAGS, TAG_OPTIONAL
    .long 12, EGA_TEXT_SUPPORTED
    .balign 8
    .short TAG_FRAMEBUFFER, TAG_OPTIONAL
    .long 20, 0, 0, 0                   // any size and depth: drivers/screen draws on what there is
    .balign 8
    .short TAG_END, 0
    .long 8
multiboot2_end:

    .section .low.text, "ax"
    .code32
    .global multiboot_entry
multiboot_entry:
    cli
    cld
    movl %eax, %ebp                     // magic
    movl $PHYSICAL(boot_stack_end), %esp
    lgdt early_gdt_pointer
    ljmp $0x08, $1f
1:  movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs

    // A CPU without CPUID is not thought of: every 64-bit one has it.
    movl $0x80000000, %eax
    pushl %ebx
    cpuid
    cmpl $CPUID_EXTENDED, %eax
    jb no_long_mode
    movl $CPUID_EXTENDED, %eax
    cpuid
    popl %ebx
    btl $CPUID_LONG_MODE_BIT, %edx
    jnc no_long_mode
    btl $CPUID_NX_BIT, %edx
    jnc no_execute_disable

clear_bss:
    movl $PHYSICAL(bss_start), %edi
    movl $PHYSICAL(bss_end), %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    rep stosl

fill_page_directories:                  // four of them, contiguous: entry i maps i * 2 MiB
    movl $PHYSICAL(early_directories), %edi
    movl $PAGE_LARGE, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b

    movl $PHYSICAL(early_directories + PAGE_TABLE), %eax
    movl %eax, PHYSICAL(early_image_pointers + 510 * 8)
    movl $PHYSICAL(early_direct_pointers), %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    loop 1b

    movl $PHYSICAL(early_direct_pointers + PAGE_TABLE), PHYSICAL(early_page_tables)
    movl $PHYSICAL(early_direct_pointers + PAGE_TABLE), PHYSICAL(early_page_tables + 256 * 8)
    movl $PHYSICAL(early_image_pointers + PAGE_TABLE), PHYSICAL(early_page_tables + 511 * 8)

enable_long_mode:
    movl $(CR4_PAE | CR4_OSFXSR_OSXMMEXCPT), %eax
    movl %eax, %cr4
    movl $PHYSICAL(early_page_tables), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME_NXE, %eax
    wrmsr
    movl $CR0_PE_MP_ET_WP_PG, %eax
    movl %eax, %cr0
    ljmp $0x18, $low_64bit

no_long_mode:
    movl $no_long_mode_text, %esi
    jmp stop
no_execute_disable:
    movl $no_execute_disable_text, %esi

/// Prints the text at ESI on the first serial port and on the screen, and halts.
stop:
    movl $VGA_TEXT, %edi
    movw $COM1 + UART_LINE_STATUS, %dx
1:  lodsb
    testb %al, %al
    jz 4f
    movb $VGA_WHITE_ON_RED, %ah
    movw %ax, (%edi)
    addl $2, %edi
    movl %eax, %ebx
    movl $100000, %ecx                  // a missing UART must not stop us
2:  inb %dx, %al
    testb $UART_SPACE, %al
    jnz 3f
    loop 2b
3:  movl %ebx, %eax
    subw $UART_LINE_STATUS, %dx
    outb %al, %dx
    addw $UART_LINE_STATUS, %dx
    jmp 1b
4:  hlt
    jmp 4b

    .code64
low_64bit:
    movabsq $high_64bit, %rax
    jmp *%rax

    .section .low.data, "aw"
    .balign 8
early_gdt:
    .quad 0
    .quad 0x00cf9a000000ffff            // 0x08: 32-bit code
    .quad 0x00cf92000000ffff            // 0x10: data
    .quad 0x00af9a000000ffff            // 0x18: 64-bit code
early_gdt_end:
early_gdt_pointer:
    .short early_gdt_end - early_gdt - 1
    .long early_gdt
no_long_mode_text:
    .asciz "Hospes needs a 64-bit CPU; this one has no long mode.\r\n"
no_execute_disable_text:
    .asciz "Hospes needs the no-execute page bit; enable XD/NX in the firmware's setup.\r\n"

    .section .boot.text, "ax"
high_64bit:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movq $boot_stack_end, %rsp

    // Decompression libraries are built with a stack protector: its canary is at %fs:0x28 (System V ABI, AMD64).
    movq $stack_protector_block, %rax
    movq %rax, %rdx
    shrq $32, %rdx
    movl $MSR_FS_BASE, %ecx
    wrmsr
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    movabsq $0x9e3779b97f4a7c15, %rcx   // spreads the few unknown bits of the time-stamp counter
    imulq %rcx, %rax
    xorb %al, %al                       // a zero byte stops string overruns
    movq %rax, stack_protector_block + 0x28

    movl %ebp, %edi                     // magic
    movl %ebx, %esi                     // information structure, below 4 GiB
    xorl %ebp, %ebp                     // end of every backtrace
    call kernel_main
    ud2

    .section .boot.bss, "aw", @nobits
    .balign 4096
    .global early_page_tables
early_page_tables:     .skip 4096
early_direct_pointers: .skip 4096
early_image_pointers:  .skip 4096
early_directories:     .skip 4 * 4096

    .section .bss.stack_protector, "aw", @nobits
    .balign 64
stack_protector_block: .skip 64

    .section .note.GNU-stack, "", @progbits
