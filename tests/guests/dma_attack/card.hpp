// SPDX-License-Identifier: MIT
/// A network card that is told to send from anywhere, as fast as it can: Intel's 82540EM, QEMU's e1000.
/// (PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual, sections 3.3 and 13.4)
#pragma once

#include "tests/guests/dma_attack/pci.hpp"

namespace hospes::test {

class Card {
public:
    /// The first one on bus 0, its transmitter on; none if the machine has none.
    [[nodiscard]] static std::optional<Card> find();

    /// Sends a packet from `where`. Whether the card says so in memory: it does if it reaches its own ring.
    bool send(u64 where);
    [[nodiscard]] PciFunction const& function() const { return function_; }

private:
    struct Descriptor {
        u64 buffer;
        u16 length;
        u8 checksum_offset;
        u8 command;
        u8 status;
        u8 checksum_start;
        u16 special;
    };
    static constexpr u32 descriptors = 8; ///< a ring is a multiple of 128 bytes
    static_assert(sizeof(Descriptor) == 16);

    Card(PciFunction function, Descriptor volatile* ring) : function_{function}, ring_{ring} {}
    void set(u32 offset, u32 value) const;

    PciFunction function_;
    Descriptor volatile* ring_;
    u32 tail_ = 0;
};

}
