// SPDX-License-Identifier: MIT
/// Conventional space of segment 0 goes through the ports, which work on every PC; the MCFG of some does not.
#include "drivers/pci/config_access.hpp"

#include <atomic>

#include "arch/x86_64/cpu/port_io.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/lib/no_answer.hpp"
#include "kernel/sync/guarded.hpp"

namespace hospes::pci {

namespace {

// --- ports ---

Spinlock<LockRank::PciConfig> ports_lock;

/// Aims the data ports, and says which of them holds `offset`. Under `ports_lock`.
u16 aim_ports(FunctionAddress function, u16 offset)
{
    auto const address = PortAddress{}
                             .with<PortAddress::Enable>(true)
                             .with<PortAddress::Bus>(function.bus)
                             .with<PortAddress::Devfn>(function.devfn)
                             .with<PortAddress::Offset>(static_cast<u8>(offset / 4));
    write_port32(config_port::address, address.raw());
    return static_cast<u16>(config_port::data + offset % 4);
}

u32 read_by_ports(FunctionAddress function, u16 offset, unsigned bytes)
{
    LockGuard const guard{ports_lock};
    u16 const port = aim_ports(function, offset);
    if (bytes == 1) return read_port8(port);
    return bytes == 2 ? read_port16(port) : read_port32(port);
}

void write_by_ports(FunctionAddress function, u16 offset, unsigned bytes, u32 value)
{
    LockGuard const guard{ports_lock};
    u16 const port = aim_ports(function, offset);
    if (bytes == 1) write_port8(port, static_cast<u8>(value));
    if (bytes == 2) write_port16(port, static_cast<u16>(value));
    if (bytes == 4) write_port32(port, value);
}

// --- memory (PCI Express Base Specification 5.0, section 7.2.2) ---

constexpr u64 bytes_per_bus = mib;
constexpr unsigned buses = 256;

/// Buses are mapped when first used: most of a segment's 256 do not exist.
struct MappedWindow {
    acpi::ConfigurationWindow window;
    std::array<std::atomic<u8 volatile*>, buses> bus{};
};

Spinlock<LockRank::PciConfig> windows_lock;
acpi::ConfigurationWindows known_windows;
std::array<MappedWindow, acpi::ConfigurationWindows::capacity> mapped;
std::atomic<size_t> mapped_count{0};

u8 volatile* map_bus(MappedWindow& window, u8 bus)
{
    LockGuard const guard{windows_lock};
    auto& slot = window.bus[bus];
    if (u8 volatile* const known = slot.load()) return known;
    Hpa const where = window.window.start + u64{bus - unsigned{window.window.first_bus}} * bytes_per_bus;
    slot.store(static_cast<u8 volatile*>(arch::map_device(where, bytes_per_bus)));
    return slot.load();
}

bool covers(acpi::ConfigurationWindow const& window, u16 segment, u8 bus)
{
    return window.segment == segment && window.first_bus <= bus && bus <= window.last_bus;
}

/// Null if no window reaches the function.
u8 volatile* registers_of(FunctionAddress function)
{
    for (size_t i = 0; i < mapped_count.load(std::memory_order_acquire); ++i) {
        MappedWindow& window = mapped[i];
        if (!covers(window.window, function.segment, function.bus)) continue;
        u8 volatile* bus = window.bus[function.bus].load(std::memory_order_acquire);
        if (!bus) bus = map_bus(window, function.bus);
        return bus ? bus + size_t{function.devfn} * extended_space_bytes : nullptr;
    }
    return nullptr;
}

bool is_reached_by_ports(FunctionAddress function, u16 offset)
{
    return function.segment == 0 && offset < conventional_space_bytes;
}

}

void initialize_config_access(acpi::ConfigurationWindows const& windows)
{
    for (auto const& window : windows) static_cast<void>(add_config_window(window));
}

Expected<> add_config_window(acpi::ConfigurationWindow const& window)
{
    LockGuard const guard{windows_lock};
    for (auto const& other : known_windows)
        if (other.segment == window.segment && other.first_bus <= window.last_bus && window.first_bus <= other.last_bus)
            return failure(Error::Exists);
    size_t const index = known_windows.size();
    if (!known_windows.push_back(window)) return failure(Error::NoSpace);
    mapped[index].window = window;
    mapped_count.store(index + 1, std::memory_order_release);
    return {};
}

acpi::ConfigurationWindows const& config_windows() { return known_windows; }

u32 read_config(FunctionAddress function, u16 offset, unsigned bytes)
{
    if (is_reached_by_ports(function, offset)) return read_by_ports(function, offset, bytes);
    u8 volatile* const registers = registers_of(function);
    if (!registers || offset >= extended_space_bytes) return no_answer<u32>;
    u8 volatile* const where = registers + offset;
    if (bytes == 1) return *where;
    return bytes == 2 ? *reinterpret_cast<u16 volatile*>(where) : *reinterpret_cast<u32 volatile*>(where);
}

void write_config(FunctionAddress function, u16 offset, unsigned bytes, u32 value)
{
    if (is_reached_by_ports(function, offset)) return write_by_ports(function, offset, bytes, value);
    u8 volatile* const registers = registers_of(function);
    if (!registers || offset >= extended_space_bytes) return;
    u8 volatile* const where = registers + offset;
    if (bytes == 1) *where = static_cast<u8>(value);
    if (bytes == 2) *reinterpret_cast<u16 volatile*>(where) = static_cast<u16>(value);
    if (bytes == 4) *reinterpret_cast<u32 volatile*>(where) = value;
}

}
