// SPDX-License-Identifier: MIT
/// What virtual configuration space needs from the machine. Tests supply their own.
#pragma once

#include <memory>

#include "drivers/pci/device.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::vpci {

/// What a device writes, and where, to raise an interrupt.
struct Message {
    u64 address = 0;
    u32 data = 0;
    constexpr bool operator==(Message const&) const = default;
};

/// A host interrupt that a device raises, and that reaches the guest as the message the guest has chosen.
class MessageInterrupt {
public:
    virtual ~MessageInterrupt() = default;
    MessageInterrupt(MessageInterrupt const&) = delete;
    MessageInterrupt& operator=(MessageInterrupt const&) = delete;
    /// From now on it means `guest` to the guest. Returns what the device has to write, which may have changed. Errors
    /// if there is nothing that it may write: then it must be kept from raising this.
    [[nodiscard]] virtual Expected<Message> aim(Message const& guest) = 0;

protected:
    MessageInterrupt() = default;
};

/// Configuration space in memory: buses `first_bus`..`last_bus` from `start` on, 1 MiB each, 4 KiB a function.
/// (PCI Express Base Specification 5.0, section 7.2.2)
struct WindowPlace {
    Gpa start{};
    u16 segment = 0;
    u8 first_bus = 0;
    u8 last_bus = 0;
    constexpr bool operator==(WindowPlace const&) const = default;
    [[nodiscard]] constexpr u64 bytes() const { return (u64{last_bus} - first_bus + 1) * mib; }
    [[nodiscard]] constexpr pci::FunctionAddress function_at(u64 address) const
    {
        constexpr u64 functions_per_bus = mib / pci::extended_space_bytes;
        u64 const index = (address - start.raw()) / pci::extended_space_bytes;
        return {.segment = segment,
                .bus = static_cast<u8>(first_bus + index / functions_per_bus),
                .devfn = static_cast<u8>(index % functions_per_bus)};
    }
};

class Platform {
public:
    /// The hardware's configuration space. `bytes` is 1, 2 or 4 and `offset` a multiple of it.
    [[nodiscard]] virtual u32 read_config(pci::FunctionAddress function, u16 offset, unsigned bytes) = 0;
    virtual void write_config(pci::FunctionAddress function, u16 offset, unsigned bytes, u32 value) = 0;

    /// NoSpace if there is no vector left, OutOfMemory. Its destruction silences it: the device must have been told
    /// before not to raise it.
    [[nodiscard]] virtual Expected<std::unique_ptr<MessageInterrupt>>
    create_interrupt(pci::FunctionAddress function) = 0;

    /// From now on the guest's accesses to the pages around these registers come to VirtualPci. Errors if this is not
    /// device memory, or if there are too many such places. No lock may be held.
    [[nodiscard]] virtual Expected<> trap(Gpa where, u64 bytes) = 0;
    /// Device registers in pages that were trapped once; others read as ones. `where` is a multiple of `bytes`.
    [[nodiscard]] virtual u64 read_device(Gpa where, unsigned bytes) = 0;
    virtual void write_device(Gpa where, unsigned bytes, u64 value) = 0;

    /// Traps a window that the control domain has found. Nothing happens if it is known. Errors as trap(), and
    /// Exists if other memory is known to be the space of some of these buses. No lock may be held.
    [[nodiscard]] virtual Expected<> add_window(WindowPlace const& place) = 0;

protected:
    ~Platform() = default;
};

}
