// SPDX-License-Identifier: MIT
/// Configuration space in memory as the guest sees it.
#pragma once

#include "kernel/access/device.hpp"
#include "kernel/vpci/virtual_pci.hpp"

namespace hospes::vpci {

class ConfigWindow final : public Device {
public:
    ConfigWindow(VirtualPci& pci, WindowPlace const& place) : pci_{pci}, place_{place} {}
    [[nodiscard]] u64 read(Vcpu&, u64 address, unsigned bytes) override
    {
        return pci_.read_config(place_.function_at(address), offset_of(address), bytes);
    }
    void write(Vcpu&, u64 address, unsigned bytes, u64 value) override
    {
        pci_.write_config(place_.function_at(address), offset_of(address), bytes, value);
    }

private:
    [[nodiscard]] static constexpr u16 offset_of(u64 address)
    {
        return static_cast<u16>(address % pci::extended_space_bytes);
    }

    VirtualPci& pci_;
    WindowPlace const place_;
};

}
