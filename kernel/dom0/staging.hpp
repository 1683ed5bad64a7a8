// SPDX-License-Identifier: MIT
/// Memory that holds dom0's files while it is being built, away from where dom0 wants them.
///
/// The loader places modules just above 16 MiB, which is where the kernel must go: with guest-physical = host-physical
/// one would be overwritten by the other. So the files are first copied to frames from the allocator (it takes them
/// from the top of memory while booting), and the loader's frames become ordinary free memory.
#pragma once

#include <optional>
#include <span>
#include <utility>

#include "kernel/dom0/memory_map.hpp"

namespace hospes::dom0 {

/// Contiguous frames of the hypervisor's own, given back at the end of the scope.
class [[nodiscard]] StagingArea {
public:
    /// Nothing if there is no contiguous block of that size.
    [[nodiscard]] static std::optional<StagingArea> of(u64 bytes);
    StagingArea() = default;
    StagingArea(StagingArea&& other) noexcept
        : first_{other.first_}, order_{other.order_}, bytes_{std::exchange(other.bytes_, 0)}
    {}
    StagingArea& operator=(StagingArea&& other) noexcept
    {
        release();
        first_ = other.first_;
        order_ = other.order_;
        bytes_ = std::exchange(other.bytes_, 0);
        return *this;
    }
    ~StagingArea() { release(); }

    void release();
    [[nodiscard]] std::span<u8> bytes() const;
    /// All frames it holds; none if it is empty.
    [[nodiscard]] FrameRun frames() const { return {first_, bytes_ == 0 ? 0 : u64{1} << order_}; }

private:
    StagingArea(Hfn first, unsigned order, u64 bytes) : first_{first}, order_{order}, bytes_{bytes} {}

    Hfn first_{};
    unsigned order_ = 0;
    u64 bytes_ = 0;
};

/// Copies a module; nothing if there is no room.
[[nodiscard]] std::optional<StagingArea> stage(boot::Module const& module);

using ModuleFrames = StaticVector<FrameRun, boot::BootInfo::max_modules>;
/// The frames modules lie in, rounded outwards, sorted, each once. Whoever fills the frame allocator leaves them out;
/// the builder adds them once the modules have been copied.
[[nodiscard]] ModuleFrames module_frames(boot::BootInfo const& info);

/// To memory that is not ours for long, a frame at a time.
void copy_to_physical(Hpa to, std::span<u8 const> bytes);
void clear_physical(Hpa where, u64 bytes);

}
