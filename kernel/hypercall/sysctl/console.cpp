// SPDX-License-Identifier: MIT
/// `xl dmesg` and `xl debug-keys`.
#include <algorithm>

#include "kernel/debug/debug_keys.hpp"
#include "kernel/hypercall/sysctl/sysctl_call.hpp"
#include "kernel/log/console.hpp"

namespace hospes::system_control {

Expected<> read_console(SysctlCall& call)
{
    auto& request = call.request.u.read_console;
    std::array<char, 512> text;
    u32 copied_bytes = 0;
    u32 index = request.index;
    bool incremental = request.incremental != 0;
    while (copied_bytes < request.count) {
        size_t const room = std::min<size_t>(text.size(), request.count - copied_bytes);
        u32 const length = console::ring_read(std::span{text}.first(room), index, incremental);
        if (length == 0) break;
        auto const bytes = std::span{reinterpret_cast<u8 const*>(text.data()), length};
        if (auto const copied = copy_to_guest(call.caller, Gva{request.buffer.address + copied_bytes}, bytes); !copied)
            return copied;
        copied_bytes += length;
        incremental = true; // the rest follows on
    }
    if (request.clear != 0) console::ring_clear();
    request.index = index;
    request.count = copied_bytes;
    return {};
}

Expected<> press_debug_keys(SysctlCall& call)
{
    constexpr u32 most_keys = 64;
    auto const& request = call.request.u.debug_keys;
    for (u32 i = 0; i < std::min(request.nr_keys, most_keys); ++i) {
        auto const key = copy_in(call.caller, request.keys, i);
        if (!key) return failure(key.error());
        press_debug_key(*key);
    }
    return {};
}

}
