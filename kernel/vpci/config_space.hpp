// SPDX-License-Identifier: MIT
/// One function's configuration space as the guest sees it: the hardware's, with some registers in front of it that
/// answer instead.
///
///     guest:     |  2 bytes at 0x52  |            an access may be smaller than a register,
///     virtual:   | control (0x52, 2) |            or reach into one and past it:
///     hardware:  everything else                  the parts are merged
#pragma once

#include "kernel/lib/static_vector.hpp"
#include "kernel/vpci/platform.hpp"

namespace hospes::vpci {

/// What stands behind virtual registers. `offset` is a register's start.
class RegisterOwner {
public:
    [[nodiscard]] virtual u32 read_register(u16 offset) = 0;
    virtual void write_register(u16 offset, u32 value) = 0;

protected:
    ~RegisterOwner() = default;
};

struct VirtualRegister {
    u16 offset = 0;
    u8 bytes = 0; ///< 2 or 4
    RegisterOwner* owner = nullptr;
    [[nodiscard]] constexpr bool covers(u16 where) const { return where >= offset && where - offset < bytes; }
    [[nodiscard]] constexpr bool overlaps(u16 where, unsigned count) const
    {
        return where < offset + bytes && offset < where + count;
    }
};

struct VirtualPlace;

class ConfigSpace {
public:
    /// `place`: of a virtual function (virtual_functions.hpp).
    ConfigSpace(pci::FunctionAddress function, Platform& platform, VirtualPlace const* place = nullptr)
        : function_{function}, platform_{platform}, place_{place}
    {}

    /// Answers for a register from now on. No two overlap. NoSpace if there are too many.
    [[nodiscard]] Expected<> add(VirtualRegister const& which);
    /// `bytes` is 1, 2 or 4 and `offset` a multiple of it.
    [[nodiscard]] u32 read(u16 offset, unsigned bytes);
    void write(u16 offset, unsigned bytes, u32 value);

    // The hardware's registers.
    [[nodiscard]] u32 read_hardware(u16 offset, unsigned bytes) const
    {
        return platform_.read_config(function_, offset, bytes);
    }
    void write_hardware(u16 offset, unsigned bytes, u32 value)
    {
        platform_.write_config(function_, offset, bytes, value);
    }

    [[nodiscard]] pci::FunctionAddress function() const { return function_; }
    [[nodiscard]] Platform& platform() const { return platform_; }
    [[nodiscard]] VirtualPlace const* virtual_place() const { return place_; }

private:
    [[nodiscard]] bool is_virtual(u16 offset) const;
    void write_parts(u16 offset, unsigned bytes, u32 value);

    static constexpr size_t max_registers = 8;
    pci::FunctionAddress const function_;
    Platform& platform_;
    VirtualPlace const* const place_;
    StaticVector<VirtualRegister, max_registers> registers_;
};

}
