// SPDX-License-Identifier: MIT
/// The address port keeps what was written; the data ports become accesses to configuration space.
#include "kernel/vpci/config_ports.hpp"

#include <algorithm>
#include <optional>

#include "kernel/lib/no_answer.hpp"

namespace hospes::vpci {

namespace {

using pci::PortAddress;

constexpr unsigned data_bytes = 4;

/// Bytes of a data access; what reaches past the register belongs to nobody.
constexpr unsigned bytes_inside(u64 port, unsigned bytes)
{
    return std::min(bytes, static_cast<unsigned>(ConfigPorts::last_data_port + 1 - port));
}

pci::FunctionAddress function_of(PortAddress address)
{
    return {.segment = 0, .bus = address.get<PortAddress::Bus>(), .devfn = address.get<PortAddress::Devfn>()};
}

u16 offset_of(PortAddress address, u64 port)
{
    return static_cast<u16>(u64{address.get<PortAddress::Offset>()} * data_bytes + (port - ConfigPorts::data_port));
}

constexpr bool is_data(u64 port) { return port >= ConfigPorts::data_port && port <= ConfigPorts::last_data_port; }

}

u64 ConfigPorts::read(Vcpu&, u64 port, unsigned bytes)
{
    PortAddress const address{address_.load(std::memory_order_relaxed)};
    if (port == address_port && bytes == data_bytes) return address.raw();
    if (!is_data(port) || !address.get<PortAddress::Enable>()) return no_answer<>;
    unsigned const inside = bytes_inside(port, bytes);
    u64 const missing = inside < bytes ? no_answer<> << (8 * inside) : 0;
    return pci_.read_config(function_of(address), offset_of(address, port), inside) | missing;
}

void ConfigPorts::write(Vcpu&, u64 port, unsigned bytes, u64 value)
{
    if (port == address_port && bytes == data_bytes)
        return address_.store(static_cast<u32>(value), std::memory_order_relaxed);
    PortAddress const address{address_.load(std::memory_order_relaxed)};
    if (!is_data(port) || !address.get<PortAddress::Enable>()) return;
    pci_.write_config(function_of(address), offset_of(address, port), bytes_inside(port, bytes), value);
}

}
