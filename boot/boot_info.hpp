// SPDX-License-Identifier: MIT
/// What any boot protocol hands over. After boot/ nobody sees the protocol.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "kernel/lib/address.hpp"
#include "kernel/lib/static_vector.hpp"

namespace hospes::boot {

/// Values of the firmware's E820 map. (ACPI 6.5, section 15, "System Address Map Interfaces", table 15.5.)
enum class MemoryKind : u32 {
    Usable = 1,
    Reserved = 2,
    AcpiReclaimable = 3,
    AcpiNvs = 4,
    Unusable = 5,
    Persistent = 7
};

/// Of a PC: the firmware's data, the screen and ROMs lie below it.
inline constexpr Hpa end_of_low_memory{1 * mib};

struct MemoryRange {
    Hpa start{};
    u64 bytes = 0;
    MemoryKind kind = MemoryKind::Reserved;
    [[nodiscard]] constexpr Hpa end() const { return start + bytes; }
};

/// A file that the boot loader placed in memory. The bytes stay where they are until dom0 has been built.
struct Module {
    Hpa start{};
    u64 bytes = 0;
    std::string_view command_line; ///< as the loader gave it, kept in our own memory
};

/// A linear RGB framebuffer left on by the firmware or loader.
struct Framebuffer {
    Hpa start{};
    u32 pitch_bytes = 0, width = 0, height = 0;
    u8 bits_per_pixel = 0;
};

struct BootInfo {
    static constexpr size_t max_ranges = 512;
    static constexpr size_t max_modules = 16;

    std::string_view loader_name;
    std::string_view command_line;
    StaticVector<MemoryRange, max_ranges> memory_map; ///< sorted, disjoint after sanitize()
    StaticVector<Module, max_modules> modules;
    std::optional<Hpa> rsdp; ///< where the loader says the ACPI root pointer (or its copy) is
    std::optional<Hpa> efi_system_table;
    std::optional<Framebuffer> framebuffer;
};

}
