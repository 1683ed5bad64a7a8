// SPDX-License-Identifier: MIT
/// The MSI capability of one function: the guest programs its own message, the device gets the host's.
///
/// Only one message a function is offered: several would need neighbouring vectors.
#pragma once

#include <string_view>

#include "kernel/vpci/config_space.hpp"

namespace hospes::vpci {

class Msi final : public RegisterOwner {
public:
    /// `capability` is where it starts in `space`, which must outlive this object. Switches MSI off.
    Msi(ConfigSpace& space, u16 capability);
    /// NoSpace.
    [[nodiscard]] Expected<> add_registers();
    /// The device stops raising interrupts.
    void switch_off();

    [[nodiscard]] u32 read_register(u16 offset) override;
    void write_register(u16 offset, u32 value) override;

private:
    [[nodiscard]] pci::MsiControl hardware_control() const;
    [[nodiscard]] pci::MsiControl visible_control() const;
    void write_control(pci::MsiControl wanted);
    void switch_on();
    void retarget();
    void set_hardware_enable(bool enable);
    void complain(std::string_view what, Error why);
    void program(Message const& host);

    ConfigSpace& space_;
    u16 const control_;
    u16 const address_;
    u16 const upper_address_; ///< 0: the function has none
    u16 const data_;
    Message message_; ///< the guest's
    bool enabled_ = false;
    bool has_complained_ = false;
    std::unique_ptr<MessageInterrupt> interrupt_; ///< null: not enabled, or no vector was left
};

}
