// SPDX-License-Identifier: MIT
/// What we call ourselves.
#pragma once

#include <string_view>

namespace hospes {

inline constexpr std::string_view version = "0.1";

}
