// SPDX-License-Identifier: MIT
/// The C functions that compilers and libc++ call by name in freestanding code.
#include "kernel/lib/memory_loops.hpp"

using namespace hospes;

extern "C" {

void* memcpy(void* to, void const* from, size_t bytes)
{
    memory_loops::copy_forward(to, from, bytes);
    return to;
}

void* memmove(void* to, void const* from, size_t bytes)
{
    memory_loops::move(to, from, bytes);
    return to;
}

void* memset(void* to, int value, size_t bytes)
{
    memory_loops::fill(to, static_cast<u8>(value), bytes);
    return to;
}

int memcmp(void const* left, void const* right, size_t bytes) { return memory_loops::compare(left, right, bytes); }

size_t strlen(char const* text)
{
    size_t length = 0;
    while (text[length] != '\0') ++length;
    return length;
}

void* memchr(void const* where, int value, size_t bytes)
{
    u8 const* at = static_cast<u8 const*>(where);
    for (; bytes != 0; --bytes, ++at)
        if (*at == static_cast<u8>(value)) return const_cast<u8*>(at);
    return nullptr;
}
}
