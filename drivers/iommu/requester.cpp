// SPDX-License-Identifier: MIT
/// Walks the bridges above a function to the id that the IOMMU sees.
#include "drivers/iommu/requester.hpp"

#include <algorithm>

#include "drivers/pci/config_access.hpp"

namespace hospes::iommu {

namespace {

constexpr u16 secondary_bus = 0x19, subordinate_bus = 0x1a; // PCI-to-PCI Bridge Architecture 1.2, section 3.2.5
constexpr u8 multifunction = 0x80;
constexpr u8 express_capability = 0x10;
constexpr u8 express_to_conventional = 7; // PCI Express Base 5.0, section 7.5.3.2, "Device/Port Type"

bool exists(pci::FunctionAddress function)
{
    return pci::read_config(function, pci::header::vendor, 2) != pci::no_vendor;
}

/// Calls `visit(function)` for each function of a bus, until it returns true.
template <typename Visit>
bool for_each_function(u8 bus, Visit&& visit)
{
    for (unsigned device = 0; device < 32; ++device) {
        unsigned functions = 1;
        for (unsigned i = 0; i < functions; ++i) {
            pci::FunctionAddress const function{.segment = 0, .bus = bus, .devfn = static_cast<u8>(device << 3 | i)};
            if (!exists(function)) continue;
            if (i == 0 && (pci::read_config(function, pci::header::type, 1) & multifunction) != 0) functions = 8;
            if (visit(function)) return true;
        }
    }
    return false;
}

bool is_bridge(pci::FunctionAddress function)
{
    pci::HeaderType const type{pci::read_config(function, pci::header::type, 1)};
    return type.get<pci::HeaderType::Layout>() == pci::HeaderLayout::Bridge;
}

std::optional<pci::FunctionAddress> bridge_to(u8 bus)
{
    std::optional<pci::FunctionAddress> found;
    for (unsigned above = 0; above < bus && !found; ++above)
        for_each_function(static_cast<u8>(above), [&](pci::FunctionAddress function) {
            if (!is_bridge(function) || pci::read_config(function, secondary_bus, 1) != bus) return false;
            found = function;
            return true;
        });
    return found;
}

/// The Device/Port Type of PCI Express; none for conventional PCI.
std::optional<u8> port_type(pci::FunctionAddress function)
{
    constexpr unsigned most = 48;
    constexpr u32 aligned = 0xfc;
    pci::Status const status{pci::read_config(function, pci::header::status, 2)};
    if (!status.get<pci::Status::HasCapabilities>()) return std::nullopt;
    u32 offset = pci::read_config(function, pci::header::capabilities, 1) & aligned;
    for (unsigned i = 0; i < most && offset >= pci::header::first_capability; ++i) {
        u32 const capability = pci::read_config(function, static_cast<u16>(offset), 4);
        if ((capability & 0xff) == express_capability) return static_cast<u8>(capability >> 20 & 0xf);
        offset = capability >> 8 & aligned;
    }
    return std::nullopt;
}

}

Requester requester_of(pci::FunctionAddress function)
{
    Requester result{.id = id_of(function)};
    u8 bus = function.bus;
    while (auto const bridge = bridge_to(bus)) {
        auto const type = port_type(*bridge);
        if (!type) result = {.id = id_of(*bridge)};
        if (type == express_to_conventional)
            result = {.id = static_cast<u16>(bus << 8),
                      .is_any_of_buses = true,
                      .first_bus = bus,
                      .last_bus = static_cast<u8>(pci::read_config(*bridge, subordinate_bus, 1))};
        bus = bridge->bus;
    }
    return result;
}

Expected<u16> resolve(acpi::DevicePath const& path)
{
    u8 bus = path.start_bus;
    for (size_t i = 0;; ++i) {
        auto const [device, number] = path.steps[i];
        pci::FunctionAddress const function{
            .segment = 0, .bus = bus, .devfn = static_cast<u8>(unsigned{device} << 3 | number)};
        if (i + 1 == path.steps.size()) return id_of(function);
        if (!exists(function) || !is_bridge(function)) return failure(Error::NoSuchDevice);
        bus = static_cast<u8>(pci::read_config(function, secondary_bus, 1));
    }
}

std::optional<pci::FunctionAddress> find_unlisted(std::span<acpi::DevicePath const> listed)
{
    constexpr u16 base_class = 0x0b;
    constexpr u32 bridges = 0x06;
    auto const covers = [](acpi::DevicePath const& path, pci::FunctionAddress function) {
        auto const id = resolve(path);
        if (!id) return false;
        if (*id == id_of(function)) return true;
        pci::FunctionAddress const bridge = function_of(*id);
        return exists(bridge) && is_bridge(bridge) && function.bus >= pci::read_config(bridge, secondary_bus, 1) &&
               function.bus <= pci::read_config(bridge, subordinate_bus, 1);
    };
    std::optional<pci::FunctionAddress> found;
    for (unsigned bus = 0; bus < 256 && !found; ++bus)
        for_each_function(static_cast<u8>(bus), [&](pci::FunctionAddress function) {
            if (pci::read_config(function, base_class, 1) == bridges) return false;
            if (std::ranges::any_of(listed, [&](auto const& path) { return covers(path, function); })) return false;
            found = function;
            return true;
        });
    return found;
}

void stop_bus_mastering(pci::FunctionAddress function)
{
    pci::Command const command{pci::read_config(function, pci::header::command, 2)};
    pci::write_config(function, pci::header::command, 2, command.with<pci::Command::BusMaster>(false).raw());
}

void stop_bus_mastering()
{
    for (unsigned bus = 0; bus < 256; ++bus)
        for_each_function(static_cast<u8>(bus), [](pci::FunctionAddress function) {
            stop_bus_mastering(function);
            return false;
        });
}

}
