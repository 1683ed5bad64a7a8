// SPDX-License-Identifier: MIT
/// What answers where a guest's software reads or writes a port or an address.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes {

class Vcpu;

/// Called on the CPU that runs the vCPU, with no lock held, for any range the device was registered for.
class Device {
public:
    /// `bytes` is 1, 2, 4 or 8 (ports: not 8); an access need not be aligned. It never spans two pages, but may leave
    /// the range at its end. Of the answer only the low `bytes` count.
    [[nodiscard]] virtual u64 read(Vcpu& vcpu, u64 address, unsigned bytes) = 0;
    /// Above its low `bytes`, `value` is 0.
    virtual void write(Vcpu& vcpu, u64 address, unsigned bytes, u64 value) = 0;

protected:
    ~Device() = default;
};

/// A device whose registers are bytes: a wider access is several, the lowest address first.
class ByteDevice : public Device {
public:
    [[nodiscard]] u64 read(Vcpu& vcpu, u64 address, unsigned bytes) final
    {
        u64 value = 0;
        for (unsigned i = 0; i < bytes; ++i) value |= u64{read_byte(vcpu, address + i)} << 8 * i;
        return value;
    }
    void write(Vcpu& vcpu, u64 address, unsigned bytes, u64 value) final
    {
        for (unsigned i = 0; i < bytes; ++i) write_byte(vcpu, address + i, static_cast<u8>(value >> 8 * i));
    }

protected:
    ~ByteDevice() = default;

private:
    [[nodiscard]] virtual u8 read_byte(Vcpu& vcpu, u64 address) = 0;
    virtual void write_byte(Vcpu& vcpu, u64 address, u8 value) = 0;
};

}
