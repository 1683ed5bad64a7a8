// SPDX-License-Identifier: MIT
/// What both vendors do alike: flush all units, stop devices, judge whether interrupts can be remapped.
#include "drivers/iommu/hardware.hpp"

#include "arch/x86_64/irq/irq.hpp"
#include "drivers/iommu/requester.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/counters/happening.hpp"
#include "kernel/log/log.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::iommu {

bool Hardware::flush_translations()
{
    if (!started_) return true;
    if (is_stopped()) return false;
    count(Happening::DevicesFlushed);
    if (flush_units()) return true;
    stop("flush translations");
    return false;
}

Expected<u16> Hardware::requester_of_io_apic(u8 id) const
{
    for (IoApic const& io_apic : io_apics_)
        if (io_apic.id == id) return io_apic.requester;
    return failure(Error::NoSuchDevice);
}

bool Hardware::knows_all_io_apics() const
{
    for (auto const& record : irq::topology().io_apics)
        if (!requester_of_io_apic(record.id)) return false;
    return true;
}

void Hardware::judge_interrupts(std::optional<Obstacle> const& obstacle, bool is_x2apic)
{
    constexpr std::string_view what = "interrupt remapping";
    if (obstacle)
        verdict::add({what, obstacle->standing, obstacle->why, "a device can raise any interrupt of the machine"});
    else
        verdict::add({what, verdict::Standing::InUse,
                      is_x2apic ? "I/O APICs, MSI and MSI-X, by source; x2APIC" : "I/O APICs, MSI and MSI-X, by source",
                      ""});
}

Verdict Hardware::adopt_table(std::unique_ptr<SecondStage> table, unsigned largest_order,
                              acpi::DemandedRegions const& regions)
{
    mirror_.reset(new (std::nothrow) Mirror{std::move(table), largest_order, *this});
    if (!mirror_) return refuse("there is no memory for its tables");
    for (acpi::DemandedRegion const& region : regions) {
        log_info("IOMMU: firmware demands {:x} - {:x} for devices", region.start, region.end());
        if (!mirror_->map_demanded(region)) return refuse("a demanded region cannot be mapped", region.start.raw());
    }
    return {};
}

void Hardware::stop(std::string_view unit_does)
{
    if (stopped_.exchange(true)) return;
    log_error("IOMMU: a unit does not {} in time. ALL DEVICES ARE STOPPED: what they had access to is never used "
              "again. Restart the machine",
              unit_does);
    block_all();
    stop_bus_mastering();
}

void Hardware::note_fault(Fault const& fault)
{
    if (!faults_.lock()->report(fault, clock::now())) return;
    stop_bus_mastering(function_of(fault.requester));
    if (!is_stopped() && !block(fault.requester)) stop("cut a device off");
}

void Hardware::show_interrupts()
{
    for (unsigned vector = 0; vector < interrupt_count; ++vector) {
        auto const owner = owner_of(static_cast<u8>(vector));
        if (!owner) continue;
        pci::FunctionAddress const function = function_of(*owner);
        log_info("IOMMU: interrupt {:x}: PCI {:x}:{:x}.{}", vector, function.bus, function.device(),
                 function.function());
    }
}

Expected<Hpa> allocate_table(unsigned order)
{
    auto const frame = frames::allocate_zeroed(order);
    if (!frame) return failure(frame.error());
    return address_of(*frame);
}

u64 table_limit()
{
    constexpr u64 frames_per_table = 512, enough_for_small_machines = 4096;
    return 2 * frames::total_count() / frames_per_table + enough_for_small_machines;
}

}
