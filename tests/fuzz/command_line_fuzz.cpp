// SPDX-License-Identifier: MIT
/// Any command line: parsing must end, and complaints must point into the line.
// sources: kernel/options/command_line.cpp kernel/options/options.cpp kernel/options/parse_values.cpp
#include "kernel/options/command_line.hpp"

#include <cstdlib>

using namespace hospes;

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, size_t bytes)
{
    std::string_view const line{reinterpret_cast<char const*>(data), bytes};
    auto const check = [&](OptionComplaint complaint) {
        if (complaint.option.data() < line.data() ||
            complaint.option.data() + complaint.option.size() > line.data() + line.size())
            std::abort();
    };
    Options const options = parse_options(strip_image_name(line, "qemu"), check);
    if (options.dom0_memory.size.of(gib) > gib) std::abort();
    return 0;
}
