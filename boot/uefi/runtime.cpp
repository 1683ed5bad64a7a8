// SPDX-License-Identifier: MIT
/// What the compiler and the standard library's headers call by themselves.
using size_t = decltype(sizeof 0);

extern "C" {

void* memcpy(void* to, void const* from, size_t count)
{
    void* const result = to;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    return result;
}

void* memset(void* to, int value, size_t count)
{
    void* const result = to;
    asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
    return result;
}

int memcmp(void const* one, void const* other, size_t count)
{
    auto const* a = static_cast<unsigned char const*>(one);
    auto const* b = static_cast<unsigned char const*>(other);
    for (size_t i = 0; i < count; ++i)
        if (a[i] != b[i]) return a[i] - b[i];
    return 0;
}

void* memchr(void const* where, int value, size_t count)
{
    auto const* bytes = static_cast<unsigned char const*>(where);
    for (size_t i = 0; i < count; ++i)
        if (bytes[i] == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(bytes + i);
    return nullptr;
}

size_t strlen(char const* text)
{
    size_t length = 0;
    while (text[length] != 0) ++length;
    return length;
}
}

namespace std::inline __1 {

/// An index out of bounds: a mistake in this program.
[[noreturn]] void __libcpp_verbose_abort(char const*, ...)
{
    for (;;) asm volatile("hlt");
}

}
