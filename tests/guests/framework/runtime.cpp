// SPDX-License-Identifier: MIT
/// What the compiler and libc++ expect to find in a freestanding image, beside C's library.

#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"

extern "C" {
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
void* __dso_handle = nullptr;
}

namespace std {
inline namespace __1 {
/// libc++'s hardening checks end here: a test that indexes out of bounds is a failed test.
[[noreturn]] void __libcpp_verbose_abort(char const* format, ...)
{
    hospes::test::print("libc++ check failed: ", format, "\n");
    hospes::test::abandon("libc++ hardening check");
}
}
}
