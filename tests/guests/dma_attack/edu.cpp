// SPDX-License-Identifier: MIT
#include "tests/guests/dma_attack/edu.hpp"

#include <algorithm>

#include "tests/guests/dma_attack/pci.hpp"

namespace hospes::test {
namespace {

constexpr u32 identity = 0x11e8'1234;

constexpr u32 dma_source = 0x80, dma_destination = 0x88, dma_count = 0x90, dma_command = 0x98;
constexpr u64 start = 1, from_device = 2;
constexpr u64 buffer_at = 0x40000; // as the device itself calls it

}

std::optional<Edu> Edu::find()
{
    auto const function = PciFunction::find(identity);
    if (!function) return std::nullopt;
    function->switch_on();
    return Edu{function->registers()};
}

void Edu::set(u32 offset, u64 value) { *reinterpret_cast<u64 volatile*>(registers_ + offset) = value; }
u64 Edu::get(u32 offset) const { return *reinterpret_cast<u64 volatile*>(registers_ + offset); }

void Edu::transfer(u64 source, u64 destination, u64 bytes, u64 direction)
{
    set(dma_source, source);
    set(dma_destination, destination);
    set(dma_count, bytes);
    set(dma_command, start | direction);
    while ((get(dma_command) & start) != 0) asm volatile("pause");
}

void Edu::read(u64 from, u64 bytes) { transfer(from, buffer_at, bytes, 0); }
void Edu::write(u64 to, u64 bytes) { transfer(buffer_at, to, bytes, from_device); }

void Edu::fill(std::span<u8> page, u8 value)
{
    std::ranges::fill(page, value);
    read(reinterpret_cast<u64>(page.data()), page.size());
}

void Edu::show(std::span<u8> page) { write(reinterpret_cast<u64>(page.data()), page.size()); }

}
