// SPDX-License-Identifier: MIT
/// `xl dmesg` and `xl debug-keys`.
#include <algorithm>

#include "kernel/debug/debug_keys.hpp"
#include "kernel/hypercall/sysctl/sysctl_call.hpp"
#include "kernel/log/console.hpp"

namespace hospes::system_control {

/// Progress is counted in bytes; the place in the ring travels in the structure.
Expected<> read_console(SysctlCall& call)
{
    auto& request = call.request.u.read_console;
    std::array<char, 512> text;
    u32 copied_bytes = call.progress;
    while (copied_bytes < request.count) {
        size_t const room = std::min<size_t>(text.size(), request.count - copied_bytes);
        u32 const length = console::ring_read(std::span{text}.first(room), request.index, request.incremental != 0);
        if (length == 0) break;
        auto const bytes = std::span{reinterpret_cast<u8 const*>(text.data()), length};
        if (auto const copied = copy_to_guest(call.caller, Gva{request.buffer.address + copied_bytes}, bytes); !copied)
            return copied;
        copied_bytes += length;
        request.incremental = 1; // the rest follows on
        if (call.budget().is_spent()) return call.restart_at(copied_bytes);
    }
    if (request.clear != 0) console::ring_clear();
    request.count = copied_bytes;
    return {};
}

/// Progress: which of the keys, and how far its answer is.
Expected<> press_debug_keys(SysctlCall& call)
{
    constexpr u32 most_keys = 64;
    constexpr u32 position_bits = debug_position_bits;
    auto const& request = call.request.u.debug_keys;
    u32 const count = std::min(request.nr_keys, most_keys);
    u32 position = call.progress & ((u32{1} << position_bits) - 1);
    for (u32 i = call.progress >> position_bits; i < count; ++i, position = 0) {
        auto const key = copy_in(call.caller, request.keys, i);
        if (!key) return failure(key.error());
        if (!answer_debug_key(*key, position, call.budget())) return call.restart_at(i << position_bits | position);
        if (i + 1 < count && call.budget().is_spent()) return call.restart_at((i + 1) << position_bits);
    }
    return {};
}

}
