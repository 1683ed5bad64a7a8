// SPDX-License-Identifier: MIT
/// The samples themselves, as one block of assembler: each `good` or `refused` line adds an instruction to a list.
#include "tests/unit/arch/x86_64/emulator/assembled_samples.hpp"

asm(R"(
    .macro add_sample list:req, bits:req, instruction:vararg
        .pushsection .text.samples, "ax", @progbits
        .code\bits
        8880: \instruction
        8881:
        .code64
        .popsection
        .pushsection .rodata.sample_text, "a", @progbits
        8882: .asciz "\instruction"
        .popsection
        .pushsection \list, "aw", @progbits
        .quad 8880b, 8881b - 8880b, \bits, 8882b
        .popsection
    .endm
    .macro good bits:req, instruction:vararg
        add_sample good_samples, \bits, \instruction
    .endm
    .macro refused bits:req, instruction:vararg
        add_sample refused_samples, \bits, \instruction
    .endm

    # What makes a virtual CPU exit.
    .irp bits, 16, 32, 64
        .irp name, cpuid, rdmsr, wrmsr, vmcall, vmmcall, hlt, invd, wbinvd, wbnoinvd, xsetbv, rdtsc, rdtscp, rdpmc, pause
            good \bits, \name
        .endr
        .irp name, clts, mwait, rsm, int3, stgi, clgi, rdpru
            good \bits, \name
        .endr
        good \bits, int $0x80
        good \bits, .byte 0xf1 # int1
        good \bits, .byte 0x0f, 0x01, 0xc8 # monitor
        good \bits, .byte 0x0f, 0x01, 0xfa # monitorx
        good \bits, .byte 0x0f, 0x01, 0xfb # mwaitx
        good \bits, .byte 0x0f, 0x01, 0xd8 # vmrun
        good \bits, .byte 0x0f, 0x01, 0xda # vmload
        good \bits, .byte 0x0f, 0x01, 0xdb # vmsave
        good \bits, .byte 0x0f, 0x01, 0xde # skinit
        good \bits, .byte 0x0f, 0x01, 0xdf # invlpga
        good \bits, .byte 0x66, 0x2e, 0x0f, 0xa2 # cpuid with needless prefixes
        good \bits, .byte 0xf3, 0x64, 0x0f, 0x32
        good \bits, inb $0x60, %al
        good \bits, inw $0x60, %ax
        good \bits, inl $0x60, %eax
        good \bits, outb %al, $0x80
        good \bits, outw %ax, $0x80
        good \bits, outl %eax, $0x80
        good \bits, inb %dx, %al
        good \bits, inw %dx, %ax
        good \bits, inl %dx, %eax
        good \bits, outb %al, %dx
        good \bits, outw %ax, %dx
        good \bits, outl %eax, %dx
        .irp name, insb, insw, insl, outsb, outsw, outsl, movsb, movsw, movsl, stosb, stosw, stosl, lodsb, lodsw, lodsl
            good \bits, \name
            good \bits, rep \name
        .endr
        good \bits, outsb %fs:(%esi), %dx
        good \bits, movsl %gs:(%esi), %es:(%edi)
        good \bits, lmsw %ax
        good \bits, smsw %ax
        .irp address, (%ebx), 0x10(%ebp), 0x12345678(%esi), (%esp), -1(%eax,%ecx,8), 0x11223344, 0x1234(,%edi,2)
            good \bits, invlpg \address
            good \bits, lmsw \address
            good \bits, smsw \address
            .irp name, sgdt, sidt, lgdt, lidt, sldt, str, lldt, ltr
                good \bits, \name \address
            .endr
        .endr
    .endr
    .irp number, 0, 2, 3, 4
        good 32, mov %eax, %cr\number
        good 32, mov %cr\number, %edi
        good 64, mov %rax, %cr\number
        good 64, mov %cr\number, %r15
    .endr
    good 64, mov %cr8, %rax
    good 64, mov %r9, %cr8
    good 32, .byte 0xf0, 0x0f, 0x20, 0xc1 # lock mov %cr0, %ecx: CR8
    good 32, .byte 0x0f, 0x20, 0x00       # mod bits of MOV CRn are ignored
    good 64, .byte 0x0f, 0x22, 0x44       # ... no SIB, no displacement
    good 32, mov %dr7, %eax
    good 64, mov %dr7, %rax
    good 32, mov %ecx, %dr0
    good 64, mov %r8, %dr6

    # What compilers use on device memory: every operation, width and direction, over many addresses.
    .macro data bits:req, name:req, address:vararg
        good \bits, \name\()b %cl, \address
        good \bits, \name\()w %si, \address
        good \bits, \name\()l %edi, \address
        good \bits, \name\()b $0x55, \address
        good \bits, \name\()w $0x5555, \address
        good \bits, \name\()l $0x55555555, \address
        .if \bits == 64
            good \bits, \name\()q %r12, \address
            good \bits, \name\()q $-0x55555555, \address
            good \bits, \name\()b %sil, \address
            good \bits, \name\()w %r9w, \address
        .endif
    .endm
    .macro load bits:req, name:req, address:vararg
        good \bits, \name\()b \address, %dl
        good \bits, \name\()w \address, %bp
        good \bits, \name\()l \address, %esp
        .if \bits == 64
            good \bits, \name\()q \address, %r8
            good \bits, \name\()b \address, %r10b
        .endif
    .endm
    .macro small_immediate bits:req, name:req, address:vararg
        good \bits, \name\()w $-3, \address
        good \bits, \name\()l $-3, \address
        .if \bits == 64
            good \bits, \name\()q $-3, \address
        .endif
    .endm
    .macro unary bits:req, name:req, address:vararg
        good \bits, \name\()b \address
        good \bits, \name\()w \address
        good \bits, \name\()l \address
        good \bits, lock \name\()l \address
    .endm
    .macro locked bits:req, name:req, address:vararg
        good \bits, lock \name\()l %eax, \address
        good \bits, lock \name\()w $1, \address
    .endm
    .macro bit_change bits:req, name:req, address:vararg
        good \bits, \name\()l $31, \address
        good \bits, \name\()w %dx, \address
        good \bits, lock \name\()l %edx, \address
    .endm
    .macro everything bits:req, address:vararg
        .irp name, add, or, adc, sbb, and, sub, xor, cmp, mov
            data \bits, \name, \address
            load \bits, \name, \address
        .endr
        data \bits, test, \address
        .irp name, add, or, adc, sbb, and, sub, xor, cmp
            small_immediate \bits, \name, \address
        .endr
        .irp name, inc, dec, not, neg
            unary \bits, \name, \address
        .endr
        .irp name, add, or, adc, sbb, and, sub, xor
            locked \bits, \name, \address
        .endr
        .irp name, bts, btr, btc
            bit_change \bits, \name, \address
        .endr
        good \bits, btl $31, \address
        good \bits, btl %edx, \address
        good \bits, xchgb %al, \address
        good \bits, xchgw %ax, \address
        good \bits, lock xchgl %ebp, \address
        good \bits, movzbw \address, %ax
        good \bits, movzbl \address, %ecx
        good \bits, movzwl \address, %ecx
        good \bits, movsbw \address, %ax
        good \bits, movsbl \address, %ecx
        good \bits, movswl \address, %ecx
        .if \bits == 64
            good \bits, movzbq \address, %r11
            good \bits, movzwq \address, %r11
            good \bits, movsbq \address, %r11
            good \bits, movswq \address, %r11
            good \bits, movslq \address, %r11
            good \bits, xchgq %rax, \address
        .endif
    .endm

    .irp bits, 16, 32, 64
        everything \bits, (%eax)
        everything \bits, (%esp)
        everything \bits, (%ebp)
        everything \bits, 0x7f(%ecx)
        everything \bits, -0x80(%esp)
        everything \bits, 0x80(%edx)
        everything \bits, (%ebp,%eax,2)
        everything \bits, 0x12345678(%edi,%esi,8)
        everything \bits, 0x12345678(,%ebx,4)
        everything \bits, %fs:0x20(%ebx)
        everything \bits, %gs:0x11223344(%ebp)
    .endr
    .irp bits, 16, 32
        everything \bits, (%bx,%si)
        everything \bits, 1(%bx,%di)
        everything \bits, 0x1234(%bp,%si)
        everything \bits, (%bp,%di)
        everything \bits, (%si)
        everything \bits, -1(%di)
        everything \bits, 0(%bp)
        everything \bits, %es:0x7fff(%bx)
    .endr
    everything 16, 0x1234
    everything 32, 0x12345678
    everything 64, (%rax)
    everything 64, (%rsp)
    everything 64, (%rbp)
    everything 64, (%r12)
    everything 64, (%r13)
    everything 64, 1(%r12,%r13,8)
    everything 64, (%r13,%r12)
    everything 64, 0x12345678(%rip)
    everything 64, 0x12345678(%eip)
    everything 64, %gs:0x12345678
    everything 64, %fs:(%r15)

    # Absolute offsets.
    good 16, movb 0x1234, %al
    good 16, movl %eax, 0x1234
    good 16, movb %al, 0x1234
    good 32, movb 0x12345678, %al
    good 32, movw %ax, 0x12345678
    good 32, movl %gs:0x12345678, %eax
    good 64, movabsb 0x123456789abcdef0, %al
    good 64, movabsw 0x123456789abcdef0, %ax
    good 64, movabsl %eax, 0x123456789abcdef0
    good 64, movabsq %rax, %gs:0x123456789abcdef0
    good 64, .byte 0x67, 0xa1, 1, 2, 3, 4

    good 64, movsq
    good 64, rep stosq
    good 64, lodsq
    good 64, rep movsl (%esi), (%edi)
    good 64, .byte 0x48, 0x66, 0x89, 0x03 # a REX that is lost behind it
    good 64, .byte 0x66, 0x48, 0x89, 0x03
    good 64, .byte 0x63, 0xc3

    refused 16, nop
    refused 64, xchg %r8, %rax
    refused 64, .byte 0xf3, 0x41, 0x90
    refused 32, .byte 0xf2, 0x90
    refused 32, .byte 0x63, 0x03 # ARPL
    refused 64, lock movl %eax, (%rbx)
    refused 64, lock addl (%rbx), %eax
    refused 64, lock addl %eax, %ebx
    refused 64, lock cmpl %eax, (%rbx)
    refused 64, lock testl %eax, (%rbx)
    refused 64, lock btl $1, (%rbx)
    refused 64, lock cpuid
    refused 32, .byte 0xf0, 0x0f, 0x20, 0xd1 # lock mov %cr2, %ecx
    refused 64, .byte 0xc6, 0x4b, 1, 2       # C6 has one member
    refused 64, .byte 0xf6, 0x4b, 1, 2
    refused 64, .byte 0xff, 0x13             # call *(%rbx)
    refused 64, .byte 0x0f, 0xba, 0x03, 0x01
    refused 64, .byte 0x0f, 0x01, 0x2b
    refused 64, .byte 0x0f, 0x01, 0xc0
    refused 64, movaps %xmm0, (%rbx)
    refused 64, vmovdqa (%rbx), %ymm0
    refused 64, cmpxchg %eax, (%rbx)
    refused 64, xadd %eax, (%rbx)
    refused 64, pushq (%rbx)
    refused 64, popq (%rbx)
    refused 64, jmp *(%rbx)
    refused 64, cmpsb
    refused 64, scasb
    refused 64, ud2
    refused 32, pusha
)");

/// The linker makes these for sections whose names are C identifiers.
extern "C" hospes::emulator::test::Sample const __start_good_samples[], __stop_good_samples[];
extern "C" hospes::emulator::test::Sample const __start_refused_samples[], __stop_refused_samples[];

namespace hospes::emulator::test {

std::span<Sample const> good_samples() { return {__start_good_samples, __stop_good_samples}; }
std::span<Sample const> refused_samples() { return {__start_refused_samples, __stop_refused_samples}; }

}
