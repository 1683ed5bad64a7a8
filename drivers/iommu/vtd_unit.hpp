// SPDX-License-Identifier: MIT
/// One VT-d unit: its registers, its invalidation queue, its faults.
#pragma once

#include <span>

#include "drivers/iommu/fault_log.hpp"
#include "drivers/iommu/hardware.hpp"
#include "drivers/iommu/registers.hpp"
#include "drivers/iommu/vtd_registers.hpp"

namespace hospes::iommu {

class VtdUnit {
public:
    explicit VtdUnit(Registers& registers) : registers_{registers} {}

    /// Do the registers tell a sane story?
    [[nodiscard]] Verdict examine();
    /// `queue` is two zeroed pages.
    void use_queue(void* queue, Hpa where);

    [[nodiscard]] vtd::Capability capability() const { return capability_; }
    [[nodiscard]] vtd::ExtendedCapability extended() const { return extended_; }
    /// How far its registers reach.
    [[nodiscard]] u64 register_bytes() const;

    struct Tables {
        Hpa root{};
        Hpa interrupts{}; ///< 0: interrupts are not remapped
        bool extended_interrupts = false;
    };
    /// Switches everything on. False: the unit does not do as it is told.
    [[nodiscard]] bool start(Tables const& tables);
    /// Faults are announced by this message.
    void announce_faults(u64 address, u32 data);

    // Each waits until it is done. False: it took too long, or the unit reports an error.
    [[nodiscard]] bool flush_translations();
    [[nodiscard]] bool flush_everything();
    [[nodiscard]] bool flush_interrupt(u8 index);
    [[nodiscard]] bool flush_write_buffer();

    /// Takes one fault out; none when there is no more.
    [[nodiscard]] std::optional<Fault> next_fault();
    /// After the last one.
    void end_faults();

private:
    [[nodiscard]] bool set(u32 state, bool on);
    [[nodiscard]] bool order(u32 what);
    [[nodiscard]] bool switch_off();
    void forget_old_faults();
    [[nodiscard]] bool lift_firmware_protection();
    [[nodiscard]] bool submit(std::span<vtd::Descriptor const> descriptors);
    void append(vtd::Descriptor const& descriptor);
    [[nodiscard]] bool invalidate_by_registers();

    Registers& registers_;
    vtd::Capability capability_;
    vtd::ExtendedCapability extended_;
    std::span<vtd::Descriptor> queue_;
    u32 volatile* done_ = nullptr; ///< the unit writes here
    Hpa queue_at_{}, done_at_{};
    u32 tail_ = 0;
    u32 next_record_ = 0; ///< the unit fills its fault records in a ring
    u32 sequence_ = 0;
};

}
