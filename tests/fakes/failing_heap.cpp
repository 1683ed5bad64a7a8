// SPDX-License-Identifier: MIT
/// The host's `new (std::nothrow)` behind the gate. The linker puts these in its place (--wrap, Makefile): the names
/// are those of the Itanium C++ ABI.
#include <cstddef>
#include <new>

#include "kernel/mm/allocation_gate.hpp"

extern "C" {

void* __wrap__ZnwmRKSt9nothrow_t(size_t bytes, std::nothrow_t const&)
{
    return hospes::may_allocate() ? ::operator new(bytes) : nullptr;
}
void* __wrap__ZnamRKSt9nothrow_t(size_t bytes, std::nothrow_t const&)
{
    return hospes::may_allocate() ? ::operator new[](bytes) : nullptr;
}
void* __wrap__ZnwmSt11align_val_tRKSt9nothrow_t(size_t bytes, std::align_val_t alignment, std::nothrow_t const&)
{
    return hospes::may_allocate() ? ::operator new(bytes, alignment) : nullptr;
}
}
