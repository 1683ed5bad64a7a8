// SPDX-License-Identifier: MIT
/// The registers of a virtual I/O APIC; an entry that dom0 unmasks binds the host's line.
#include "arch/x86_64/virtual_apic/virtual_io_apic.hpp"

#include <algorithm>
#include <new>

#include "kernel/lib/no_answer.hpp"
#include "kernel/log/log.hpp"

namespace hospes::arch {

namespace {

constexpr unsigned most_pins = 240; // indices are bytes

/// Offsets in the page.
constexpr u64 index_offset = 0x00;
constexpr u64 data_offset = 0x10;
constexpr u64 end_of_interrupt_offset = 0x40;

/// Indices of registers. (82093AA, table 2)
constexpr u8 id_index = 0x00;
constexpr u8 version_index = 0x01;
constexpr u8 arbitration_index = 0x02;
constexpr u8 first_entry_index = 0x10;

constexpr u8 version = 0x20;
constexpr u32 id_mask = 0x0f00'0000;
constexpr unsigned id_shift = 24;

struct VersionRegister : Register<VersionRegister> {
    using Register::Register;
    using Version = Field<VersionRegister, 7, 0, u8>;
    using LastPin = Field<VersionRegister, 23, 16, unsigned>;
};

/// What a guest may write into an entry.
constexpr u64 writable = RedirectionEntry::Vector::mask | RedirectionEntry::Delivery::mask |
                         RedirectionEntry::LogicalDestination::mask | RedirectionEntry::ActiveLow::mask |
                         RedirectionEntry::Trigger::mask | RedirectionEntry::Masked::mask |
                         RedirectionEntry::Destination::mask;
constexpr u64 low_half = 0xffff'ffff;

ApicMessage message_of(RedirectionEntry entry)
{
    return {.destination = entry.get<RedirectionEntry::Destination>(),
            .logical = entry.get<RedirectionEntry::LogicalDestination>(),
            .mode = static_cast<ApicDeliveryMode>(entry.get<RedirectionEntry::Delivery>()),
            .vector = entry.get<RedirectionEntry::Vector>(),
            .level = entry.get<RedirectionEntry::Trigger>() == TriggerMode::Level};
}

}

Expected<std::unique_ptr<VirtualIoApic>> VirtualIoApic::create(Place const& place, GsiLines& lines, InterruptSink& sink)
{
    Place limited = place;
    limited.pins = std::min(place.pins, most_pins);
    std::unique_ptr<VirtualIoApic> created{new (std::nothrow) VirtualIoApic{limited, lines, sink}};
    if (!created) return failure(Error::OutOfMemory);
    created->id_register_ = u32{place.id} << id_shift;
    created->pins_.reset(new (std::nothrow) Pin[limited.pins]);
    if (!created->pins_) return failure(Error::OutOfMemory);
    for (unsigned i = 0; i < limited.pins; ++i) {
        created->pins_[i].owner = created.get();
        created->pins_[i].gsi = place.gsi_base + i;
    }
    return created;
}

// --- registers ---

u64 VirtualIoApic::read(Vcpu&, u64 address, unsigned bytes)
{
    u64 const offset = address - place_.address.raw();
    unsigned const skipped = offset % 4;
    if (skipped + bytes > 4) return no_answer<>;
    return read_register(offset - skipped) >> (8 * skipped);
}

/// Registers are four bytes wide; of smaller writes only one to the index is known to be used.
void VirtualIoApic::write(Vcpu&, u64 address, unsigned bytes, u64 value)
{
    u64 const offset = address - place_.address.raw();
    if (bytes == 4 || (offset == index_offset && bytes < 4)) write_register(offset, static_cast<u32>(value));
}

u32 VirtualIoApic::read_register(u64 offset)
{
    LockGuard const guard{lock_};
    if (offset == index_offset) return index_;
    return offset == data_offset ? read_data() : no_answer<u32>;
}

void VirtualIoApic::write_register(u64 offset, u32 value)
{
    if (offset == end_of_interrupt_offset) return end_of_interrupt(static_cast<u8>(value));
    LockGuard const guard{lock_};
    if (offset == index_offset) index_ = static_cast<u8>(value);
    if (offset == data_offset) write_data(value);
}

u32 VirtualIoApic::read_data() const
{
    if (index_ == id_index || index_ == arbitration_index) return id_register_;
    if (index_ == version_index)
        return static_cast<u32>(VersionRegister{}
                                    .with<VersionRegister::Version>(version)
                                    .with<VersionRegister::LastPin>(place_.pins - 1)
                                    .raw());
    unsigned const pin = (index_ - first_entry_index) / 2U;
    if (index_ < first_entry_index || pin >= place_.pins) return no_answer<u32>;
    u64 const entry = pins_[pin].entry.raw();
    return static_cast<u32>(index_ % 2 == 0 ? entry & low_half : entry >> 32);
}

void VirtualIoApic::write_data(u32 value)
{
    if (index_ == id_index) id_register_ = value & id_mask;
    unsigned const number = (index_ - first_entry_index) / 2U;
    if (index_ < first_entry_index || number >= place_.pins) return;
    Pin& pin = pins_[number];
    u64 const old = pin.entry.raw();
    u64 const half = index_ % 2 == 0 ? (old & ~low_half) | value : (old & low_half) | u64{value} << 32;
    write_entry(pin, RedirectionEntry{(half & writable) | (old & ~writable)});
}

/// Software turns a pin to edge-triggered and back to end an interrupt whose end got lost.
void VirtualIoApic::write_entry(Pin& pin, RedirectionEntry wanted)
{
    pin.entry = wanted;
    if (!pin.is_level())
        pin.entry = pin.entry.with<RedirectionEntry::RemoteIrr>(false);
    else
        pin.has_fired = false;
    follow(pin);
    if (pin.has_fired && !pin.is_masked()) deliver(pin);
}

// --- the host's pin ---

/// Makes the host's pin what the guest's entry asks for.
void VirtualIoApic::follow(Pin& pin)
{
    if (pin.is_masked()) {
        if (pin.binding == Pin::Binding::Bound) lines_.mask(pin.gsi);
        return;
    }
    if (bind(pin) && !pin.waits_for_end()) lines_.unmask(pin.gsi);
}

/// True if the host's pin is the guest's and signals as the guest says.
bool VirtualIoApic::bind(Pin& pin)
{
    auto const trigger = pin.entry.get<RedirectionEntry::Trigger>();
    auto const polarity = pin.entry.get<RedirectionEntry::ActiveLow>();
    if (pin.binding == Pin::Binding::Refused) return false;
    if (pin.binding == Pin::Binding::None) {
        auto const bound = lines_.bind(pin.gsi, trigger, polarity, on_interrupt, &pin);
        pin.binding = bound ? Pin::Binding::Bound : Pin::Binding::Refused;
        if (!bound) log_warning("GSI {}: dom0 gets no interrupts from it (error {})", pin.gsi, bound.error());
    } else if (trigger != pin.host_trigger || polarity != pin.host_polarity) {
        lines_.set_signal(pin.gsi, trigger, polarity);
    }
    pin.host_trigger = trigger;
    pin.host_polarity = polarity;
    return pin.binding == Pin::Binding::Bound;
}

// --- interrupts ---

void VirtualIoApic::on_interrupt(void* context)
{
    Pin& pin = *static_cast<Pin*>(context);
    LockGuard const guard{pin.owner->lock_};
    pin.owner->fire(pin);
}

void VirtualIoApic::fire(Pin& pin)
{
    if (pin.is_level()) {
        // A masked pin's line stays masked at the host, and fires again when both are unmasked.
        if (!pin.is_masked() && !pin.waits_for_end()) deliver(pin);
        return;
    }
    pin.has_fired = true;
    if (!pin.is_masked()) deliver(pin);
}

void VirtualIoApic::deliver(Pin& pin)
{
    pin.has_fired = false;
    // Set first: the vCPU may be done with the interrupt before this CPU goes on, and then waits for the lock.
    pin.entry = pin.entry.with<RedirectionEntry::RemoteIrr>(pin.is_level());
    sink_.deliver(message_of(pin.entry));
}

void VirtualIoApic::end_of_interrupt(u8 vector)
{
    LockGuard const guard{lock_};
    for (unsigned i = 0; i < place_.pins; ++i) {
        Pin& pin = pins_[i];
        if (!pin.waits_for_end() || pin.entry.get<RedirectionEntry::Vector>() != vector) continue;
        pin.entry = pin.entry.with<RedirectionEntry::RemoteIrr>(false);
        follow(pin);
    }
}

}
