// SPDX-License-Identifier: MIT
/// A Multiboot 2 loader that leaves anything at all.
// sources: boot/multiboot2.cpp boot/sanitize.cpp kernel/lib/format.cpp tests/fakes/quiet_log.cpp
#include "boot/multiboot2.hpp"

#include "tests/fuzz/boot_information.hpp"

using namespace hospes;

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, size_t bytes)
{
    fuzz::read_boot_information(boot::read_multiboot2, data, bytes);
    return 0;
}
