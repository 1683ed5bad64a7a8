// SPDX-License-Identifier: MIT
/// What compiler and standard library call when the impossible happens.
/// (libc++ hardening itself traps with an invalid opcode; arch/x86_64/cpu/traps.cpp turns that into a panic.)
#include <__verbose_abort>
#include <new>

#include "kernel/log/panic.hpp"

void std::__libcpp_verbose_abort(char const* format, ...) { hospes::panic("standard library: {}", format); }

extern "C" [[noreturn]] void __cxa_pure_virtual() { hospes::panic("a pure virtual function was called"); }

extern "C" [[noreturn]] void __stack_chk_fail() { hospes::panic("a decompression library overran its stack frame"); }
