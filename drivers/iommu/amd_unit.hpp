// SPDX-License-Identifier: MIT
/// One AMD-Vi unit: its registers, its command buffer, its event log.
#pragma once

#include <optional>
#include <span>

#include "drivers/acpi/ivrs.hpp"
#include "drivers/iommu/amd_registers.hpp"
#include "drivers/iommu/fault_log.hpp"
#include "drivers/iommu/hardware.hpp"
#include "drivers/iommu/registers.hpp"

namespace hospes::iommu {

class AmdUnit {
public:
    AmdUnit(Registers& registers, u8 flags) : registers_{registers}, flags_{flags} {}

    /// Do the registers tell a sane story? `has_features`: the capability block says that the feature register exists.
    [[nodiscard]] Verdict examine(bool has_features);
    [[nodiscard]] amd::ExtendedFeatures features() const { return features_; }
    /// `memory` is four zeroed pages.
    void use_buffers(void* memory, Hpa where);

    /// Switches everything on. False: the unit does not do as it is told.
    [[nodiscard]] bool start(Hpa device_table, u64 device_table_bytes);

    // Each waits until it is done. False: it took too long.
    [[nodiscard]] bool flush_translations();
    [[nodiscard]] bool flush_everything();
    [[nodiscard]] bool flush_device(u16 requester);
    [[nodiscard]] bool flush_interrupts(u16 requester);

    /// Takes one event out; none when there is no more.
    [[nodiscard]] std::optional<Fault> next_fault();
    /// Before the first one.
    void begin_faults();

private:
    [[nodiscard]] bool has_arrived(amd::Event const volatile& event) const;
    [[nodiscard]] bool submit(std::span<amd::Command const> commands);
    void append(amd::Command const& command);
    [[nodiscard]] amd::Control wanted_control() const;

    Registers& registers_;
    u8 flags_;
    amd::ExtendedFeatures features_;
    std::span<amd::Command> commands_;
    amd::Event volatile* events_ = nullptr;
    u64 volatile* done_ = nullptr; ///< the unit writes here
    Hpa commands_at_{}, events_at_{}, done_at_{};
    u32 tail_ = 0;
    u32 event_head_ = 0;
    u64 sequence_ = 0;
};

}
