// SPDX-License-Identifier: MIT
/// Copies bitmaps from and to the toolstack, cut to the shorter of both sides.
#include "kernel/hypercall/control_bitmap.hpp"

#include <algorithm>

namespace hospes {

namespace {

constexpr u32 bits_per_byte = 8;
constexpr u32 most_bytes = 512; // no machine has more CPUs than that many bits
constexpr u32 own_bytes = CpuSet::size / bits_per_byte;

u32 bytes_in(xen::ControlBitmap const& bitmap)
{
    return std::min((bitmap.nr_bits + bits_per_byte - 1) / bits_per_byte, most_bytes);
}

}

Expected<CpuSet> read_bitmap(Vcpu& caller, xen::ControlBitmap const& from)
{
    CpuSet set;
    for (u32 i = 0; i < std::min(bytes_in(from), own_bytes); ++i) {
        auto const byte = copy_in(caller, from.bitmap, i);
        if (!byte) return failure(byte.error());
        for (u32 bit = 0; bit < bits_per_byte; ++bit) {
            u32 const number = i * bits_per_byte + bit;
            if (number < from.nr_bits) set.assign(number, (*byte >> bit & 1) != 0);
        }
    }
    return set;
}

Expected<> write_bitmap(Vcpu& caller, xen::ControlBitmap const& to, CpuSet const& set)
{
    if (to.bitmap.is_null()) return {};
    for (u32 i = 0; i < bytes_in(to); ++i) {
        u8 byte = 0;
        for (u32 bit = 0; i < own_bytes && bit < bits_per_byte; ++bit) {
            u32 const number = i * bits_per_byte + bit;
            if (number < to.nr_bits && set.test(number)) byte = static_cast<u8>(byte | 1u << bit);
        }
        if (auto const copied = copy_out(caller, to.bitmap, byte, i); !copied) return copied;
    }
    return {};
}

}
