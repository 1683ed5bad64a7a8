// SPDX-License-Identifier: MIT
/// Registers, table entries, commands and events of AMD-Vi.
/// (AMD I/O Virtualization Technology Specification, 48882 revision 3.08: sections 2.2, 2.4, 2.5, 3.4)
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/bit_register.hpp"

namespace hospes::iommu::amd {

/// Offsets. (section 3.4)
namespace at {
inline constexpr u32 device_table = 0x0000;
inline constexpr u32 command_buffer = 0x0008;
inline constexpr u32 event_log = 0x0010;
inline constexpr u32 control = 0x0018;
inline constexpr u32 exclusion_base = 0x0020;
inline constexpr u32 extended_features = 0x0030;
inline constexpr u32 command_head = 0x2000;
inline constexpr u32 command_tail = 0x2008;
inline constexpr u32 event_head = 0x2010;
inline constexpr u32 event_tail = 0x2018;
inline constexpr u32 status = 0x2020;
}

/// Command buffer and event log are one page: 256 entries. (bits 59:56: logarithm of the number)
inline constexpr u64 one_page_of_entries = u64{8} << 56;

struct Control : Register<Control> {
    using Register::Register;
    using Enabled = Field<Control, 0>;
    using TranslatesTunnel = Field<Control, 1>;
    using LogsEvents = Field<Control, 2>;
    using AnnouncesEvents = Field<Control, 3>;
    using PassesPostedWrites = Field<Control, 8>;
    using ResponsesPassPostedWrites = Field<Control, 9>;
    using Coherent = Field<Control, 10>;
    using Isochronous = Field<Control, 11>;
    using TakesCommands = Field<Control, 12>;
};

struct ExtendedFeatures : Register<ExtendedFeatures> {
    using Register::Register;
    using HasInvalidateAll = Field<ExtendedFeatures, 6>;
};

struct Status : Register<Status> {
    using Register::Register;
    using EventOverflow = Field<Status, 0>;
    using EventInterrupt = Field<Status, 1>;
};

/// The capability block in the unit's own configuration space. (section 3.2)
namespace capability {
inline constexpr u8 id = 0x0f;
inline constexpr u16 base_low = 4, base_high = 8;
inline constexpr u32 base_enabled = 1;
inline constexpr u32 has_extended_features = u32{1} << 27;
}

/// 256 bits for each requester. (section 2.2.2.1)
struct DeviceEntry {
    u64 words[4] = {};
};
static_assert(sizeof(DeviceEntry) == 32);

struct DeviceTranslation : Register<DeviceTranslation> {
    using Register::Register;
    using Valid = Field<DeviceTranslation, 0>;
    using TranslationValid = Field<DeviceTranslation, 1>;
    using Levels = Field<DeviceTranslation, 11, 9, unsigned>;
    using Readable = Field<DeviceTranslation, 61>;
    using Writable = Field<DeviceTranslation, 62>;
};
struct DeviceDomain : Register<DeviceDomain> {
    using Register::Register;
    using Domain = Field<DeviceDomain, 15, 0, u16>;
    using SilencesAllFaults = Field<DeviceDomain, 34>; ///< "SA"
};
struct DeviceInterrupts : Register<DeviceInterrupts> {
    using Register::Register;
    using Valid = Field<DeviceInterrupts, 0>;
    using LogEntries = Field<DeviceInterrupts, 4, 1, unsigned>;
    using SilencesFaults = Field<DeviceInterrupts, 5>; ///< "IG"
    using Action = Field<DeviceInterrupts, 61, 60, unsigned>;
    static constexpr unsigned abort = 0, remap = 2;
};

/// One interrupt of one device, with 8-bit APIC ids. (section 2.2.5.2)
struct InterruptEntry : Register<InterruptEntry, u32> {
    using Register::Register;
    using Valid = Field<InterruptEntry, 0>;
    using Destination = Field<InterruptEntry, 15, 8, u8>;
    using Vector = Field<InterruptEntry, 23, 16, u8>;
};

/// (section 2.4)
struct Command {
    u64 low = 0, high = 0;

    /// When all before is done, `value` is written to `where`, a multiple of 8.
    static constexpr Command wait(u64 value, Hpa where) { return {where.raw() | 1 | u64{1} << 60, value}; }
    static constexpr Command device_entry(u16 requester) { return {u64{requester} | u64{2} << 60, 0}; }
    /// All of a domain's pages: the address says how many.
    static constexpr Command all_pages_of(u16 domain)
    {
        constexpr u64 everything = 0x7fff'ffff'ffff'f000, is_range = 1, page_directories_too = 2;
        return {u64{domain} << 32 | u64{3} << 60, everything | is_range | page_directories_too};
    }
    static constexpr Command interrupts_of(u16 requester) { return {u64{requester} | u64{5} << 60, 0}; }
    static constexpr Command everything() { return {u64{8} << 60, 0}; }
};
static_assert(sizeof(Command) == 16);

/// (section 2.5.1)
struct Event {
    u64 low = 0, high = 0;
};
static_assert(sizeof(Event) == 16);
struct EventHeader : Register<EventHeader> {
    using Register::Register;
    using Requester = Field<EventHeader, 15, 0, u16>;
    using IsInterrupt = Field<EventHeader, 51>;
    using IsWrite = Field<EventHeader, 53>;
    using Code = Field<EventHeader, 63, 60, u8>;
};

}
