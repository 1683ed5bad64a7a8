// SPDX-License-Identifier: MIT
/// Access to an I/O APIC's registers.
#include "arch/x86_64/irq/io_apic.hpp"

#include "kernel/arch/memory.hpp"
#include "kernel/lib/no_answer.hpp"

namespace hospes {

namespace {

constexpr u64 register_bytes = 0x44;
constexpr u32 index_offset = 0x00;
constexpr u32 data_offset = 0x10;
/// Of later ones: writing a vector ends its level-triggered interrupts. (Intel ICH9 data sheet, section 13.5.2)
constexpr u32 end_of_interrupt_offset = 0x40;
constexpr u8 first_version_with_end_register = 0x20;
constexpr u8 version_index = 0x01;

constexpr u8 low_half(unsigned pin) { return static_cast<u8>(0x10 + 2 * pin); }
constexpr u8 high_half(unsigned pin) { return static_cast<u8>(0x11 + 2 * pin); }

struct IoApicVersion : Register<IoApicVersion> {
    using Register::Register;
    using Version = Field<IoApicVersion, 7, 0, u8>;
    using HighestPin = Field<IoApicVersion, 23, 16, unsigned>;
};

}

Expected<> IoApic::initialize(InterruptTopology::IoApicRecord const& record)
{
    registers_ = static_cast<u8 volatile*>(arch::map_device(record.address, register_bytes));
    if (!registers_) return failure(Error::OutOfMemory);
    u32 const version = read(version_index);
    if (version == no_answer<u32>) return failure(Error::NoSuchDevice);
    gsi_base_ = record.gsi_base;
    has_end_register_ = IoApicVersion{version}.get<IoApicVersion::Version>() >= first_version_with_end_register;
    pin_count_ = IoApicVersion{version}.get<IoApicVersion::HighestPin>() + 1;
    for (unsigned pin = 0; pin < pin_count_; ++pin) route(pin, RedirectionEntry{}.with<RedirectionEntry::Masked>(true));
    return {};
}

void IoApic::route(unsigned pin, RedirectionEntry entry)
{
    LockGuard guard{lock_};
    // The mask bit is in the low half: no interrupt can go out while the halves do not belong together.
    write(low_half(pin), static_cast<u32>(RedirectionEntry{}.with<RedirectionEntry::Masked>(true).raw()));
    write(high_half(pin), static_cast<u32>(entry.raw() >> 32));
    write(low_half(pin), static_cast<u32>(entry.raw()));
}

void IoApic::mask(unsigned pin) { set_masked(pin, true); }
void IoApic::unmask(unsigned pin) { set_masked(pin, false); }

/// Without the register: an edge-triggered pin is never in service, so it is one for a moment.
void IoApic::end_of_interrupt(unsigned pin)
{
    LockGuard guard{lock_};
    RedirectionEntry const now{read(low_half(pin))};
    if (has_end_register_) {
        *reinterpret_cast<u32 volatile*>(registers_ + end_of_interrupt_offset) = now.get<RedirectionEntry::Vector>();
        return;
    }
    auto const edge = now.with<RedirectionEntry::Trigger>(TriggerMode::Edge).with<RedirectionEntry::Masked>(true);
    write(low_half(pin), static_cast<u32>(edge.raw()));
    write(low_half(pin), static_cast<u32>(now.raw()));
}

void IoApic::set_masked(unsigned pin, bool masked)
{
    LockGuard guard{lock_};
    RedirectionEntry const old{read(low_half(pin))};
    write(low_half(pin), static_cast<u32>(old.with<RedirectionEntry::Masked>(masked).raw()));
}

void IoApic::set_destination(unsigned pin, u8 apic_id)
{
    LockGuard guard{lock_};
    RedirectionEntry const old{u64{read(high_half(pin))} << 32};
    write(high_half(pin), static_cast<u32>(old.with<RedirectionEntry::Destination>(apic_id).raw() >> 32));
}

RedirectionEntry IoApic::entry(unsigned pin)
{
    LockGuard guard{lock_};
    return RedirectionEntry{u64{read(high_half(pin))} << 32 | read(low_half(pin))};
}

u32 IoApic::read(u8 index)
{
    *reinterpret_cast<u32 volatile*>(registers_ + index_offset) = index;
    return *reinterpret_cast<u32 volatile*>(registers_ + data_offset);
}

void IoApic::write(u8 index, u32 value)
{
    *reinterpret_cast<u32 volatile*>(registers_ + index_offset) = index;
    *reinterpret_cast<u32 volatile*>(registers_ + data_offset) = value;
}

}
