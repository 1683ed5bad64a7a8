// SPDX-License-Identifier: MIT
/// Interrupt remapping: each device may raise only the interrupts that were given to it.
///
/// A remapping entry has the number of the host vector that it raises. That makes every encoding agree: the index in
/// an AMD message is its data, an I/O APIC pin's vector is the one that the local APIC will acknowledge.
#pragma once

#include "drivers/pci/device.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::iommu {

struct InterruptTarget {
    u8 vector = 0;
    u32 apic_id = 0;
    bool level = false;
};

/// What a device has to write.
struct RemappedMessage {
    u64 address = 0;
    u32 data = 0;
};

/// The largest APIC id in a field of eight bits: 0xFF means all CPUs.
inline constexpr u32 highest_short_apic_id = 0xfe;
/// The largest APIC id that can be aimed at.
[[nodiscard]] u32 highest_apic_id();

/// Lets `device` raise the interrupt, or changes where it goes. Errors: OutOfMemory, OutOfRange (APIC id), InputOutput
/// if the IOMMU does not answer. Takes LockRank::Iommu, and PciConfig before.
[[nodiscard]] Expected<RemappedMessage> route_message(pci::FunctionAddress device, InterruptTarget const& target);
/// The same for a pin of the I/O APIC with this id: what its redirection entry must hold besides vector, trigger mode,
/// polarity and mask. NoSuchDevice.
[[nodiscard]] Expected<u64> route_pin(u8 io_apic_id, InterruptTarget const& target);
/// Nobody may raise it any longer, wherever its entry was put.
void withdraw(u8 vector);

}
