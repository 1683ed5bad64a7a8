// SPDX-License-Identifier: MIT
/// QEMU's teaching device: it copies between any address it is told and a buffer of its own.
/// (QEMU, docs/specs/edu.txt)
#pragma once

#include <optional>
#include <span>

#include "kernel/lib/integers.hpp"

namespace hospes::test {

class Edu {
public:
    static constexpr u64 most_bytes = 2048; ///< QEMU 7.2 takes a transfer that fills the buffer for an overflow

    /// The first one on bus 0, ready to do DMA; none if the machine has none.
    [[nodiscard]] static std::optional<Edu> find();

    /// From memory at `from` into its buffer / from its buffer to memory. Returns when the device has tried.
    void read(u64 from, u64 bytes);
    void write(u64 to, u64 bytes);

    /// Its buffer, by way of a page that it certainly may use.
    void fill(std::span<u8> page, u8 value);
    void show(std::span<u8> page);

private:
    explicit Edu(u64 registers) : registers_{registers} {}
    void transfer(u64 source, u64 destination, u64 bytes, u64 direction);
    void set(u32 offset, u64 value);
    [[nodiscard]] u64 get(u32 offset) const;

    u64 registers_;
};

}
