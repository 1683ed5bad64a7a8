// SPDX-License-Identifier: MIT
/// The capability's registers, and what switching it on does. (PCI Local Bus Specification 3.0, 6.8.1)
#include "kernel/vpci/msi.hpp"

#include "kernel/log/log.hpp"

namespace hospes::vpci {

namespace {

using pci::MsiControl;

constexpr u64 low_half = 0xffff'ffff;

bool has_upper_address(ConfigSpace const& space, u16 capability)
{
    return MsiControl{space.read_hardware(static_cast<u16>(capability + pci::msi::control), 2)}
        .get<MsiControl::Has64BitAddress>();
}

}

Msi::Msi(ConfigSpace& space, u16 capability)
    : space_{space},
      control_{static_cast<u16>(capability + pci::msi::control)},
      address_{static_cast<u16>(capability + pci::msi::address)},
      upper_address_{has_upper_address(space, capability) ? static_cast<u16>(capability + pci::msi::upper_address)
                                                          : u16{0}},
      data_{static_cast<u16>(capability + (upper_address_ != 0 ? pci::msi::data_behind_upper_address
                                                               : pci::msi::data_without_upper_address))}
{
    if (hardware_control().get<MsiControl::Enable>()) switch_off(); // the firmware has used it
}

Expected<> Msi::add_registers()
{
    auto result = space_.add({control_, 2, this});
    if (result) result = space_.add({address_, 4, this});
    if (result && upper_address_ != 0) result = space_.add({upper_address_, 4, this});
    if (result) result = space_.add({data_, 2, this});
    return result;
}

MsiControl Msi::hardware_control() const { return MsiControl{space_.read_hardware(control_, 2)}; }

MsiControl Msi::visible_control() const
{
    return hardware_control()
        .with<MsiControl::Enable>(enabled_)
        .with<MsiControl::MessagesCapable>(0)
        .with<MsiControl::MessagesEnabled>(0)
        .with<MsiControl::ExtendedDataCapable>(false)
        .with<MsiControl::ExtendedDataEnable>(false);
}

u32 Msi::read_register(u16 offset)
{
    if (offset == control_) return visible_control().raw();
    if (offset == address_) return static_cast<u32>(message_.address & low_half);
    if (offset == data_) return message_.data;
    return static_cast<u32>(message_.address >> 32);
}

void Msi::write_register(u16 offset, u32 value)
{
    if (offset == control_) return write_control(MsiControl{value});
    if (offset == data_)
        message_.data = value;
    else if (offset == address_)
        message_.address = (message_.address & ~low_half) | value;
    else
        message_.address = (message_.address & low_half) | u64{value} << 32;
    retarget();
}

void Msi::write_control(MsiControl wanted)
{
    if (wanted.get<MsiControl::Enable>())
        switch_on();
    else
        switch_off();
}

/// Also when it is on already: a device that was reset has forgotten what it was told.
void Msi::switch_on()
{
    enabled_ = true;
    if (!interrupt_) {
        auto created = space_.platform().create_interrupt(space_.function());
        if (!created) return complain("no host interrupt for its MSI", created.error());
        interrupt_ = std::move(*created);
    }
    retarget();
}

void Msi::set_hardware_enable(bool enable)
{
    auto const control = hardware_control().with<MsiControl::MessagesEnabled>(0).with<MsiControl::Enable>(enable);
    space_.write_hardware(control_, 2, control.raw());
}

void Msi::switch_off()
{
    enabled_ = false;
    set_hardware_enable(false);
    interrupt_.reset();
}

/// The guest moves an interrupt by writing address and data one after the other, with the function masked if it can
/// mask: nothing of that reaches the device but, if at all, another CPU in the one word that names it. Without a
/// message that it may write the device is silent, until there is one.
void Msi::retarget()
{
    if (!interrupt_) return;
    auto const host = interrupt_->aim(message_);
    if (host)
        program(*host);
    else
        complain("no message for its MSI", host.error());
    set_hardware_enable(host.has_value());
}

void Msi::complain(std::string_view what, Error why)
{
    if (std::exchange(has_complained_, true)) return;
    log_warning("PCI {:x}:{:x}.{}: {} (error {})", space_.function().bus, space_.function().device(),
                space_.function().function(), what, why);
}

void Msi::program(Message const& host)
{
    space_.write_hardware(address_, 4, static_cast<u32>(host.address & low_half));
    if (upper_address_ != 0) space_.write_hardware(upper_address_, 4, static_cast<u32>(host.address >> 32));
    space_.write_hardware(data_, 2, host.data);
}

}
