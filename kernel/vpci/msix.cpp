// SPDX-License-Identifier: MIT
/// The capability's registers and the table that traps. (PCI Local Bus Specification 3.0, 6.8.2)
#include "kernel/vpci/msix.hpp"

#include <new>

#include "kernel/lib/no_answer.hpp"
#include "kernel/log/log.hpp"
#include "kernel/vpci/base_addresses.hpp"

namespace hospes::vpci {

namespace {

using pci::MsixControl;
using pci::MsixVectorControl;
namespace entry_offset = pci::msix_entry;

constexpr u64 low_half = 0xffff'ffff;

constexpr bool is_legal(Gpa where, unsigned bytes) { return (bytes == 4 || bytes == 8) && where.raw() % bytes == 0; }

}

std::unique_ptr<Msix> Msix::create(ConfigSpace& space, u16 capability)
{
    MsixControl const control{space.read_hardware(static_cast<u16>(capability + pci::msix::control), 2)};
    unsigned const count = control.get<MsixControl::LastEntry>() + 1U;
    std::unique_ptr<Entry[]> entries{new (std::nothrow) Entry[count]};
    if (!entries) return nullptr;
    std::unique_ptr<Msix> created{new (std::nothrow) Msix{space, capability, std::move(entries), count}};
    if (!created || !space.add({created->control_, 2, created.get()})) return nullptr;
    return created;
}

Msix::Msix(ConfigSpace& space, u16 capability, std::unique_ptr<Entry[]> entries, unsigned count)
    : space_{space},
      control_{static_cast<u16>(capability + pci::msix::control)},
      place_{space.read_hardware(static_cast<u16>(capability + pci::msix::table), 4)},
      entries_{std::move(entries)},
      count_{count}
{
    if (hardware_control().get<MsixControl::Enable>()) switch_off();
}

MsixControl Msix::hardware_control() const { return MsixControl{space_.read_hardware(control_, 2)}; }

// --- the capability ---

u32 Msix::read_register(u16)
{
    auto const control =
        hardware_control().with<MsixControl::Enable>(enabled_).with<MsixControl::FunctionMask>(masked_);
    return control.raw();
}

void Msix::write_register(u16, u32 value) { write_control(MsixControl{value}); }

void Msix::write_control(MsixControl wanted)
{
    masked_ = wanted.get<MsixControl::FunctionMask>();
    if (!wanted.get<MsixControl::Enable>()) return switch_off();
    enabled_ = true;
    // The table first, and all of it: the hardware may hold anything, as after a reset or from the firmware.
    program_all();
    auto const control = hardware_control().with<MsixControl::Enable>(true).with<MsixControl::FunctionMask>(masked_);
    space_.write_hardware(control_, 2, control.raw());
}

void Msix::switch_off()
{
    enabled_ = false;
    auto const control = hardware_control().with<MsixControl::Enable>(false).with<MsixControl::FunctionMask>(masked_);
    space_.write_hardware(control_, 2, control.raw());
    for (unsigned i = 0; i < count_; ++i) entries_[i].interrupt.reset();
}

// --- where the table is ---

std::optional<MemoryRange> Msix::find_table() const
{
    auto const region = memory_region(space_, place_.get<pci::MsixTablePlace::Region>());
    if (!region) return std::nullopt;
    u64 const offset = place_.raw() & pci::MsixTablePlace::offset_mask;
    u64 const bytes = u64{count_} * entry_offset::bytes;
    if (region->raw() > ~u64{0} - offset - bytes - page_size) return std::nullopt;
    return MemoryRange{.start = *region + offset, .bytes = bytes};
}

void Msix::set_table(std::optional<MemoryRange> const& place)
{
    table_ = place;
    if (enabled_) program_all();
}

// --- its entries ---

u32 Msix::read_word(Entry const& entry, u32 offset) const
{
    if (offset == entry_offset::address) return static_cast<u32>(entry.message.address & low_half);
    if (offset == entry_offset::upper_address) return static_cast<u32>(entry.message.address >> 32);
    return offset == entry_offset::data ? entry.message.data : entry.control.raw();
}

u64 Msix::read_table(Gpa where, unsigned bytes)
{
    if (!table_ || !is_legal(where, bytes)) return no_answer<>;
    // A read makes earlier writes arrive, which drivers rely on after they have masked an entry.
    static_cast<void>(space_.platform().read_device(where, bytes));
    u64 const offset = where - table_->start;
    Entry const& entry = entries_[offset / entry_offset::bytes];
    u32 const in_entry = static_cast<u32>(offset % entry_offset::bytes);
    u64 const low = read_word(entry, in_entry);
    return bytes == 4 ? low : low | u64{read_word(entry, in_entry + 4)} << 32;
}

void Msix::write_table(Gpa where, unsigned bytes, u64 value)
{
    if (!table_ || !is_legal(where, bytes)) return;
    u64 const offset = where - table_->start;
    auto const index = static_cast<unsigned>(offset / entry_offset::bytes);
    u32 const in_entry = static_cast<u32>(offset % entry_offset::bytes);
    write_word(index, in_entry, static_cast<u32>(value & low_half));
    if (bytes == 8) write_word(index, in_entry + 4, static_cast<u32>(value >> 32));
    program(index);
}

void Msix::write_word(unsigned index, u32 offset, u32 value)
{
    Entry& entry = entries_[index];
    if (offset == entry_offset::address)
        entry.message.address = (entry.message.address & ~low_half) | value;
    else if (offset == entry_offset::upper_address)
        entry.message.address = (entry.message.address & low_half) | u64{value} << 32;
    else if (offset == entry_offset::data)
        entry.message.data = value;
    else
        entry.control = MsixVectorControl{value};
}

bool Msix::give_interrupt(Entry& entry)
{
    if (entry.interrupt) return true;
    auto created = space_.platform().create_interrupt(space_.function());
    if (!created) {
        complain("no host interrupt for an MSI-X entry", created.error());
        return false;
    }
    entry.interrupt = std::move(*created);
    return true;
}

void Msix::complain(std::string_view what, Error why)
{
    if (std::exchange(has_complained_, true)) return;
    log_warning("PCI {:x}:{:x}.{}: {} (error {})", space_.function().bus, space_.function().device(),
                space_.function().function(), what, why);
}

/// Makes one entry of the hardware what the guest's and the capability ask for. Masked while it changes.
void Msix::program(unsigned index)
{
    if (!table_) return;
    Entry& entry = entries_[index];
    u32 const control = entry.control.raw();
    u32 const masked = entry.control.with<MsixVectorControl::Masked>(true).raw();
    write_hardware_word(index, entry_offset::control, masked);
    bool const can_fire = enabled_ && !masked_ && !entry.is_masked();
    if (!can_fire || !give_interrupt(entry)) return;
    auto const host = entry.interrupt->aim(entry.message);
    if (!host) return complain("no message for an MSI-X entry", host.error()); // it stays masked
    write_hardware_word(index, entry_offset::address, static_cast<u32>(host->address & low_half));
    write_hardware_word(index, entry_offset::upper_address, static_cast<u32>(host->address >> 32));
    write_hardware_word(index, entry_offset::data, host->data);
    write_hardware_word(index, entry_offset::control, control);
}

void Msix::program_all()
{
    for (unsigned i = 0; i < count_; ++i) program(i);
}

void Msix::write_hardware_word(unsigned index, u32 offset, u32 value)
{
    if (table_) space_.platform().write_device(table_->start + u64{index} * entry_offset::bytes + offset, 4, value);
}

}
