// SPDX-License-Identifier: MIT
/// A PCI function's place, and the registers of its configuration space that we look at.
/// (PCI Local Bus Specification 3.0, chapter 6; PCI Express Base Specification 5.0, chapter 7)
#pragma once

#include <compare>

#include "kernel/lib/bit_register.hpp"

namespace hospes::pci {

struct FunctionAddress {
    u16 segment = 0;
    u8 bus = 0;
    u8 devfn = 0; ///< device in bits 7..3, function in bits 2..0
    [[nodiscard]] constexpr u8 device() const { return devfn >> 3; }
    [[nodiscard]] constexpr u8 function() const { return devfn & 7; }
    constexpr auto operator<=>(FunctionAddress const&) const = default;
};

/// The first part is reached through ports too, the rest only through memory.
inline constexpr unsigned conventional_space_bytes = 256;
inline constexpr unsigned extended_space_bytes = 4096;

/// Two ports reach conventional space of segment 0: an address is written to the first, and what it names is at the
/// four bytes from the second on. (PCI Local Bus Specification 3.0, section 3.2.2.3.2)
namespace config_port {
inline constexpr u16 address = 0xcf8; ///< a register only for accesses of four bytes
inline constexpr u16 data = 0xcfc;
inline constexpr u16 last_data = 0xcff;
}

struct PortAddress : Register<PortAddress, u32> {
    using Register::Register;
    using Offset = Field<PortAddress, 7, 2, u8>; ///< in units of four bytes
    using Devfn = Field<PortAddress, 15, 8, u8>;
    using Bus = Field<PortAddress, 23, 16, u8>;
    using Enable = Field<PortAddress, 31>;
};

/// What is read as the vendor of a function that does not exist.
inline constexpr u16 no_vendor = 0xffff;

namespace header {
inline constexpr u16 vendor = 0x00;
inline constexpr u16 command = 0x04;
inline constexpr u16 status = 0x06;
inline constexpr u16 type = 0x0e;
inline constexpr u16 first_base_address = 0x10;
inline constexpr u16 capabilities = 0x34;
inline constexpr u16 first_capability = 0x40;
}

struct Command : Register<Command, u16> {
    using Register::Register;
    using MemorySpace = Field<Command, 1>;
    using BusMaster = Field<Command, 2>;
};

struct Status : Register<Status> {
    using Register::Register;
    using HasCapabilities = Field<Status, 4>;
};

enum class HeaderLayout : u8 { Device = 0, Bridge = 1, CardBus = 2 };

struct HeaderType : Register<HeaderType> {
    using Register::Register;
    using Layout = Field<HeaderType, 6, 0, HeaderLayout>;
};

[[nodiscard]] constexpr unsigned base_address_count(HeaderLayout layout)
{
    constexpr unsigned of_a_device = 6;
    constexpr unsigned of_a_bridge = 2;
    if (layout == HeaderLayout::Device) return of_a_device;
    return layout == HeaderLayout::Bridge ? of_a_bridge : 0;
}

enum class AddressWidth : u8 { Bits32 = 0, Below1Mib = 1, Bits64 = 2 };

/// The low half of a base address register; the next register is the high half of a 64-bit one.
struct BaseAddress : Register<BaseAddress> {
    using Register::Register;
    using IsPort = Field<BaseAddress, 0>;
    using Width = Field<BaseAddress, 2, 1, AddressWidth>;
    static constexpr u32 address_mask = ~u32{0xf};
};

enum class CapabilityId : u8 { Msi = 0x05, MsiX = 0x11 };
/// Of capabilities beyond conventional space. (PCI Express Base Specification 5.0, section 7.6.3)
enum class ExtendedCapabilityId : u16 { SrIov = 0x0010 };

struct ExtendedCapability : Register<ExtendedCapability> {
    using Register::Register;
    using Id = Field<ExtendedCapability, 15, 0, ExtendedCapabilityId>;
    using Next = Field<ExtendedCapability, 31, 20, u16>;
};

/// Distances from the start of an SR-IOV capability. (SR-IOV 1.1, section 3.3)
namespace sriov {
inline constexpr u16 control = 0x08;
inline constexpr u16 function_count = 0x10;
inline constexpr u16 first_offset = 0x14;
inline constexpr u16 stride = 0x16;
inline constexpr u16 first_base_address = 0x24;
inline constexpr u16 bytes = 0x40;
inline constexpr unsigned region_count = 6;
}

/// (SR-IOV 1.1, section 3.3.3)
struct SriovControl : Register<SriovControl, u16> {
    using Register::Register;
    using Enable = Field<SriovControl, 0>;
    using MemorySpace = Field<SriovControl, 3>;
};

/// (PCI Express Base Specification 5.0, section 7.7.1.2)
struct MsiControl : Register<MsiControl, u16> {
    using Register::Register;
    using Enable = Field<MsiControl, 0>;
    using MessagesCapable = Field<MsiControl, 3, 1, u8>; ///< as a power of two
    using MessagesEnabled = Field<MsiControl, 6, 4, u8>; ///< the same
    using Has64BitAddress = Field<MsiControl, 7>;
    using HasMasks = Field<MsiControl, 8>;
    using ExtendedDataCapable = Field<MsiControl, 9>;
    using ExtendedDataEnable = Field<MsiControl, 10>;
};

/// Distances from the start of an MSI capability. (section 7.7.1)
namespace msi {
inline constexpr u16 control = 2;
inline constexpr u16 address = 4;
inline constexpr u16 upper_address = 8;
inline constexpr u16 data_without_upper_address = 8;
inline constexpr u16 data_behind_upper_address = 12;
}

/// (section 7.7.2.2)
struct MsixControl : Register<MsixControl, u16> {
    using Register::Register;
    using LastEntry = Field<MsixControl, 10, 0, u16>;
    using FunctionMask = Field<MsixControl, 14>;
    using Enable = Field<MsixControl, 15>;
};

/// Where the table lies: in which base address register's memory, and how far from its start. (section 7.7.2.3)
struct MsixTablePlace : Register<MsixTablePlace> {
    using Register::Register;
    using Region = Field<MsixTablePlace, 2, 0, u8>;
    static constexpr u32 offset_mask = ~u32{7};
};

/// Distances from the start of an MSI-X capability. (section 7.7.2)
namespace msix {
inline constexpr u16 control = 2;
inline constexpr u16 table = 4;
}

/// Distances from the start of an MSI-X table entry. (section 6.1.4.2)
namespace msix_entry {
inline constexpr u32 address = 0;
inline constexpr u32 upper_address = 4;
inline constexpr u32 data = 8;
inline constexpr u32 control = 12;
inline constexpr u32 bytes = 16;
}

struct MsixVectorControl : Register<MsixVectorControl, u32> {
    using Register::Register;
    using Masked = Field<MsixVectorControl, 0>;
};

}
