// SPDX-License-Identifier: MIT
/// What we call ourselves, and which build this is.
#pragma once

#include <span>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes {

inline constexpr std::string_view version = "0.1";

/// The source that was built: git's abbreviated commit, with "-modified" if files differed from it; "unknown" where
/// neither git nor an archive made by it tells (Makefile, REVISION).
[[nodiscard]] std::string_view revision();

/// A hash of the linked image, debug information included: two builds with the same one are the same.
[[nodiscard]] std::span<u8 const> build_id();

}
