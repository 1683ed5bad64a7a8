// SPDX-License-Identifier: MIT
/// Follows the SR-IOV capability: how many virtual functions there are, and where their registers lie.
#include "kernel/vpci/virtual_functions.hpp"

#include <utility>

#include "kernel/vpci/base_addresses.hpp"

namespace hospes::vpci {

namespace {

using pci::BaseAddress, pci::SriovControl;
namespace sriov = pci::sriov;

/// What the capability says now.
struct Count {
    SriovControl control;
    u16 functions = 0;
    u16 first = 0; ///< distance of the first from the physical function, in routing ids
    u16 stride = 0;
    [[nodiscard]] bool has(unsigned index) const { return control.get<SriovControl::Enable>() && index < functions; }
};

template <typename Read>
Count count_of(Read&& read)
{
    return {.control = SriovControl{read(sriov::control)},
            .functions = static_cast<u16>(read(sriov::function_count)),
            .first = static_cast<u16>(read(sriov::first_offset)),
            .stride = static_cast<u16>(read(sriov::stride))};
}

Count count_of(Platform& platform, VirtualPlace const& place)
{
    return count_of([&](u16 offset) {
        return platform.read_config(place.physical, static_cast<u16>(place.capability + offset), 2);
    });
}

constexpr unsigned routing_id(pci::FunctionAddress address) { return address.bus * 256U + address.devfn; }

/// None beyond the segment's last bus. (section 2.1.2)
std::optional<pci::FunctionAddress> address_in(Count const& count, pci::FunctionAddress physical, unsigned index)
{
    unsigned const id = routing_id(physical) + count.first + index * count.stride;
    if (!count.has(index) || id > 0xffff) return std::nullopt;
    return pci::FunctionAddress{
        .segment = physical.segment, .bus = static_cast<u8>(id >> 8), .devfn = static_cast<u8>(id & 0xff)};
}

constexpr u16 base_address_at(unsigned region) { return static_cast<u16>(sriov::first_base_address + 4 * region); }

}

bool exists(Platform& platform, VirtualPlace const& place, pci::FunctionAddress address)
{
    return address_in(count_of(platform, place), place.physical, place.index) == address;
}

std::optional<Gpa> memory_region(Platform& platform, VirtualPlace const& place, unsigned region)
{
    Count const count = count_of(platform, place);
    if (region >= sriov::region_count || place.sizes[region] == 0) return std::nullopt;
    if (!count.has(place.index) || !count.control.get<SriovControl::MemorySpace>()) return std::nullopt;
    auto const read = [&](unsigned number) {
        return platform.read_config(place.physical, static_cast<u16>(place.capability + base_address_at(number)), 4);
    };
    u64 const distance = place.index * place.sizes[region];
    return memory_start(read, region, sriov::region_count).transform([&](u64 first) { return Gpa{first + distance}; });
}

void VirtualFunctions::write_register(u16 offset, u32 value)
{
    bool const are_there = SriovControl{read_register(offset)}.get<SriovControl::Enable>();
    if (!are_there && SriovControl{value}.get<SriovControl::Enable>()) measure();
    space_.write_hardware(offset, 2, value);
}

/// As any driver finds out a size. There are no virtual functions yet, so nothing is decoded meanwhile.
/// (section 3.3.14)
void VirtualFunctions::measure()
{
    sizes_ = {};
    is_measured_ = true;
    for (unsigned region = 0; region < sriov::region_count; ++region) {
        BaseAddress const low{writable_bits(base_address_at(region))};
        u64 bits = low.raw() & BaseAddress::address_mask;
        if (bits == 0 || low.get<BaseAddress::IsPort>()) continue;
        bool const is_wide = low.get<BaseAddress::Width>() == pci::AddressWidth::Bits64;
        if (is_wide && region + 1 == sriov::region_count) break;
        u64 const upper = is_wide ? writable_bits(base_address_at(region + 1)) : ~u32{0};
        bits |= upper << 32;
        sizes_[region] = ~bits + 1;
        if (is_wide) ++region;
    }
}

/// What it reads as after ones have been written.
u32 VirtualFunctions::writable_bits(u16 offset)
{
    u32 const old = space_.read_hardware(at(offset), 4);
    space_.write_hardware(at(offset), 4, ~u32{0});
    u32 const bits = space_.read_hardware(at(offset), 4);
    space_.write_hardware(at(offset), 4, old);
    return bits;
}

std::optional<pci::FunctionAddress> VirtualFunctions::address_of(u16 index) const
{
    return address_in(count_of([&](u16 offset) { return space_.read_hardware(at(offset), 2); }), space_.function(),
                      index);
}

/// Those that the firmware may have made are not seen: nobody has measured them, and dom0 removes them first.
std::optional<VirtualPlace> VirtualFunctions::find(pci::FunctionAddress address) const
{
    pci::FunctionAddress const physical = space_.function();
    if (!is_measured_ || address.segment != physical.segment || address <= physical) return std::nullopt;
    Count const count = count_of([&](u16 offset) { return space_.read_hardware(at(offset), 2); });
    unsigned const distance = routing_id(address) - routing_id(physical);
    if (distance < count.first) return std::nullopt;
    unsigned const index = count.stride == 0 ? 0 : (distance - count.first) / count.stride;
    if (address_in(count, physical, index) != address) return std::nullopt;
    return VirtualPlace{
        .physical = physical, .capability = capability_, .index = static_cast<u16>(index), .sizes = sizes_};
}

}
