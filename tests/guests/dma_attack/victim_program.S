// SPDX-License-Identifier: MIT
// What the victim runs, wherever it is put, in 32-bit mode without paging: adds one to the first word of each page from
// EBX to ECX, again and again. (victim.cpp)

.section .rodata
.code32
.globl victim_program, victim_program_end
victim_program:
    mov %ebx, %esi
1:  incl (%esi)
    add $4096, %esi
    cmp %ecx, %esi
    jb 1b
    jmp victim_program
victim_program_end:
