// SPDX-License-Identifier: MIT
/// domctl's arguments: giving a domain devices, interrupts, ports and device memory.
/// (xen/include/public/domctl.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

struct DomctlIrqPermission {
    u32 pirq;
    u8 allow_access;
    std::array<u8, 3> pad;
};
static_assert(sizeof(DomctlIrqPermission) == 8 && has_no_hidden_bytes<DomctlIrqPermission>);
static_assert(offsetof(DomctlIrqPermission, allow_access) == 4);

struct DomctlIomemPermission {
    u64 first_frame;
    u64 nr_frames;
    u8 allow_access;
    std::array<u8, 7> pad;
};
static_assert(sizeof(DomctlIomemPermission) == 24 && has_no_hidden_bytes<DomctlIomemPermission>);
static_assert(offsetof(DomctlIomemPermission, nr_frames) == 8 && offsetof(DomctlIomemPermission, allow_access) == 16);

struct DomctlIoportPermission {
    u32 first_port;
    u32 nr_ports;
    u8 allow_access;
    std::array<u8, 3> pad;
};
static_assert(sizeof(DomctlIoportPermission) == 12 && has_no_hidden_bytes<DomctlIoportPermission>);
static_assert(offsetof(DomctlIoportPermission, nr_ports) == 4 && offsetof(DomctlIoportPermission, allow_access) == 8);

/// DomctlAssignDevice::kind. (XEN_DOMCTL_DEV_*)
enum class AssignDeviceKind : u32 {
    Pci = 0,
    DeviceTree = 1,
};

/// DomctlAssignDevice::flags.
namespace assign_device_flag {
inline constexpr u32 rdm_relaxed = 1U << 0;
}

/// Assigning a PCI function to a domain; the rest of the union is for ARM.
struct DomctlAssignDevice {
    u32 kind;
    u32 flags;
    u32 machine_sbdf; // segment, bus, device and function
    std::array<u32, 3> pad;
};
static_assert(sizeof(DomctlAssignDevice) == 24 && has_no_hidden_bytes<DomctlAssignDevice>);
static_assert(offsetof(DomctlAssignDevice, flags) == 4 && offsetof(DomctlAssignDevice, machine_sbdf) == 8);

struct DomctlGetDeviceGroup {
    u32 machine_sbdf;
    u32 max_devices;
    u32 nr_devices;
    u32 pad;
    GuestHandle<u32> devices;
};
static_assert(sizeof(DomctlGetDeviceGroup) == 24 && has_no_hidden_bytes<DomctlGetDeviceGroup>);
static_assert(offsetof(DomctlGetDeviceGroup, max_devices) == 4 && offsetof(DomctlGetDeviceGroup, nr_devices) == 8 &&
              offsetof(DomctlGetDeviceGroup, devices) == 16);

/// add_mapping of the two structures below. (DPCI_*)
enum class MappingChange : u32 {
    Remove = 0,
    Add = 1,
};

/// Gives a domain a device's memory.
struct DomctlMemoryMapping {
    u64 first_gfn;
    u64 first_mfn;
    u64 nr_mfns;
    u32 add_mapping;
    u32 pad;
};
static_assert(sizeof(DomctlMemoryMapping) == 32 && has_no_hidden_bytes<DomctlMemoryMapping>);
static_assert(offsetof(DomctlMemoryMapping, first_mfn) == 8 && offsetof(DomctlMemoryMapping, nr_mfns) == 16 &&
              offsetof(DomctlMemoryMapping, add_mapping) == 24);

/// Gives a domain a device's ports.
struct DomctlIoportMapping {
    u32 first_guest_port;
    u32 first_machine_port;
    u32 nr_ports;
    u32 add_mapping;
};
static_assert(sizeof(DomctlIoportMapping) == 16 && has_no_hidden_bytes<DomctlIoportMapping>);
static_assert(offsetof(DomctlIoportMapping, first_machine_port) == 4 && offsetof(DomctlIoportMapping, nr_ports) == 8 &&
              offsetof(DomctlIoportMapping, add_mapping) == 12);

/// DomctlBindPtIrq::irq_type. (enum pt_irq_type)
enum class PtIrqType : u32 {
    Pci = 0,
    Isa = 1,
    Msi = 2,
    MsiTranslate = 3,
    Spi = 4,
};

/// Binds a machine's interrupt to a guest's.
struct DomctlBindPtIrq {
    u32 machine_irq;
    u32 irq_type;
    union GuestInterrupt {
        struct Msi {
            u8 vector;
            std::array<u8, 3> pad;
            u32 flags;
            u64 table;
        } msi;
        struct Pci {
            u8 bus;
            u8 device;
            u8 intx;
        } pci;
        struct Isa {
            u8 irq;
        } isa;
    } u;
};
static_assert(sizeof(DomctlBindPtIrq) == 24);
static_assert(offsetof(DomctlBindPtIrq, irq_type) == 4);

}
