// SPDX-License-Identifier: MIT
/// One vendor's IOMMUs of a machine: several units, all of which follow the same tables.
#pragma once

#include "drivers/iommu/fault_log.hpp"
#include "drivers/iommu/interrupts.hpp"
#include "drivers/iommu/mirror.hpp"
#include "kernel/lib/static_vector.hpp"
#include "kernel/sync/guarded.hpp"
#include "kernel/verdict/verdict.hpp"

namespace hospes::iommu {

using Verdict = std::expected<void, Refusal>;

[[nodiscard]] inline std::unexpected<Refusal> refuse(std::string_view why, u64 detail = 0)
{
    return std::unexpected{Refusal{why, detail}};
}
[[nodiscard]] inline std::unexpected<Refusal> refuse(acpi::Flaw const& flaw)
{
    return std::unexpected{Refusal{flaw.why, flaw.detail, flaw.is_absent}};
}

inline constexpr size_t max_units = 16;
inline constexpr unsigned interrupt_count = 256; ///< as there are vectors

/// Every unit knows devices as members of this domain; number 0 is reserved by some.
inline constexpr u16 domain_of_dom0 = 1;

class Hardware : public Units {
public:
    virtual ~Hardware() = default;

    [[nodiscard]] Mirror& mirror() { return *mirror_; }
    [[nodiscard]] std::span<RegisterPlace const> places() const { return places_.items(); }
    [[nodiscard]] std::span<pci::FunctionAddress const> own_functions() const { return own_functions_.items(); }
    [[nodiscard]] bool remaps_interrupts() const { return remaps_interrupts_; }
    [[nodiscard]] virtual u32 highest_apic_id() const = 0;

    /// As iommu::start().
    [[nodiscard]] virtual Verdict start() = 0;

    // As in interrupts.hpp.
    [[nodiscard]] virtual Expected<RemappedMessage> route_message(pci::FunctionAddress device,
                                                                  InterruptTarget const& target) = 0;
    [[nodiscard]] virtual Expected<u64> route_pin(u8 io_apic_id, InterruptTarget const& target) = 0;
    virtual void withdraw(u8 vector) = 0;
    /// As in iommu.hpp.
    void show_interrupts();

    [[nodiscard]] bool flush_translations() final;

protected:
    struct IoApic {
        u8 id = 0;
        u16 requester = 0;
    };
    [[nodiscard]] Expected<u16> requester_of_io_apic(u8 id) const;
    [[nodiscard]] bool knows_all_io_apics() const;
    /// Why interrupts cannot be remapped.
    struct Obstacle {
        verdict::Standing standing = verdict::Standing::Absent;
        std::string_view why;
    };
    /// Adds the verdict's row.
    static void judge_interrupts(std::optional<Obstacle> const& obstacle, bool is_x2apic);
    /// The table, with the regions that firmware demands.
    [[nodiscard]] Verdict adopt_table(std::unique_ptr<SecondStage> table, unsigned largest_order,
                                      acpi::DemandedRegions const& regions);
    /// A unit was asked for something and does not answer: no device may do DMA any more, nothing is promised again.
    void stop(std::string_view unit_does);
    [[nodiscard]] bool is_stopped() const { return stopped_.load(std::memory_order_acquire); }
    /// Takes out all that a unit has recorded: before that, a VT-d unit does not announce more. In a storm there is
    /// always more, until its devices are cut off on the way; but never so much that this CPU stands still.
    template <typename Unit>
    void note_faults(Unit& unit)
    {
        constexpr unsigned most = 1024; // the largest log has 256
        for (unsigned i = 0; i < most; ++i) {
            auto const fault = unit.next_fault();
            if (!fault) return;
            note_fault(*fault);
        }
    }

    /// flush_units() and block() are called without a lock held, and take LockRank::Iommu.
    [[nodiscard]] virtual bool flush_units() = 0;
    [[nodiscard]] virtual bool block(u16 requester) = 0;
    /// Whose entry raises the vector, if there is one. Without a lock held.
    [[nodiscard]] virtual std::optional<u16> owner_of(u8 vector) = 0;
    /// In memory only: the units may not answer any more.
    virtual void block_all() = 0;

    Spinlock<LockRank::Iommu> lock_; ///< tables and command queues
    std::unique_ptr<Mirror> mirror_;
    StaticVector<RegisterPlace, max_units> places_;
    StaticVector<pci::FunctionAddress, max_units> own_functions_;
    StaticVector<IoApic, 16> io_apics_;
    bool remaps_interrupts_ = false;
    bool started_ = false;

private:
    /// Logs a fault, and cuts the device off if it must be.
    void note_fault(Fault const& fault);

    Guarded<FaultLog, LockRank::Iommu> faults_;
    std::atomic<bool> stopped_{false};
};

/// Frames for tables that units read, zeroed, for ever.
[[nodiscard]] Expected<Hpa> allocate_table(unsigned order = 0);

/// The most pages that the devices' page table may take: a 2 MiB table for each 2 MiB of memory, and as much again.
[[nodiscard]] u64 table_limit();

struct HardwareRequest {
    std::span<boot::MemoryRange const> memory_map;
    IommuOptions const& options;
};

}
