// SPDX-License-Identifier: MIT
/// Reads a region's place from hardware; that of a virtual function follows from its physical one.
#include "kernel/vpci/base_addresses.hpp"

#include "kernel/vpci/virtual_functions.hpp"

namespace hospes::vpci {

std::optional<Gpa> memory_region(ConfigSpace const& space, unsigned region)
{
    if (space.virtual_place()) return memory_region(space.platform(), *space.virtual_place(), region);
    using pci::HeaderType;
    HeaderType const type{space.read_hardware(pci::header::type, 1)};
    unsigned const count = pci::base_address_count(type.get<HeaderType::Layout>());
    pci::Command const command{space.read_hardware(pci::header::command, 2)};
    if (region >= count || !command.get<pci::Command::MemorySpace>()) return std::nullopt;

    auto const read = [&](unsigned number) {
        return space.read_hardware(static_cast<u16>(pci::header::first_base_address + 4 * number), 4);
    };
    return memory_start(read, region, count).transform([](u64 start) { return Gpa{start}; });
}

}
