// SPDX-License-Identifier: MIT
/// A boot loader that leaves anything at all: reading it must end, stay inside, and leave a map that can be repaired.
// sources: boot/multiboot2.cpp boot/sanitize.cpp kernel/lib/format.cpp tests/fakes/quiet_log.cpp
#include "boot/multiboot2.hpp"

#include <array>
#include <cstdlib>

#include "boot/sanitize.hpp"
#include "tests/fakes/loader_memory.hpp"

using namespace hospes;

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, size_t bytes)
{
    fakes::LoaderMemory memory{0x1000};
    memory.append(data, bytes);
    static std::array<char, 8192> room;
    boot::StringStore strings{room};
    static boot::BootInfo info;
    info = {};
    boot::read_multiboot2(memory, Hpa{0x1000}, strings, info);
    boot::sanitize(info.memory_map);
    for (size_t i = 1; i < info.memory_map.size(); ++i)
        if (info.memory_map[i - 1].end() > info.memory_map[i].start) std::abort();
    return 0;
}
