// SPDX-License-Identifier: MIT
/// The machine's memory as far as ACPI tables may lie in it: checked against the firmware's own memory map.
#pragma once

#include "boot/boot_info.hpp"
#include "drivers/acpi/physical_reader.hpp"

namespace hospes::acpi {

class FirmwareMemory final : public PhysicalReader {
public:
    /// Gives a pointer that is good for the rest of the frame: arch::reach.
    using Reach = void* (*)(Hpa where);

    /// `map` is sorted and disjoint, and must outlive this object.
    FirmwareMemory(std::span<boot::MemoryRange const> map, Reach reach) : map_{map}, reach_{reach} {}
    [[nodiscard]] bool read(Hpa where, std::span<u8> out) const override;

private:
    [[nodiscard]] bool is_readable(u64 first, u64 end) const;

    std::span<boot::MemoryRange const> map_;
    Reach reach_;
};

}
