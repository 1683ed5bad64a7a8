// SPDX-License-Identifier: MIT
/// All VT-d units of the machine, and the tables they share.
///
///   root table          context tables (256)      the devices' page table
///   [ bus 0   ] ──────▶ [ device, function 0 ] ──▶ VtdFormat
///   [ bus 255 ] ──┐     [                    ] ──▶ the same: all devices are dom0's
///                 └───▶ …
#pragma once

#include "drivers/acpi/dmar.hpp"
#include "drivers/iommu/vtd_unit.hpp"

namespace hospes::iommu {

class Vtd final : public Hardware {
public:
    /// Finds out what the units can do and makes the tables; changes nothing yet.
    [[nodiscard]] Verdict initialize(acpi::Dmar const& dmar, HardwareRequest const& request);

    [[nodiscard]] u32 highest_apic_id() const override;
    [[nodiscard]] Verdict start() override;
    void note_added() override;
    [[nodiscard]] Expected<RemappedMessage> route_message(pci::FunctionAddress device,
                                                          InterruptTarget const& target) override;
    [[nodiscard]] Expected<u64> route_pin(u8 io_apic_id, InterruptTarget const& target) override;
    void withdraw(u8 vector) override;

private:
    /// A unit and what its interrupt needs.
    struct Place {
        Place(Vtd& owner, u8 volatile* base) : owner{owner}, registers{base} {}
        Vtd& owner;
        MappedRegisters registers;
        VtdUnit unit{registers};
    };
    /// One context or interrupt entry.
    struct Entry {
        u64 low = 0, high = 0;
    };

    [[nodiscard]] bool flush_units() override;
    [[nodiscard]] bool block(u16 requester) override;
    [[nodiscard]] std::optional<u16> owner_of(u8 vector) override;
    void block_all() override;

    [[nodiscard]] Verdict add_unit(acpi::DmarUnit const& record, std::span<boot::MemoryRange const> memory_map);
    [[nodiscard]] Verdict make_table(acpi::Dmar const& dmar);
    [[nodiscard]] Verdict make_contexts();
    void decide_on_interrupts(acpi::Dmar const& dmar, IommuOptions const& options);
    [[nodiscard]] Verdict listen_for_faults(Place& place);
    static void on_fault(void* context);
    [[nodiscard]] Expected<> write_entry(InterruptTarget const& target, vtd::InterruptHigh source);
    void written(void const* start, u64 bytes) const;
    [[nodiscard]] bool all_units(bool (*have)(VtdUnit const&)) const;
    template <typename Ask>
    [[nodiscard]] bool ask_units(Ask&& ask);

    StaticVector<Place*, max_units> units_; ///< for ever
    unsigned levels_ = 0;
    bool is_coherent_ = false;
    bool must_note_added_ = false;
    bool extended_interrupts_ = false;
    Hpa root_{}, interrupts_at_{};
    std::span<Entry> contexts_;   ///< by requester id
    std::span<Entry> interrupts_; ///< by vector
};

}
