// SPDX-License-Identifier: MIT
/// What a boot loader leaves, with any bytes in it: reading it must end, stay inside, and leave a map that can be
/// repaired.
#pragma once

#include <array>
#include <cstdlib>

#include "boot/sanitize.hpp"
#include "tests/fakes/loader_memory.hpp"

namespace hospes::fuzz {

/// `read(memory, where, strings, info)` is one boot protocol's.
template <typename Read>
void read_boot_information(Read read, u8 const* data, size_t bytes)
{
    fakes::LoaderMemory memory{0x1000};
    memory.append(data, bytes);
    static std::array<char, 8192> room;
    boot::StringStore strings{room};
    static boot::BootInfo info;
    info = {};
    read(memory, Hpa{0x1000}, strings, info);
    boot::sanitize(info.memory_map);
    for (size_t i = 1; i < info.memory_map.size(); ++i)
        if (info.memory_map[i - 1].end() > info.memory_map[i].start) std::abort();
}

}
