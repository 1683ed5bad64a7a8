// SPDX-License-Identifier: MIT
/// A guest page that the hypervisor keeps using: vcpu_info, run-state areas, shared info.
#pragma once

#include <optional>

#include "kernel/arch/memory.hpp"
#include "kernel/mm/frame_table.hpp"

namespace hospes {

/// Keeps one frame referenced and reachable for as long as it lives.
class PinnedPage {
public:
    explicit PinnedPage(FrameReference frame)
        : frame_{std::move(frame)}, bytes_{static_cast<u8*>(arch::reach(frame_.frame()))}
    {}

    [[nodiscard]] Hfn frame() const { return frame_.frame(); }
    /// An object inside the page. The guest can write it at any time: use atomic or volatile accesses only.
    template <typename T>
    [[nodiscard]] T* at(u64 offset) const
    {
        return reinterpret_cast<T*>(bytes_ + offset);
    }

private:
    FrameReference frame_;
    u8* bytes_;
};

}
