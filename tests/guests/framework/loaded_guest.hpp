// SPDX-License-Identifier: MIT
/// Another domain that runs this guest's own image, which dom0 gets as its initial RAM disk (`loads_itself` in
/// test.toml) and loads as a toolstack would. What it is to do is told on its command line; how it fared, by its
/// shutdown reason and in a page for results.
#pragma once

#include <optional>
#include <string_view>

#include "kernel/lib/address.hpp"
#include "tests/guests/framework/other_domain.hpp"

namespace hospes::test {

struct LoadedGuestPlan {
    u32 vcpus = 1;
    u32 highest_port = 1023;
    u64 table_bytes = 4 * mib;
    u64 spare_pages = 0; ///< that it may have beyond those it begins with
};

class LoadedGuest {
public:
    /// Pages that each begins with.
    static constexpr u64 pages = 512 + 16;

    /// Made, loaded and running. `command_line` is at most 200 characters; "loaded" comes before it.
    [[nodiscard]] static std::optional<LoadedGuest> start(LoadedGuestPlan const& plan, std::string_view command_line);

    [[nodiscard]] u16 id() const { return domain_.id(); }
    [[nodiscard]] OtherDomain const& domain() const { return domain_; }
    /// Sleeps until it has shut down; the reason. Crash if a check of its failed.
    [[nodiscard]] xen::ShutdownReason wait() const;
    /// The number at this place of its results.
    [[nodiscard]] u64 result(u32 place) const;

private:
    explicit LoadedGuest(OtherDomain domain) : domain_{std::move(domain)} {}
    OtherDomain domain_;
};

/// In the loaded guest: where its results are for dom0 to read.
[[nodiscard]] u64 volatile& result_for_dom0(u32 place);

/// In the loaded guest: the first frame above its memory.
[[nodiscard]] u64 loaded_guest_end();

}
