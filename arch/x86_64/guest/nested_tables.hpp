// SPDX-License-Identifier: MIT
/// What the second stages of both vendors have in common.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "kernel/mm/second_stage.hpp"
#include "kernel/options/options.hpp"

namespace hospes::arch {

/// Names of the pages that leaves at level 0, 1 and 2 map.
inline constexpr std::array<std::string_view, 3> page_names{"4 KiB", "2 MiB", "1 GiB"};

/// Where the largest leaves lie: what the CPU can, less what hap_2mb= and hap_1gb= forbid.
[[nodiscard]] constexpr unsigned largest_leaf_level(bool has_gibibyte_pages, Options const& options)
{
    if (!options.large_pages_2m) return 0;
    return has_gibibyte_pages && options.large_pages_1g ? 2 : 1;
}

/// Empty tables for a domain; OutOfMemory.
[[nodiscard]] Expected<std::unique_ptr<SecondStage>> make_nested_page_tables(bool has_gibibyte_pages);
[[nodiscard]] Expected<std::unique_ptr<SecondStage>> make_extended_page_tables(bool has_gibibyte_pages);

}
