// SPDX-License-Identifier: MIT
/// Which host frames dom0 may reach although they are no RAM: device registers and firmware memory, but not RAM that is
/// somebody's, and not pages that Hospes emulates.
#pragma once

#include <algorithm>
#include <span>

#include "kernel/device_memory/frame_run.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/lib/static_vector.hpp"

namespace hospes::dom0 {

class DeviceWindows {
public:
    /// Everything outside of RAM, below 2^`physical_address_bits`. `host` as in make_memory_map().
    /// TooBig if the host's map has too many ranges to remember.
    [[nodiscard]] Expected<> initialize(std::span<boot::MemoryRange const> host, unsigned physical_address_bits);
    /// From now on these frames are trapped. NoSpace.
    [[nodiscard]] Expected<> exclude(FrameRun run);
    /// May all of these frames be mapped?
    [[nodiscard]] bool allows(FrameRun run) const;
    /// The parts of `run` that may be mapped, one call each, ascending. Stops and returns the first error.
    template <typename Visit>
    [[nodiscard]] Expected<> for_each_allowed(FrameRun run, Visit&& visit) const
    {
        Hfn const end = std::min(run.end(), end_);
        for (Hfn position = run.first; position < end;) {
            FrameRun const allowed = allowed_from(position, end);
            if (allowed.count != 0)
                if (Expected<> const result = visit(allowed); !result) return result;
            position = std::max(allowed.end(), end_of_exclusion_at(allowed.end()));
        }
        return {};
    }

private:
    [[nodiscard]] FrameRun allowed_from(Hfn position, Hfn limit) const;
    [[nodiscard]] Hfn end_of_exclusion_at(Hfn position) const;

    StaticVector<FrameRun, 2 * boot::BootInfo::max_ranges> excluded_;
    Hfn end_{};
};

}
