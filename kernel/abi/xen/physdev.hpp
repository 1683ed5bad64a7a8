// SPDX-License-Identifier: MIT
/// physdev_op: what dom0 tells about the machine's PCI devices. (xen/include/public/physdev.h)
#pragma once

#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// (PHYSDEVOP_*)
enum class PhysdevCommand : u32 {
    IrqStatusQuery = 5,
    SetIopl = 6,
    SetIobitmap = 7,
    ApicRead = 8,
    ApicWrite = 9,
    AllocIrqVector = 10,
    FreeIrqVector = 11,
    Eoi = 12,
    MapPirq = 13,
    UnmapPirq = 14,
    ManagePciAdd = 15,
    ManagePciRemove = 16,
    PirqEoiGmfnV1 = 17,
    RestoreMsi = 19,
    ManagePciAddExt = 20,
    SetupGsi = 21,
    GetFreePirq = 23,
    PciMmcfgReserved = 24,
    PciDeviceAdd = 25,
    PciDeviceRemove = 26,
    RestoreMsiExt = 27,
    PirqEoiGmfnV2 = 28,
    DebugPortOp = 29,
    PrepareMsix = 30,
    ReleaseMsix = 31,
};

struct PhysdevEoi {
    u32 irq;
};
static_assert(sizeof(PhysdevEoi) == 4 && has_no_hidden_bytes<PhysdevEoi>);

/// Out: flags.
struct PhysdevIrqStatusQuery {
    u32 irq;
    u32 flags;
};
static_assert(sizeof(PhysdevIrqStatusQuery) == 8 && has_no_hidden_bytes<PhysdevIrqStatusQuery>);
static_assert(offsetof(PhysdevIrqStatusQuery, flags) == 4);

/// PhysdevIrqStatusQuery::flags. (XENIRQSTAT_*)
namespace irq_status_flag {
inline constexpr u32 needs_eoi = 1U << 0;
inline constexpr u32 shared = 1U << 1;
}

/// PhysdevMapPirq::type. (MAP_PIRQ_TYPE_*)
enum class MapPirqType : s32 {
    Msi = 0,
    Gsi = 1,
    Unknown = 2,
    MsiSegment = 3,
    MultiMsi = 4,
};

/// Out: pirq.
struct PhysdevMapPirq {
    DomainId domain;
    u16 pad0;
    s32 type; // MapPirqType
    s32 index;
    s32 pirq;
    s32 bus;
    s32 devfn;
    s32 entry_nr;
    u32 pad1;
    u64 table_base;
};
static_assert(sizeof(PhysdevMapPirq) == 40 && has_no_hidden_bytes<PhysdevMapPirq>);
static_assert(offsetof(PhysdevMapPirq, type) == 4 && offsetof(PhysdevMapPirq, index) == 8 &&
              offsetof(PhysdevMapPirq, pirq) == 12 && offsetof(PhysdevMapPirq, bus) == 16 &&
              offsetof(PhysdevMapPirq, devfn) == 20 && offsetof(PhysdevMapPirq, entry_nr) == 24 &&
              offsetof(PhysdevMapPirq, table_base) == 32);

struct PhysdevUnmapPirq {
    DomainId domain;
    u16 pad;
    s32 pirq;
};
static_assert(sizeof(PhysdevUnmapPirq) == 8 && has_no_hidden_bytes<PhysdevUnmapPirq>);
static_assert(offsetof(PhysdevUnmapPirq, pirq) == 4);

struct PhysdevSetupGsi {
    s32 gsi;
    u8 triggering;
    u8 polarity;
    u16 pad;
};
static_assert(sizeof(PhysdevSetupGsi) == 8 && has_no_hidden_bytes<PhysdevSetupGsi>);
static_assert(offsetof(PhysdevSetupGsi, triggering) == 4 && offsetof(PhysdevSetupGsi, polarity) == 5);

/// PhysdevPciMmcfgReserved::flags.
namespace mmcfg_flag {
inline constexpr u32 reserved = 1U << 0;
}

/// A memory-mapped configuration window, and whether firmware reserves it.
struct PhysdevPciMmcfgReserved {
    u64 address;
    u16 segment;
    u8 start_bus;
    u8 end_bus;
    u32 flags; // mmcfg_flag
};
static_assert(sizeof(PhysdevPciMmcfgReserved) == 16 && has_no_hidden_bytes<PhysdevPciMmcfgReserved>);
static_assert(offsetof(PhysdevPciMmcfgReserved, segment) == 8 && offsetof(PhysdevPciMmcfgReserved, start_bus) == 10 &&
              offsetof(PhysdevPciMmcfgReserved, end_bus) == 11 && offsetof(PhysdevPciMmcfgReserved, flags) == 12);

/// PhysdevPciDeviceAdd::flags. (XEN_PCI_DEV_*)
namespace pci_device_flag {
inline constexpr u32 extended_function = 1U << 0;
inline constexpr u32 virtual_function = 1U << 1;
inline constexpr u32 proximity = 1U << 2;
}

/// A u32 proximity domain follows when `proximity` is set.
struct PhysdevPciDeviceAdd {
    u16 segment;
    u8 bus;
    u8 devfn;
    u32 flags; // pci_device_flag
    u8 physical_function_bus;
    u8 physical_function_devfn;
    u16 pad;
};
static_assert(sizeof(PhysdevPciDeviceAdd) == 12 && has_no_hidden_bytes<PhysdevPciDeviceAdd>);
static_assert(offsetof(PhysdevPciDeviceAdd, bus) == 2 && offsetof(PhysdevPciDeviceAdd, devfn) == 3 &&
              offsetof(PhysdevPciDeviceAdd, flags) == 4 && offsetof(PhysdevPciDeviceAdd, physical_function_bus) == 8 &&
              offsetof(PhysdevPciDeviceAdd, physical_function_devfn) == 9);

/// One PCI function.
struct PhysdevPciDevice {
    u16 segment;
    u8 bus;
    u8 devfn;
};
static_assert(sizeof(PhysdevPciDevice) == 4 && has_no_hidden_bytes<PhysdevPciDevice>);
static_assert(offsetof(PhysdevPciDevice, bus) == 2 && offsetof(PhysdevPciDevice, devfn) == 3);

}
