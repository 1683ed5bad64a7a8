// SPDX-License-Identifier: MIT
/// How a unit's registers and the clock are reached. Tests supply their own.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::iommu {

class Registers {
public:
    [[nodiscard]] virtual u32 read32(u32 offset) const = 0;
    [[nodiscard]] virtual u64 read64(u32 offset) const = 0;
    virtual void write32(u32 offset, u32 value) = 0;
    virtual void write64(u32 offset, u64 value) = 0;
    /// Has something been awaited for too long? `started` is what now() returned before.
    [[nodiscard]] virtual u64 now() const = 0;
    [[nodiscard]] virtual bool is_too_long_since(u64 started) const = 0;

protected:
    ~Registers() = default;
};

class MappedRegisters final : public Registers {
public:
    explicit MappedRegisters(u8 volatile* base) : base_{base} {}
    [[nodiscard]] u32 read32(u32 offset) const override { return *at<u32>(offset); }
    [[nodiscard]] u64 read64(u32 offset) const override { return *at<u64>(offset); }
    void write32(u32 offset, u32 value) override { *at<u32>(offset) = value; }
    void write64(u32 offset, u64 value) override { *at<u64>(offset) = value; }
    [[nodiscard]] u64 now() const override;
    [[nodiscard]] bool is_too_long_since(u64 started) const override;

private:
    template <typename T>
    [[nodiscard]] T volatile* at(u32 offset) const
    {
        return reinterpret_cast<T volatile*>(base_ + offset);
    }
    u8 volatile* base_;
};

/// Waits until `done()`; false if that takes too long.
template <typename Done>
[[nodiscard]] bool wait_until(Registers const& registers, Done&& done)
{
    u64 const started = registers.now();
    while (!done())
        if (registers.is_too_long_since(started)) return done();
    return true;
}

}
