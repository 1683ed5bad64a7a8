// SPDX-License-Identifier: MIT
/// Splits an access at the registers that answer instead of hardware, and joins the parts again.
#include "kernel/vpci/config_space.hpp"

#include <algorithm>

namespace hospes::vpci {

namespace {

constexpr u32 byte_at(u32 value, unsigned index) { return value >> (8 * index) & 0xff; }

constexpr u32 with_byte(u32 value, unsigned index, u32 byte)
{
    return (value & ~(u32{0xff} << (8 * index))) | byte << (8 * index);
}

/// `to`, which lies at `to_offset`, with those of its bytes replaced that `from` has too.
constexpr u32 merged(u32 to, u16 to_offset, unsigned to_bytes, u32 from, u16 from_offset, unsigned from_bytes)
{
    for (unsigned i = 0; i < to_bytes; ++i) {
        unsigned const where = to_offset + i;
        if (where >= from_offset && where - from_offset < from_bytes)
            to = with_byte(to, i, byte_at(from, where - from_offset));
    }
    return to;
}

static_assert(merged(0x11223344, 4, 4, 0xaabb, 6, 2) == 0xaabb3344);
static_assert(merged(0x1122, 6, 2, 0xaabbccdd, 4, 4) == 0xaabb);

}

Expected<> ConfigSpace::add(VirtualRegister const& which)
{
    if (!registers_.push_back(which)) return failure(Error::NoSpace);
    return {};
}

bool ConfigSpace::is_virtual(u16 offset) const
{
    return std::ranges::any_of(registers_, [&](VirtualRegister const& one) { return one.covers(offset); });
}

u32 ConfigSpace::read(u16 offset, unsigned bytes)
{
    u32 value = read_hardware(offset, bytes);
    for (VirtualRegister const& one : registers_)
        if (one.overlaps(offset, bytes))
            value = merged(value, offset, bytes, one.owner->read_register(one.offset), one.offset, one.bytes);
    return value;
}

void ConfigSpace::write(u16 offset, unsigned bytes, u32 value)
{
    write_parts(offset, bytes, value);
    for (VirtualRegister const& one : registers_) {
        if (!one.overlaps(offset, bytes)) continue;
        u32 const old = one.owner->read_register(one.offset);
        one.owner->write_register(one.offset, merged(old, one.offset, one.bytes, value, offset, bytes));
    }
}

/// What is not virtual goes to the hardware, in pieces as large as possible: a register must not be written that the
/// guest has not written, for there are some where writing a bit clears it.
void ConfigSpace::write_parts(u16 offset, unsigned bytes, u32 value)
{
    auto const is_virtual_at = [&](unsigned i) { return is_virtual(static_cast<u16>(offset + i)); };
    unsigned virtual_bytes = 0;
    for (unsigned i = 0; i < bytes; ++i) virtual_bytes += is_virtual_at(i) ? 1 : 0;
    if (virtual_bytes == bytes) return;
    if (virtual_bytes == 0) return write_hardware(offset, bytes, value);
    unsigned const half = bytes / 2;
    write_parts(offset, half, value & ((u32{1} << (8 * half)) - 1));
    write_parts(static_cast<u16>(offset + half), half, value >> (8 * half));
}

}
