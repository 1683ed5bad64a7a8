// SPDX-License-Identifier: MIT
/// Just enough of PCI to find a device on bus 0 and to let it do DMA.
#pragma once

#include <optional>

#include "kernel/lib/integers.hpp"

namespace hospes::test {

class PciFunction {
public:
    /// The first function 0 on bus 0 with this vendor (low half) and device.
    [[nodiscard]] static std::optional<PciFunction> find(u32 identity);

    /// Its memory is decoded, and it may do DMA.
    void switch_on() const;
    [[nodiscard]] bool may_do_dma() const;
    /// Where its first base address register, which must be one for memory, says.
    [[nodiscard]] u64 registers() const;

private:
    explicit PciFunction(u32 device) : device_{device} {}
    u32 device_;
};

}
