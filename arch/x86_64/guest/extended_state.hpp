// SPDX-License-Identifier: MIT
/// A vCPU's x87, SSE, AVX … registers while it is not on a CPU. Switched eagerly, in full (design.md D17).
#pragma once

#include <span>

#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::arch {

class ExtendedState {
public:
    ExtendedState() = default;
    ExtendedState(ExtendedState const&) = delete;
    ExtendedState& operator=(ExtendedState const&) = delete;
    ~ExtendedState();
    /// As after reset. OutOfMemory.
    [[nodiscard]] Expected<> initialize();
    void reset();

    /// Puts the guest's registers and XCR0 into the CPU / takes them back.
    void load() const;
    void save();

    [[nodiscard]] u64 xcr0() const { return xcr0_; }
    /// XSETBV: checks against `allowed`, stores, and puts it into the CPU. Invalid: the guest gets #GP.
    [[nodiscard]] Expected<> set_xcr0(u64 value, u64 allowed);

    /// The 512 bytes of FXSAVE.
    [[nodiscard]] std::span<u8 const, 512> legacy() const;
    void set_legacy(std::span<u8 const, 512> image);
    /// The toolstack's XSAVE record; see kernel/arch/virtual_cpu.hpp.
    [[nodiscard]] size_t write_record(std::span<u8> out) const;
    /// Invalid for a record that XRSTOR would refuse, or with components beyond `allowed`.
    [[nodiscard]] Expected<> read_record(std::span<u8 const> record, u64 allowed);

private:
    u8* area_ = nullptr;
    unsigned order_ = 0;
    u64 xcr0_ = 1;
    u64 xcr0_accumulated_ = 1;
};

}
