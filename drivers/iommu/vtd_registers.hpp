// SPDX-License-Identifier: MIT
/// Registers, table entries and invalidation descriptors of VT-d.
/// (Intel Virtualization Technology for Directed I/O, revision 4.1: chapters 6, 9 and 11)
#pragma once

#include <array>

#include "kernel/lib/address.hpp"
#include "kernel/lib/bit_register.hpp"

namespace hospes::iommu::vtd {

/// Offsets. (section 11.4)
namespace at {
inline constexpr u32 version = 0x00;
inline constexpr u32 capability = 0x08;
inline constexpr u32 extended_capability = 0x10;
inline constexpr u32 global_command = 0x18;
inline constexpr u32 global_status = 0x1c;
inline constexpr u32 root_table = 0x20;
inline constexpr u32 context_command = 0x28;
inline constexpr u32 fault_status = 0x34;
inline constexpr u32 fault_control = 0x38;
inline constexpr u32 fault_data = 0x3c;
inline constexpr u32 fault_address = 0x40;
inline constexpr u32 fault_upper_address = 0x44;
inline constexpr u32 protected_memory = 0x64;
inline constexpr u32 queue_tail = 0x88;
inline constexpr u32 queue_address = 0x90;
inline constexpr u32 interrupt_table = 0xb8;
}

struct Capability : Register<Capability> {
    using Register::Register;
    using NeedsWriteBufferFlush = Field<Capability, 4>;
    using HasLowProtectedRegion = Field<Capability, 5>;
    using HasHighProtectedRegion = Field<Capability, 6>;
    using CachesAbsence = Field<Capability, 7>; ///< "caching mode"
    using Has3Levels = Field<Capability, 9>;    ///< 39 bits
    using Has4Levels = Field<Capability, 10>;   ///< 48 bits
    using HighestAddressBit = Field<Capability, 21, 16, unsigned>;
    using FaultOffset = Field<Capability, 33, 24, u32>; ///< in units of 16 bytes
    using Has2MibPages = Field<Capability, 34>;
    using Has1GibPages = Field<Capability, 35>;
    using LastFaultRegister = Field<Capability, 47, 40, u32>;
    using DrainsWrites = Field<Capability, 54>;
    using DrainsReads = Field<Capability, 55>;
};

struct ExtendedCapability : Register<ExtendedCapability> {
    using Register::Register;
    using IsCoherent = Field<ExtendedCapability, 0>;
    using HasQueue = Field<ExtendedCapability, 1>;
    using RemapsInterrupts = Field<ExtendedCapability, 3>;
    using HasExtendedInterrupts = Field<ExtendedCapability, 4>; ///< 32-bit APIC ids
    using IotlbOffset = Field<ExtendedCapability, 17, 8, u32>;  ///< in units of 16 bytes
};

/// The same bits in the command and in the status register. (sections 11.4.4)
namespace global {
inline constexpr u32 translation = u32{1} << 31;
inline constexpr u32 set_root_table = u32{1} << 30;
inline constexpr u32 set_fault_log = u32{1} << 29;
inline constexpr u32 flush_write_buffer = u32{1} << 27;
inline constexpr u32 queue = u32{1} << 26;
inline constexpr u32 interrupt_remapping = u32{1} << 25;
inline constexpr u32 set_interrupt_table = u32{1} << 24;
inline constexpr u32 compatibility_interrupts = u32{1} << 23;
/// What is not a state but an order, and must not be given again with the next command.
inline constexpr u32 orders = set_root_table | set_fault_log | flush_write_buffer | set_interrupt_table;
}

/// (section 11.4.7.1)
struct FaultStatus : Register<FaultStatus, u32> {
    using Register::Register;
    using Overflow = Field<FaultStatus, 0>;
    using Pending = Field<FaultStatus, 1>;
    using QueueError = Field<FaultStatus, 4>;
    using CompletionError = Field<FaultStatus, 5>;
    using TimeOut = Field<FaultStatus, 6>;
    [[nodiscard]] constexpr bool invalidation_failed() const
    {
        return get<QueueError>() || get<CompletionError>() || get<TimeOut>();
    }
};

/// The high half of a fault record; the low half is the address. (section 11.4.7.6)
struct FaultRecord : Register<FaultRecord> {
    using Register::Register;
    using Source = Field<FaultRecord, 15, 0, u16>;
    using Reason = Field<FaultRecord, 39, 32, u8>;
    using IsRead = Field<FaultRecord, 62>;
    using IsValid = Field<FaultRecord, 63>;
};
inline constexpr u32 fault_record_bytes = 16;
inline constexpr u32 clear_fault_record = u32{1} << 31; ///< to its last four bytes

inline constexpr u32 protection_enabled = u32{1} << 31;
inline constexpr u32 protection_active = u32{1} << 0;

/// Register-based invalidation, where there is no queue. (sections 11.4.6.1, 11.4.7)
inline constexpr u64 invalidate_contexts = u64{1} << 63 | u64{1} << 61;
inline constexpr u64 invalidate_in_progress = u64{1} << 63;
inline constexpr u64 invalidate_iotlb = u64{1} << 63 | u64{1} << 60 | u64{3} << 48;

/// A root entry's lower half; the upper is zero. (section 9.1)
inline constexpr u64 root_present = 1;

/// (section 9.3)
struct ContextLow : Register<ContextLow> {
    using Register::Register;
    using Present = Field<ContextLow, 0>;
    using SilencesFaults = Field<ContextLow, 1>;
};
struct ContextHigh : Register<ContextHigh> {
    using Register::Register;
    using AddressWidth = Field<ContextHigh, 2, 0, unsigned>; ///< levels, less two
    using Domain = Field<ContextHigh, 23, 8, u16>;
};

/// Interrupt remapping table entry, remapped format. (section 9.10)
struct InterruptLow : Register<InterruptLow> {
    using Register::Register;
    using Present = Field<InterruptLow, 0>;
    using IsLevel = Field<InterruptLow, 4>;
    using Vector = Field<InterruptLow, 23, 16, u8>;
    using Destination = Field<InterruptLow, 63, 32, u32>;
    using ShortDestination = Field<InterruptLow, 47, 40, u8>; ///< in xAPIC mode
};
enum class SourceCheck : u8 { None = 0, Exact = 1, BusRange = 2 };
struct InterruptHigh : Register<InterruptHigh> {
    using Register::Register;
    using Source = Field<InterruptHigh, 15, 0, u16>;
    using Check = Field<InterruptHigh, 19, 18, SourceCheck>;
};

struct InterruptTableAddress : Register<InterruptTableAddress> {
    using Register::Register;
    using LogEntriesLessOne = Field<InterruptTableAddress, 3, 0, unsigned>;
    using Extended = Field<InterruptTableAddress, 11>;
};

/// Interrupt requests in remappable format. (section 5.1.2.2)
struct RemappableAddress : Register<RemappableAddress> {
    using Register::Register;
    using HandleTop = Field<RemappableAddress, 2>; ///< bit 15
    using IsRemappable = Field<RemappableAddress, 4>;
    using Handle = Field<RemappableAddress, 19, 5, u16>;
    static constexpr u64 base = 0xfee0'0000;
};
struct RemappablePin : Register<RemappablePin> {
    using Register::Register;
    using IsRemappable = Field<RemappablePin, 48>;
    using Handle = Field<RemappablePin, 63, 49, u16>;
};

/// One entry of the invalidation queue. (section 6.5.2)
struct Descriptor {
    u64 low = 0, high = 0;

    static constexpr Descriptor all_contexts() { return {.low = 0x1 | u64{1} << 4}; }
    static constexpr Descriptor whole_iotlb() { return {.low = 0x2 | u64{1} << 4 | drain}; }
    static constexpr Descriptor iotlb_of(u16 domain) { return {.low = 0x2 | u64{2} << 4 | drain | u64{domain} << 16}; }
    static constexpr Descriptor all_interrupts() { return {.low = 0x4}; }
    static constexpr Descriptor interrupt(u16 index) { return {.low = 0x4 | u64{1} << 4 | u64{index} << 32}; }
    /// When all before is done, `value` is written to `where`.
    static constexpr Descriptor wait(u32 value, Hpa where)
    {
        return {.low = 0x5 | u64{1} << 5 | u64{1} << 6 | u64{value} << 32, .high = where.raw()};
    }

private:
    static constexpr u64 drain = u64{1} << 6 | u64{1} << 7; ///< waits for writes and reads that were translated
};
static_assert(sizeof(Descriptor) == 16);

}
