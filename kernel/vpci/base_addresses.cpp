// SPDX-License-Identifier: MIT
#include "kernel/vpci/base_addresses.hpp"

#include "kernel/vpci/virtual_functions.hpp"

namespace hospes::vpci {

std::optional<Gpa> memory_region(ConfigSpace const& space, unsigned region)
{
    if (space.virtual_place()) return memory_region(space.platform(), *space.virtual_place(), region);
    using pci::BaseAddress, pci::HeaderType;
    HeaderType const type{space.read_hardware(pci::header::type, 1)};
    unsigned const count = pci::base_address_count(type.get<HeaderType::Layout>());
    pci::Command const command{space.read_hardware(pci::header::command, 2)};
    if (region >= count || !command.get<pci::Command::MemorySpace>()) return std::nullopt;

    auto const value_of = [&](unsigned index) {
        return space.read_hardware(static_cast<u16>(pci::header::first_base_address + 4 * index), 4);
    };
    BaseAddress const low{value_of(region)};
    if (low.get<BaseAddress::IsPort>()) return std::nullopt;
    u64 address = low.raw() & BaseAddress::address_mask;
    if (low.get<BaseAddress::Width>() == pci::AddressWidth::Bits64) {
        if (region + 1 >= count) return std::nullopt;
        address |= u64{value_of(region + 1)} << 32;
    }
    if (address == 0) return std::nullopt;
    return Gpa{address};
}

}
