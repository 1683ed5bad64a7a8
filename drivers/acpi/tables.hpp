// SPDX-License-Identifier: MIT
/// ACPI tables as the firmware lays them out. Section numbers are those of the ACPI Specification 6.5.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes::acpi {

/// Four characters that name a table. (Section 5.2.6.)
struct Signature {
    std::array<char, 4> text{};

    constexpr Signature() = default;
    consteval Signature(char const (&name)[5]) : text{name[0], name[1], name[2], name[3]} {}
    [[nodiscard]] constexpr std::string_view view() const { return {text.data(), text.size()}; }
    constexpr bool operator==(Signature const&) const = default;
};
static_assert(sizeof(Signature) == 4);

/// Root System Description Pointer. (Section 5.2.5.3.)
struct [[gnu::packed]] RootPointer {
    std::array<char, 8> signature;
    u8 checksum; ///< over the first 20 bytes
    std::array<char, 6> oem_id;
    u8 revision; ///< 0: ACPI 1.0, nothing below is there
    u32 rsdt;
    u32 length;
    u64 xsdt;
    u8 extended_checksum; ///< over `length` bytes
    std::array<u8, 3> reserved;

    static constexpr std::string_view expected_signature = "RSD PTR ";
    static constexpr size_t bytes_of_version_1 = 20;
};
static_assert(sizeof(RootPointer) == 36 && offsetof(RootPointer, rsdt) == 16 && offsetof(RootPointer, xsdt) == 24);

/// Every other table begins with this. (Section 5.2.6, table 5.4.)
struct [[gnu::packed]] TableHeader {
    Signature signature;
    u32 length; ///< of the whole table
    u8 revision;
    u8 checksum; ///< makes the sum of all bytes zero
    std::array<char, 6> oem_id;
    std::array<char, 8> oem_table_id;
    u32 oem_revision;
    std::array<char, 4> creator_id;
    u32 creator_revision;
};
static_assert(sizeof(TableHeader) == 36 && offsetof(TableHeader, oem_id) == 10 &&
              offsetof(TableHeader, creator_id) == 28);

/// Where a register lies. (Section 5.2.3.2.)
struct [[gnu::packed]] GenericAddress {
    enum class Space : u8 { Memory = 0, Port = 1, PciConfiguration = 2 };
    Space space;
    u8 bit_width;
    u8 bit_offset;
    u8 access_size;
    u64 address;
};
static_assert(sizeof(GenericAddress) == 12 && offsetof(GenericAddress, address) == 4);

/// Fixed ACPI Description Table, as far as it is used here. (Section 5.2.9, table 5.9.)
struct [[gnu::packed]] FixedDescription {
    TableHeader header;
    u32 facs;
    u32 dsdt;
    u8 reserved_44;
    u8 preferred_profile;
    u16 sci_interrupt;
    std::array<u8, 28> command_and_event_blocks;
    u32 pm_timer_block;
    std::array<u8, 11> block_lengths_before_timer;
    u8 pm_timer_length;
    std::array<u8, 20> latencies_and_cmos;
    u32 flags;
    GenericAddress reset_register;
    u8 reset_value;
    std::array<u8, 3> arm_flags_and_minor_version;
    u64 extended_facs;
    u64 extended_dsdt;
    std::array<u8, 60> extended_event_and_control_blocks;
    GenericAddress extended_pm_timer_block;

    static constexpr u32 timer_is_32_bits = 1 << 8;
    static constexpr u32 reset_register_supported = 1 << 10;
    static constexpr size_t bytes_of_version_1 = 116;
};
static_assert(offsetof(FixedDescription, sci_interrupt) == 46 && offsetof(FixedDescription, pm_timer_block) == 76);
static_assert(offsetof(FixedDescription, pm_timer_length) == 91 && offsetof(FixedDescription, flags) == 112);
static_assert(offsetof(FixedDescription, reset_register) == 116 && offsetof(FixedDescription, reset_value) == 128);
static_assert(offsetof(FixedDescription, extended_facs) == 132 && offsetof(FixedDescription, extended_dsdt) == 140);
static_assert(offsetof(FixedDescription, extended_pm_timer_block) == 208 && sizeof(FixedDescription) == 220);

/// Multiple APIC Description Table, followed by records. (Section 5.2.12.)
struct [[gnu::packed]] MultipleApic {
    TableHeader header;
    u32 local_apic;
    u32 flags;

    static constexpr u32 has_legacy_pics = 1 << 0;
};
static_assert(sizeof(MultipleApic) == 44);

/// Kinds of records in the MADT. (Table 5.21.)
enum class MadtKind : u8 {
    LocalApic = 0,
    IoApic = 1,
    SourceOverride = 2,
    NmiSource = 3,
    LocalApicNmi = 4,
    LocalApicAddress = 5,
    LocalX2Apic = 9,
};

struct [[gnu::packed]] MadtRecord {
    MadtKind kind;
    u8 length; ///< of the record, these two bytes included
};
static_assert(sizeof(MadtRecord) == 2);

/// Flags of processor records. (Table 5.23.)
inline constexpr u32 processor_enabled = 1 << 0;
inline constexpr u32 processor_online_capable = 1 << 1;

/// (Section 5.2.12.2.)
struct [[gnu::packed]] MadtLocalApic {
    MadtRecord record;
    u8 processor_uid;
    u8 apic_id;
    u32 flags;
};
static_assert(sizeof(MadtLocalApic) == 8);

/// (Section 5.2.12.3.)
struct [[gnu::packed]] MadtIoApic {
    MadtRecord record;
    u8 id;
    u8 reserved;
    u32 address;
    u32 first_interrupt; ///< the global system interrupt of its pin 0
};
static_assert(sizeof(MadtIoApic) == 12);

/// An ISA interrupt that is not wired 1:1. (Section 5.2.12.5.)
struct [[gnu::packed]] MadtSourceOverride {
    MadtRecord record;
    u8 bus;        ///< 0: ISA
    u8 source;     ///< ISA interrupt
    u32 interrupt; ///< global system interrupt
    u16 flags;     ///< bits 1:0 polarity, bits 3:2 trigger mode; 0 is the bus's own, 1 high/edge, 3 low/level
};
static_assert(sizeof(MadtSourceOverride) == 10);

/// (Section 5.2.12.8.)
struct [[gnu::packed]] MadtLocalApicAddress {
    MadtRecord record;
    u16 reserved;
    u64 address;
};
static_assert(sizeof(MadtLocalApicAddress) == 12);

/// (Section 5.2.12.12.)
struct [[gnu::packed]] MadtLocalX2Apic {
    MadtRecord record;
    u16 reserved;
    u32 apic_id;
    u32 flags;
    u32 processor_uid;
};
static_assert(sizeof(MadtLocalX2Apic) == 16);

/// PCI Express memory-mapped configuration space, followed by entries. (PCI Firmware Specification 3.3, section 4.1.2.)
struct [[gnu::packed]] McfgHeader {
    TableHeader header;
    u64 reserved;
};
static_assert(sizeof(McfgHeader) == 44);

struct [[gnu::packed]] McfgEntry {
    u64 base; ///< of bus 0, even if `first_bus` is not 0
    u16 segment;
    u8 first_bus;
    u8 last_bus;
    u32 reserved;
};
static_assert(sizeof(McfgEntry) == 16);

}
