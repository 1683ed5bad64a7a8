// SPDX-License-Identifier: MIT
/// What the decompression libraries refer to when nobody gives them an allocator. Hospes always gives them one
/// (decompress.cpp), so these are needed by the linker only; a library that called them would report "out of memory".
#include "kernel/lib/integers.hpp"

extern "C" {

void* malloc(hospes::size_t) { return nullptr; }
void* calloc(hospes::size_t, hospes::size_t) { return nullptr; }
void free(void*) {}
}
