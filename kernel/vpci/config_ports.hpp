// SPDX-License-Identifier: MIT
/// The ports of configuration space (pci::config_port) as the guest sees them.
#pragma once

#include <atomic>

#include "kernel/access/device.hpp"
#include "kernel/vpci/virtual_pci.hpp"

namespace hospes::vpci {

class ConfigPorts final : public Device {
public:
    static constexpr u16 address_port = pci::config_port::address;
    static constexpr u16 data_port = pci::config_port::data;
    static constexpr u16 last_data_port = pci::config_port::last_data;

    explicit ConfigPorts(VirtualPci& pci) : pci_{pci} {}
    [[nodiscard]] u64 read(Vcpu& vcpu, u64 port, unsigned bytes) override;
    void write(Vcpu& vcpu, u64 port, unsigned bytes, u64 value) override;

private:
    VirtualPci& pci_;
    std::atomic<u32> address_{0}; ///< one for all vCPUs, as on a machine
};

}
