// SPDX-License-Identifier: MIT
/// The devices' page table, filled as the physmap says: large pages where the units have them.
#pragma once

#include <algorithm>
#include <memory>

#include "drivers/acpi/io_virtualization.hpp"
#include "drivers/iommu/iommu.hpp"
#include "kernel/mm/second_stage.hpp"

namespace hospes::iommu {

/// What changes of the table need of the units.
class Units {
public:
    /// As DmaSpace::flush().
    [[nodiscard]] virtual bool flush_translations() = 0;
    /// Entries became present. Most units need not be told.
    virtual void note_added() = 0;

protected:
    ~Units() = default;
};

class Mirror final : public DmaSpace {
public:
    /// `largest_order` is that of the units' largest pages: 0, 9 or 18. `units` must outlive it.
    Mirror(std::unique_ptr<SecondStage> table, unsigned largest_order, Units& units)
        : table_{std::move(table)}, largest_order_{largest_order}, units_{units}
    {}

    [[nodiscard]] Expected<> map(Gfn where, Hfn frame, unsigned order, bool writable) override;
    [[nodiscard]] Expected<> unmap(Gfn where, unsigned order) override;
    [[nodiscard]] bool flush() override { return units_.flush_translations(); }

    /// Maps memory that firmware demands, for ever: unmap() passes over it. Overlaps are no error.
    [[nodiscard]] Expected<> map_demanded(acpi::DemandedRegion const& region);

    [[nodiscard]] Hpa root() const { return table_->root(); }
    [[nodiscard]] SecondStage const& table() const { return *table_; }

private:
    std::unique_ptr<SecondStage> table_;
    unsigned largest_order_;
    Units& units_;
};

}
