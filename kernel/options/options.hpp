// SPDX-License-Identifier: MIT
/// What the admin asked for on the command line, parsed. Defaults are here.
#pragma once

#include <optional>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes {

/// An amount of memory as dom0_mem= takes it: bytes, percent, or both; negative means "all but".
struct MemoryAmount {
    bool given = false;
    bool negative = false;
    u8 percent = 0;
    u64 bytes = 0;

    /// The amount in bytes, of a machine with `total`.
    [[nodiscard]] u64 of(u64 total) const;
    constexpr bool operator==(MemoryAmount const&) const = default;
};

struct Dom0Memory {
    MemoryAmount size, minimum, maximum;
};

struct VcpuCount {
    u32 minimum = 0;
    u32 maximum = 0; ///< 0: as many as the machine has CPUs
};

struct SerialPort {
    u32 baud = 0; ///< 0: as the firmware left it (`auto`)
    u32 clock_hz = 1'843'200;
    u8 data_bits = 8;
    char parity = 'n';
    u8 stop_bits = 1;
    bool configured = false; ///< by com1= or com2=
    u16 io_base = 0;
    u8 irq = 0;
};

enum class ConsoleChoice : u8 { None = 0, Com1 = 1, Com2 = 2, Vga = 4 };
struct Consoles {
    u8 choices = static_cast<u8>(ConsoleChoice::Vga);
    [[nodiscard]] constexpr bool has(ConsoleChoice choice) const { return (choices & static_cast<u8>(choice)) != 0; }
    constexpr void add(ConsoleChoice choice) { choices = static_cast<u8>(choices | static_cast<u8>(choice)); }
};

/// Number of levels shown (LogLevel below it): always, and at a limited rate.
struct LogThreshold {
    u8 always = 0;
    u8 rate_limited = 0;
};

struct IommuOptions {
    bool enabled = true;
    bool interrupt_remapping = true;
    bool verbose = false;
    bool required = false; ///< `force`: refuse to boot without
};

enum class SchedulerChoice : u8 { Credit2 };

struct Options {
    std::string_view command_line;      ///< without the image's name, as `xl info` shows it
    std::string_view dom0_command_line; ///< what followed " -- ", to be added to dom0's

    Dom0Memory dom0_memory;
    VcpuCount dom0_vcpus;
    bool dom0_vcpus_pin = false;

    Consoles consoles; ///< without console=, configured serial ports are consoles too
    bool consoles_chosen = false;
    SerialPort com1{.io_base = 0x3f8, .irq = 4};
    SerialPort com2{.io_base = 0x2f8, .irq = 3};
    LogThreshold log_level{.always = 3, .rate_limited = 3};
    LogThreshold guest_log_level{.always = 0, .rate_limited = 3};
    bool console_timestamps = false;
    bool console_to_ring = false;
    bool synchronous_console = false; ///< wait for the serial line with each write
    u64 console_ring_bytes = 0;       ///< 0: the built-in ring
    bool keep_vga = false;

    u32 toolstack_minor = 17; ///< the release 4.x of Xen whose tools dom0 has
    bool no_reboot = false;
    bool smp = true;
    u32 max_cpus = 0;     ///< 0: all
    u64 memory_limit = 0; ///< 0: all
    IommuOptions iommu;
    SchedulerChoice scheduler = SchedulerChoice::Credit2;
    u32 max_grant_frames = 64;
    u32 max_maptrack_frames = 1024;
    bool x2apic = true;
    std::optional<bool> apic_virtualization; ///< left out: unless the machine is known to do it wrong
    bool large_pages_1g = true;
    bool large_pages_2m = true;
};

}
