// SPDX-License-Identifier: MIT
/// What the second stages of both vendors have in common.
#pragma once

#include <array>
#include <memory>
#include <new>
#include <string_view>

#include "kernel/mm/page_table.hpp"
#include "kernel/mm/table_pool.hpp"
#include "kernel/options/command_line.hpp"

namespace hospes::arch {

/// The limit of a new domain's tables before the toolstack sets one; domains only reach it by misbehaving.
inline constexpr u64 default_table_pages = u64{64} * 1024;

/// Names of the pages that leaves at level 0, 1 and 2 map.
inline constexpr std::array<std::string_view, 3> page_names{"4 KiB", "2 MiB", "1 GiB"};

/// Where the largest leaves lie: what the CPU can, less what hap_2mb= and hap_1gb= forbid.
[[nodiscard]] constexpr unsigned largest_leaf_level(bool has_gibibyte_pages, Options const& options)
{
    if (!options.large_pages_2m) return 0;
    return has_gibibyte_pages && options.large_pages_1g ? 2 : 1;
}

/// Empty tables for a domain; OutOfMemory.
template <PageTableFormat Format>
[[nodiscard]] Expected<std::unique_ptr<SecondStage>> make_nested_tables(bool has_gibibyte_pages)
{
    using Tables = PageTable<Format, TablePool>;
    unsigned const level = largest_leaf_level(has_gibibyte_pages, options());
    std::unique_ptr<Tables> tables{new (std::nothrow) Tables{TablePool{default_table_pages}, level}};
    if (!tables) return failure(Error::OutOfMemory);
    if (auto const ready = tables->initialize(); !ready) return failure(ready.error());
    return tables;
}

}
