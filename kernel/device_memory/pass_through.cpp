// SPDX-License-Identifier: MIT
/// One DeviceWindows for the one domain that owns devices.
#include "kernel/device_memory/pass_through.hpp"

#include "kernel/device_memory/device_windows.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/sync/guarded.hpp"

namespace hospes::dom0 {

namespace {

Guarded<DeviceWindows, LockRank::DomainControl> windows;

constexpr u64 large_page_frames = 512;
/// Local APICs, and the addresses that devices write to when they raise an MSI.
constexpr Hpa message_window{0xFEE0'0000};
constexpr u64 message_window_bytes = 1 * mib;
constexpr Hpa vga_start{0xA0000}, vga_end{0xC0000}, low_memory_end{0x10'0000};

[[nodiscard]] FrameRun frames_around(Hpa where, u64 bytes)
{
    Hfn const first = frame_of(where);
    return {.first = first, .count = Hfn{pages_for(where.raw() + bytes)} - first};
}

[[nodiscard]] Expected<> exclude_emulated(DeviceWindows& devices, acpi::Madt const* madt,
                                          acpi::ConfigurationWindows const* configuration)
{
    auto result = devices.exclude(frames_around(message_window, message_window_bytes));
    if (madt)
        for (acpi::MadtIoApic const& io_apic : madt->io_apics)
            if (result) result = devices.exclude(frames_around(Hpa{io_apic.address}, page_size));
    if (configuration)
        for (acpi::ConfigurationWindow const& window : *configuration)
            if (result) result = devices.exclude(frames_around(window.start, window.bytes()));
    return result;
}

[[nodiscard]] Expected<> map_identity(Domain& domain, DeviceWindows const& devices, FrameRun run, MemoryType memory)
{
    return devices.for_each_allowed(run, [&](FrameRun part) {
        return domain.physmap.add_device(Gfn{part.first.raw()}, part.first, part.count, memory);
    });
}

/// dom0's own page tables say which of it is to be accessed uncached.
[[nodiscard]] bool is_firmware_memory(boot::MemoryRange const& range)
{
    bool const is_kept = range.kind == boot::MemoryKind::Reserved || range.kind == boot::MemoryKind::AcpiReclaimable ||
                         range.kind == boot::MemoryKind::AcpiNvs || range.kind == boot::MemoryKind::Persistent;
    return is_kept && range.end() > low_memory_end;
}

}

Expected<> prepare_pass_through(std::span<boot::MemoryRange const> host, unsigned physical_address_bits,
                                acpi::Madt const* madt, acpi::ConfigurationWindows const* configuration)
{
    auto devices = windows.lock();
    if (auto const known = devices->initialize(host, physical_address_bits); !known) return known;
    return exclude_emulated(*devices, madt, configuration);
}

Expected<> map_firmware_memory(Domain& domain, std::span<boot::MemoryRange const> host)
{
    auto devices = windows.lock();
    FrameRun const below_vga{.first = Hfn{}, .count = frame_of(vga_start).raw()};
    FrameRun const vga{.first = frame_of(vga_start), .count = frame_of(vga_end) - frame_of(vga_start)};
    FrameRun const roms{.first = frame_of(vga_end), .count = frame_of(low_memory_end) - frame_of(vga_end)};
    auto mapped = map_identity(domain, *devices, below_vga, MemoryType::WriteBack);
    if (mapped) mapped = map_identity(domain, *devices, vga, MemoryType::Uncacheable);
    if (mapped) mapped = map_identity(domain, *devices, roms, MemoryType::WriteBack);
    Hfn mapped_to = frame_of(low_memory_end); // neighbours may share a frame
    for (boot::MemoryRange const& range : host) {
        if (!mapped || !is_firmware_memory(range)) continue;
        FrameRun run = frames_around(range.start, range.bytes);
        Hfn const end = run.end();
        run.first = std::max(run.first, mapped_to);
        run.count = end > run.first ? end - run.first : 0;
        mapped = map_identity(domain, *devices, run, MemoryType::WriteBack);
        mapped_to = std::max(mapped_to, end);
    }
    return mapped;
}

bool map_on_demand(Gpa where)
{
    Domain* const domain = domains::control_domain();
    if (!domain) return false;
    auto devices = windows.lock();
    Hfn const frame{frame_of(where).raw()};
    if (!devices->allows({frame, 1})) return false;
    auto const map = [&](FrameRun run) {
        return domain->physmap.add_device(Gfn{run.first.raw()}, run.first, run.count, MemoryType::Uncacheable);
    };
    FrameRun const large{.first = Hfn{round_down(frame.raw(), large_page_frames)}, .count = large_page_frames};
    if (devices->allows(large) && map(large)) return true;
    auto const mapped = map({frame, 1});
    return mapped || mapped.error() == Error::Exists; // another vCPU was faster
}

bool is_device_memory(Gpa where, u64 bytes) { return windows.lock()->allows(frames_around(Hpa{where.raw()}, bytes)); }

Expected<> keep_trapped(Gpa where, u64 bytes)
{
    FrameRun const run = frames_around(Hpa{where.raw()}, bytes);
    if (auto const excluded = windows.lock()->exclude(run); !excluded) return excluded;
    Domain* const domain = domains::control_domain();
    if (!domain) return {};
    Retired retired{*domain};
    for (u64 i = 0; i < run.count; ++i) {
        Gfn const guest_frame{run.first.raw() + i};
        // Where dom0 has anything else, no device of its can have been mapped: Invalid is no failure.
        if (auto const removed = domain->physmap.remove(guest_frame, 0, MappingType::Device, retired);
            !removed && removed.error() != Error::Invalid)
            return failure(removed.error());
    }
    return {};
}

}
