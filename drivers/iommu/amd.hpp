// SPDX-License-Identifier: MIT
/// All AMD-Vi units of the machine, and the tables they share.
///
///   device table (65,536)        the devices' page table
///   [ bus, device, function ] ──▶ AmdFormat, the same for all
///             └──────────────▶ its own interrupt table (256 vectors), once it has an interrupt
#pragma once

#include "drivers/iommu/amd_unit.hpp"

namespace hospes::iommu {

class Amd final : public Hardware {
public:
    /// Finds out what the units can do and makes the tables; changes nothing yet.
    [[nodiscard]] Verdict initialize(acpi::Ivrs const& ivrs, HardwareRequest const& request);

    [[nodiscard]] u32 highest_apic_id() const override;
    [[nodiscard]] Verdict start() override;
    void note_added() override {} // absent translations are not cached where that would matter
    [[nodiscard]] Expected<RemappedMessage> route_message(pci::FunctionAddress device,
                                                          InterruptTarget const& target) override;
    [[nodiscard]] Expected<u64> route_pin(u8 io_apic_id, InterruptTarget const& target) override;
    void withdraw(u8 vector) override;

private:
    /// A unit and what its interrupt needs.
    struct Place {
        Place(Amd& owner, u8 volatile* base, acpi::IvrsUnit const& record)
            : owner{owner}, function{record.function}, registers{base}, unit{registers, record.flags}
        {}
        Amd& owner;
        u16 function;
        MappedRegisters registers;
        AmdUnit unit;
    };

    [[nodiscard]] bool flush_units() override;
    [[nodiscard]] bool block(u16 requester) override;
    [[nodiscard]] std::optional<u16> owner_of(u8 vector) override;
    void block_all() override;

    [[nodiscard]] Verdict add_unit(acpi::IvrsUnit const& record);
    [[nodiscard]] Verdict make_devices();
    void decide_on_interrupts(IommuOptions const& options);
    [[nodiscard]] Verdict listen_for_faults(Place& place);
    static void on_fault(void* context);
    [[nodiscard]] u16 requester_of(pci::FunctionAddress device) const;
    [[nodiscard]] Expected<u32*> interrupts_of(u16 requester);
    [[nodiscard]] Expected<> write_entry(u16 requester, u8 vector, amd::InterruptEntry entry);
    [[nodiscard]] Expected<> route(u16 requester, InterruptTarget const& target);

    StaticVector<Place*, max_units> units_; ///< for ever
    StaticVector<acpi::AliasRange, 64> aliases_;
    Hpa devices_at_{};
    std::span<amd::DeviceEntry> devices_;                    ///< by requester id
    std::array<std::optional<u16>, interrupt_count> owners_; ///< by vector: in whose table its entry is
    bool will_remap_interrupts_ = false;
};

}
