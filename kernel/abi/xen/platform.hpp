// SPDX-License-Identifier: MIT
/// platform_op: what dom0 asks of and tells about the machine itself.
/// (xen/include/public/platform.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// Every call carries it; any other is refused.
inline constexpr u32 platform_interface_version = 0x0300'0001;

/// (XENPF_*)
enum class PlatformCommand : u32 {
    SetTime32 = 17,
    AddMemoryType = 31,
    DeleteMemoryType = 32,
    ReadMemoryType = 33,
    MicrocodeUpdate = 35,
    PlatformQuirk = 39,
    GetCpuVersion = 48,
    EfiRuntimeCall = 49,
    FirmwareInfo = 50,
    EnterAcpiSleep = 51,
    ChangeFrequency = 52,
    GetIdleTime = 53,
    SetProcessorPmInfo = 54,
    GetCpuInfo = 55,
    CpuOnline = 56,
    CpuOffline = 57,
    CpuHotAdd = 58,
    MemoryHotAdd = 59,
    CoreParking = 60,
    ResourceOp = 61,
    SetTime64 = 62,
    GetSymbol = 63,
};

/// Newer than the headers of 4.17, and asked for by Linux: the framebuffer. (xen/include/public/platform.h of 4.18)
inline constexpr u32 platform_get_dom0_console = 64;

/// Wall-clock seconds and nanoseconds at `system_time`.
struct PlatformSetTime32 {
    u32 seconds;
    u32 nanoseconds;
    u64 system_time;
};
static_assert(sizeof(PlatformSetTime32) == 16 && has_no_hidden_bytes<PlatformSetTime32>);
static_assert(offsetof(PlatformSetTime32, nanoseconds) == 4 && offsetof(PlatformSetTime32, system_time) == 8);

/// The same with room for the year 2106.
struct PlatformSetTime64 {
    u64 seconds;
    u32 nanoseconds;
    u32 must_be_zero;
    u64 system_time;
};
static_assert(sizeof(PlatformSetTime64) == 24 && has_no_hidden_bytes<PlatformSetTime64>);
static_assert(offsetof(PlatformSetTime64, nanoseconds) == 8 && offsetof(PlatformSetTime64, must_be_zero) == 12 &&
              offsetof(PlatformSetTime64, system_time) == 16);

struct PlatformMicrocodeUpdate {
    GuestHandle<u8> data;
    u32 length;
    u32 pad;
};
static_assert(sizeof(PlatformMicrocodeUpdate) == 16 && has_no_hidden_bytes<PlatformMicrocodeUpdate>);
static_assert(offsetof(PlatformMicrocodeUpdate, length) == 8);

/// PlatformFirmwareInfo::type. (XEN_FW_*)
enum class FirmwareInfoType : u32 {
    DiskInfo = 1,
    DiskMbrSignature = 2,
    VbeDdcInfo = 3,
    EfiInfo = 4,
    KeyboardShiftFlags = 5,
};

/// What it answers depends on the type.
struct PlatformFirmwareInfo {
    u32 type;
    u32 index;
    std::array<u8, 32> answer;
};
static_assert(sizeof(PlatformFirmwareInfo) == 40 && has_no_hidden_bytes<PlatformFirmwareInfo>);
static_assert(offsetof(PlatformFirmwareInfo, index) == 4 && offsetof(PlatformFirmwareInfo, answer) == 8);

struct PlatformEnterAcpiSleep {
    u16 value_a;
    u16 value_b;
    u32 sleep_state;
    u32 flags;
};
static_assert(sizeof(PlatformEnterAcpiSleep) == 12 && has_no_hidden_bytes<PlatformEnterAcpiSleep>);
static_assert(offsetof(PlatformEnterAcpiSleep, value_b) == 2 && offsetof(PlatformEnterAcpiSleep, sleep_state) == 4 &&
              offsetof(PlatformEnterAcpiSleep, flags) == 8);

/// PlatformPcpuInfo::flags. (XEN_PCPU_FLAGS_*)
namespace pcpu_flag {
inline constexpr u32 online = 1U << 0;
inline constexpr u32 invalid = 1U << 1;
}

/// Out: all but xen_cpu_id.
struct PlatformPcpuInfo {
    u32 xen_cpu_id;
    u32 max_present;
    u32 flags; // pcpu_flag
    u32 apic_id;
    u32 acpi_id;
};
static_assert(sizeof(PlatformPcpuInfo) == 20 && has_no_hidden_bytes<PlatformPcpuInfo>);
static_assert(offsetof(PlatformPcpuInfo, max_present) == 4 && offsetof(PlatformPcpuInfo, flags) == 8 &&
              offsetof(PlatformPcpuInfo, apic_id) == 12 && offsetof(PlatformPcpuInfo, acpi_id) == 16);

/// Out: all but xen_cpu_id.
struct PlatformPcpuVersion {
    u32 xen_cpu_id;
    u32 max_present;
    std::array<char, 12> vendor_id;
    u32 family;
    u32 model;
    u32 stepping;
};
static_assert(sizeof(PlatformPcpuVersion) == 32 && has_no_hidden_bytes<PlatformPcpuVersion>);
static_assert(offsetof(PlatformPcpuVersion, max_present) == 4 && offsetof(PlatformPcpuVersion, vendor_id) == 8 &&
              offsetof(PlatformPcpuVersion, family) == 20 && offsetof(PlatformPcpuVersion, model) == 24 &&
              offsetof(PlatformPcpuVersion, stepping) == 28);

struct PlatformCpuOnline {
    u32 cpu_id;
};
static_assert(sizeof(PlatformCpuOnline) == 4 && has_no_hidden_bytes<PlatformCpuOnline>);

/// PlatformResourceEntry::command. (XEN_RESOURCE_OP_*)
enum class ResourceCommand : u32 {
    MsrRead = 0,
    MsrWrite = 1,
};

/// Out, in the command's place: 0 or a negative error.
struct PlatformResourceEntry {
    u32 command;
    u32 reserved;
    u64 index;
    u64 value;
};
static_assert(sizeof(PlatformResourceEntry) == 24 && has_no_hidden_bytes<PlatformResourceEntry>);
static_assert(offsetof(PlatformResourceEntry, reserved) == 4 && offsetof(PlatformResourceEntry, index) == 8 &&
              offsetof(PlatformResourceEntry, value) == 16);

struct PlatformResourceOp {
    u32 nr_entries;
    u32 cpu;
    GuestHandle<PlatformResourceEntry> entries;
};
static_assert(sizeof(PlatformResourceOp) == 16 && has_no_hidden_bytes<PlatformResourceOp>);
static_assert(offsetof(PlatformResourceOp, cpu) == 4 && offsetof(PlatformResourceOp, entries) == 8);

/// In: a symbol's number; out: its name, address and type.
struct PlatformSymbolData {
    u32 name_length;
    u32 symbol_number;
    GuestHandle<char> name;
    u64 address;
    char type;
    std::array<u8, 7> pad;
};
static_assert(sizeof(PlatformSymbolData) == 32 && has_no_hidden_bytes<PlatformSymbolData>);
static_assert(offsetof(PlatformSymbolData, symbol_number) == 4 && offsetof(PlatformSymbolData, name) == 8 &&
              offsetof(PlatformSymbolData, address) == 16 && offsetof(PlatformSymbolData, type) == 24);

/// The call itself. `PlatformOp call{}` is zero in every byte, because `raw` comes first and covers the union.
struct PlatformOp {
    u32 command; // PlatformCommand
    u32 interface_version;
    union Payload {
        std::array<u8, 128> raw;
        PlatformSetTime32 set_time32;
        PlatformSetTime64 set_time64;
        PlatformMicrocodeUpdate microcode_update;
        PlatformFirmwareInfo firmware_info;
        PlatformEnterAcpiSleep enter_acpi_sleep;
        PlatformPcpuInfo pcpu_info;
        PlatformPcpuVersion pcpu_version;
        PlatformCpuOnline cpu_online;
        PlatformResourceOp resource_op;
        PlatformSymbolData symbol_data;
    } u;
};
static_assert(sizeof(PlatformOp) == 136);
static_assert(offsetof(PlatformOp, interface_version) == 4 && offsetof(PlatformOp, u) == 8);

}
