# SPDX-License-Identifier: MIT
# The note that makes an ELF file a PVH kernel: its 32-bit entry address (xen/include/public/elfnote.h).
    .set XEN_ELFNOTE_PHYS32_ENTRY, 18
    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long _start
