// SPDX-License-Identifier: MIT
/// Where the parts of the hypervisor's image are. (linker.ld)
#pragma once

extern "C" {
// At virtual addresses of the image's mapping.
extern char const image_start[], image_end[];
extern char const boot_start[], boot_end[];         // used only while booting
extern char const boot_bss_start[], boot_bss_end[]; // likewise
extern char const text_start[], text_end[];
extern char const rodata_start[], rodata_end[];
extern char const data_start[];
}
