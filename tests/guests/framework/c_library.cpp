// SPDX-License-Identifier: MIT
/// The functions of C's library that the compiler and libc++ call, for 64-bit guests and 32-bit ones.

#include <cstddef>

extern "C" {

void* memcpy(void* target, void const* source, size_t size)
{
    void* result = target;
    asm volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(size) : : "memory");
    return result;
}

void* memset(void* target, int value, size_t size)
{
    void* result = target;
    asm volatile("rep stosb" : "+D"(target), "+c"(size) : "a"(value) : "memory");
    return result;
}

void* memmove(void* target, void const* source, size_t size)
{
    auto* to = static_cast<unsigned char*>(target);
    auto const* from = static_cast<unsigned char const*>(source);
    if (to <= from || to >= from + size) return memcpy(target, source, size);
    asm volatile("std; rep movsb; cld" : : "D"(to + size - 1), "S"(from + size - 1), "c"(size) : "memory");
    return target;
}

int memcmp(void const* left, void const* right, size_t size)
{
    auto const* a = static_cast<unsigned char const*>(left);
    auto const* b = static_cast<unsigned char const*>(right);
    for (size_t i = 0; i != size; ++i) {
        if (a[i] != b[i]) return a[i] - b[i];
    }
    return 0;
}

// <string.h> declares memchr in two C++ flavours of its own; the symbol is what counts.
void* find_byte(void const* memory, int value, size_t size) asm("memchr");
void* find_byte(void const* memory, int value, size_t size)
{
    auto const* bytes = static_cast<unsigned char const*>(memory);
    for (size_t i = 0; i != size; ++i) {
        if (bytes[i] == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(bytes + i);
    }
    return nullptr;
}

size_t strlen(char const* text)
{
    size_t length = 0;
    while (text[length] != '\0') ++length;
    return length;
}
}
