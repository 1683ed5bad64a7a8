// SPDX-License-Identifier: MIT
/// Ports 0xCF8 and 0xCFC as the guest sees them. (PCI Local Bus Specification 3.0, section 3.2.2.3.2)
#pragma once

#include <atomic>

#include "kernel/access/device.hpp"
#include "kernel/vpci/virtual_pci.hpp"

namespace hospes::vpci {

class ConfigPorts final : public Device {
public:
    static constexpr u16 address_port = 0xcf8; ///< a register only for accesses of four bytes
    static constexpr u16 data_port = 0xcfc;
    static constexpr u16 last_data_port = 0xcff;

    explicit ConfigPorts(VirtualPci& pci) : pci_{pci} {}
    [[nodiscard]] u64 read(Vcpu& vcpu, u64 port, unsigned bytes) override;
    void write(Vcpu& vcpu, u64 port, unsigned bytes, u64 value) override;

private:
    VirtualPci& pci_;
    std::atomic<u32> address_{0}; ///< one for all vCPUs, as on a machine
};

}
