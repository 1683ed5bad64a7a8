# SPDX-License-Identifier: MIT
# A PVH guest that burns its processor for ever with interrupts off: it must not starve anybody.
    .text
    .globl _start
_start:
    cli
1:  jmp 1b

#include "pvh_note.S"
