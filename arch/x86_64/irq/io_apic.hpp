// SPDX-License-Identifier: MIT
/// One I/O APIC: where each interrupt line of the chipset goes.
/// (Intel 82093AA I/O APIC data sheet, section 3; each pin is one "global system interrupt" of ACPI.)
#pragma once

#include "arch/x86_64/irq/local_apic_registers.hpp"
#include "arch/x86_64/irq/topology.hpp"
#include "kernel/lib/bit_register.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/sync/spinlock.hpp"

namespace hospes {

/// What one pin does. (82093AA, section 3.2.4)
struct RedirectionEntry : Register<RedirectionEntry> {
    using Register::Register;
    using Vector = Field<RedirectionEntry, 7, 0, u8>;
    using Delivery = Field<RedirectionEntry, 10, 8, DeliveryMode>;
    using LogicalDestination = Field<RedirectionEntry, 11>;
    using DeliveryPending = Field<RedirectionEntry, 12>;
    using ActiveLow = Field<RedirectionEntry, 13, 13, Polarity>;
    using RemoteIrr = Field<RedirectionEntry, 14>;
    using Trigger = Field<RedirectionEntry, 15, 15, TriggerMode>;
    using Masked = Field<RedirectionEntry, 16>;
    using Destination = Field<RedirectionEntry, 63, 56, u8>;

    [[nodiscard]] static constexpr RedirectionEntry fixed(u8 vector, u8 destination, TriggerMode trigger,
                                                          Polarity polarity)
    {
        return RedirectionEntry{}
            .with<Vector>(vector)
            .with<Destination>(destination)
            .with<Trigger>(trigger)
            .with<ActiveLow>(polarity)
            .with<Masked>(true);
    }
};

/// An I/O APIC of the host. Its registers are reached through an index and a data register, hence the lock
/// (LockRank::InterruptRouting).
class IoApic {
public:
    IoApic() = default;

    /// Maps the registers and masks every pin. NoSuchDevice if nobody answers there; OutOfMemory.
    [[nodiscard]] Expected<> initialize(InterruptTopology::IoApicRecord const& record);

    [[nodiscard]] u32 gsi_base() const { return gsi_base_; }
    [[nodiscard]] unsigned pin_count() const { return pin_count_; }
    [[nodiscard]] bool owns(u32 gsi) const { return gsi >= gsi_base_ && gsi - gsi_base_ < pin_count_; }

    /// Sets up a pin; the entry's own mask bit decides whether it can fire.
    void route(unsigned pin, RedirectionEntry entry);
    /// Does not wait for an interrupt that is on its way.
    void mask(unsigned pin);
    void unmask(unsigned pin);
    /// A level-triggered interrupt was served: the pin, which is masked, may raise the next.
    void end_of_interrupt(unsigned pin);
    /// Only the target changes.
    void set_destination(unsigned pin, u8 apic_id);
    [[nodiscard]] RedirectionEntry entry(unsigned pin);

private:
    [[nodiscard]] u32 read(u8 index);
    void write(u8 index, u32 value);
    void set_masked(unsigned pin, bool masked);

    Spinlock<LockRank::InterruptRouting> lock_;
    u8 volatile* registers_ = nullptr;
    u32 gsi_base_ = 0;
    unsigned pin_count_ = 0;
    bool has_end_register_ = false;
};

}
