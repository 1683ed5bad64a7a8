// SPDX-License-Identifier: MIT
/// Translation of MADT records, MPS INTI flags among them. (ACPI Specification 6.5, section 5.2.12.5, table 5.26.)
#include "drivers/acpi/interrupt_topology.hpp"

#include "kernel/log/log.hpp"

namespace hospes::acpi {

namespace {

constexpr u16 polarity_mask = 3, polarity_low = 3;
constexpr u16 trigger_mask = 3 << 2, trigger_level = 3 << 2;

/// "Conforms to the bus" is what ISA does: edge-triggered, active high.
[[nodiscard]] InterruptTopology::SourceOverride translate(MadtSourceOverride const& record)
{
    bool const is_level = (record.flags & trigger_mask) == trigger_level;
    bool const is_low = (record.flags & polarity_mask) == polarity_low;
    return {.isa_irq = record.source,
            .gsi = record.interrupt,
            .trigger = is_level ? TriggerMode::Level : TriggerMode::Edge,
            .polarity = is_low ? Polarity::ActiveLow : Polarity::ActiveHigh};
}

}

InterruptTopology interrupt_topology(Madt const& madt)
{
    InterruptTopology topology;
    bool complete = true;
    topology.local_apic = madt.local_apic;
    for (Processor const& processor : madt.processors)
        if (processor.is_enabled) complete &= topology.apic_ids.push_back(processor.apic_id);
    for (MadtIoApic const& io_apic : madt.io_apics)
        complete &= topology.io_apics.push_back(
            {.id = io_apic.id, .address = Hpa{io_apic.address}, .gsi_base = io_apic.first_interrupt});
    for (MadtSourceOverride const& record : madt.source_overrides)
        complete &= topology.overrides.push_back(translate(record));
    if (!complete) log_warning("ACPI: the MADT lists more processors or interrupt sources than Hospes can use");
    return topology;
}

}
