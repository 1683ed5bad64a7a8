# SPDX-License-Identifier: MIT
# A PVH guest that triple-faults at once: an empty interrupt table, then an undefined instruction.
# Nobody but itself may notice.
    .text
    .globl _start
_start:
    lidt empty_idt
    ud2
empty_idt:
    .word 0
    .long 0

#include "pvh_note.S"
