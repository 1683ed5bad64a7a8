// SPDX-License-Identifier: MIT
/// Memory of a guest that the hypervisor goes on writing to after the call that named it: a vCPU's vcpu_info, run-state
/// area and time area.
///
/// Any vCPU of the domain changes these places while the scheduler and the clock write to them, so all three are behind
/// one lock of the vCPU. What holds their frames can be written through only by SharedAreas, and a SharedAreas exists
/// only inside its Guarded: there is no way past the lock. Replacing one: make the new area without the lock, swap with
/// the lock, let go of the old one without it (it may be the last reference).
#pragma once

#include <array>
#include <optional>
#include <span>

#include "kernel/arch/memory.hpp"
#include "kernel/domain/physmap.hpp"
#include "kernel/sync/guarded.hpp"

namespace hospes {

class SharedAreas;
class Vcpu;

/// A record in a guest's own RAM: in one page, or in two when it crosses a page end. Keeps them referenced. Its address
/// is looked up when it is made; later writes happen whatever address space is loaded.
class [[nodiscard]] GuestArea {
public:
    /// The memory behind the linear address `where` now, in the caller's address space, for at most a page of bytes.
    /// BadAddress if it is not mapped writable; Invalid if it is not the domain's own RAM.
    [[nodiscard]] static Expected<GuestArea> pin(Vcpu& caller, Gva where, u64 bytes);

private:
    friend class SharedAreas;
    GuestArea(u32 offset, OwnRam first) : offset_{offset}, pages_{std::move(first), std::nullopt} {}
    /// The guest can write there at any time, too.
    void write(u64 at, std::span<u8 const> bytes) const;

    u32 offset_;
    std::array<std::optional<OwnRam>, 2> pages_;
};

class SharedAreas {
public:
    SharedAreas(SharedAreas const&) = delete;
    SharedAreas& operator=(SharedAreas const&) = delete;

    /// Each takes a new area (or none), and gives the old one back to be dropped without the lock.
    [[nodiscard]] std::optional<GuestArea> exchange_run_state(std::optional<GuestArea> area);
    [[nodiscard]] std::optional<GuestArea> exchange_time(std::optional<GuestArea> area);
    [[nodiscard]] std::optional<OwnRam> exchange_info_page(std::optional<OwnRam> page);

    [[nodiscard]] bool has_info_page() const { return info_page_.has_value(); }
    [[nodiscard]] bool has_run_state() const { return run_state_.has_value(); }
    /// Write to the area, if there is one, from byte `at` on.
    void write_run_state(u64 at, std::span<u8 const> bytes) const;
    void write_time(u64 at, std::span<u8 const> bytes) const;
    /// Of the record in the time area, while it is being written: odd, and never one that a reader has seen.
    [[nodiscard]] u32 next_time_version() { return (time_version_ += 2) - 1; }

private:
    friend class Guarded<SharedAreas, LockRank::VcpuAreas>;
    SharedAreas() = default;

    std::optional<OwnRam> info_page_;
    std::optional<GuestArea> run_state_;
    std::optional<GuestArea> time_;
    u32 time_version_ = 0;
};

using GuardedAreas = Guarded<SharedAreas, LockRank::VcpuAreas>;

}
