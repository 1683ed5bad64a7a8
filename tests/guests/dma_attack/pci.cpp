// SPDX-License-Identifier: MIT
#include "tests/guests/dma_attack/pci.hpp"

#include "tests/guests/framework/cpu.hpp"

namespace hospes::test {
namespace {

constexpr u16 config_address = 0xcf8, config_data = 0xcfc;
constexpr u8 command_register = 0x04, base_register = 0x10;
constexpr u32 memory_space = 0x2, bus_master = 0x4;

void select(u32 device, u8 offset) { out32(config_address, 0x8000'0000 | device << 11 | offset); }

u32 read_config(u32 device, u8 offset)
{
    select(device, offset);
    return in32(config_data);
}

}

std::optional<PciFunction> PciFunction::find(u32 identity)
{
    for (u32 device = 0; device != 32; ++device)
        if (read_config(device, 0) == identity) return PciFunction{device};
    return std::nullopt;
}

void PciFunction::switch_on() const
{
    select(device_, command_register);
    out32(config_data, memory_space | bus_master);
}

bool PciFunction::may_do_dma() const { return (read_config(device_, command_register) & bus_master) != 0; }
u64 PciFunction::registers() const { return read_config(device_, base_register) & ~u32{0xf}; }

}
