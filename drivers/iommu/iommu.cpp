// SPDX-License-Identifier: MIT
/// Which vendor's IOMMUs the machine has; from then on there is one Hardware.
#include "drivers/iommu/iommu.hpp"

#include "drivers/iommu/amd.hpp"
#include "drivers/iommu/vtd.hpp"

namespace hospes::iommu {

namespace {

Hardware* hardware = nullptr; // for ever

/// `Driver` for what `facts` say, unless they are broken.
template <typename Driver, typename Facts>
Verdict use(acpi::Judged<Facts> const& facts, HardwareRequest const& request)
{
    if (!facts) return refuse(facts.error());
    auto* const driver = new (std::nothrow) Driver;
    if (!driver) return refuse("there is no memory for the driver");
    if (auto const ready = driver->initialize(*facts, request); !ready) return ready;
    hardware = driver;
    return {};
}

/// As a row of the verdict.
void report(Refusal const& refusal)
{
    using verdict::Standing;
    verdict::add("IOMMU", refusal.is_absent ? Standing::Absent : Standing::Broken,
                 "switch VT-d or AMD-Vi on in the firmware's setup; update a firmware whose tables are wrong",
                 "{} ({:x})", refusal.why, refusal.detail);
}

}

/// The one table that is there decides, not the CPU's vendor. A broken one is as good as none, but says why.
Verdict initialize(Request const& request)
{
    HardwareRequest const wanted{request.memory_map, request.options};
    auto const intel = use<Vtd>(acpi::parse_dmar(request.tables, request.memory_map), wanted);
    if (intel) return {};
    auto const amd = use<Amd>(acpi::parse_ivrs(request.tables, request.memory_map), wanted);
    if (amd) return {};
    auto const& result = intel.error().is_absent ? amd : intel;
    report(result.error());
    return result;
}

DmaSpace& dma_space() { return hardware->mirror(); }
Verdict start() { return hardware->start(); }
bool remaps_interrupts() { return hardware && hardware->remaps_interrupts(); }
u32 highest_apic_id() { return hardware->highest_apic_id(); }

void show_interrupts()
{
    if (remaps_interrupts()) hardware->show_interrupts();
}

u64 table_pages() { return hardware ? hardware->mirror().table().table_pages() : 0; }

std::span<RegisterPlace const> register_places()
{
    return hardware ? hardware->places() : std::span<RegisterPlace const>{};
}
std::span<pci::FunctionAddress const> own_functions()
{
    return hardware ? hardware->own_functions() : std::span<pci::FunctionAddress const>{};
}

Expected<RemappedMessage> route_message(pci::FunctionAddress device, InterruptTarget const& target)
{
    return hardware->route_message(device, target);
}
Expected<u64> route_pin(u8 io_apic_id, InterruptTarget const& target)
{
    return hardware->route_pin(io_apic_id, target);
}
void withdraw(u8 vector) { hardware->withdraw(vector); }

}
