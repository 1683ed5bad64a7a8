// SPDX-License-Identifier: MIT
/// Instantiates the page-table engine for NPT and for EPT, both with the same page sizes allowed by options.
#include "arch/x86_64/guest/nested_tables.hpp"

#include <new>

#include "arch/x86_64/mm/ept_format.hpp"
#include "arch/x86_64/mm/npt_format.hpp"
#include "kernel/mm/page_table.hpp"
#include "kernel/mm/table_pool.hpp"
#include "kernel/options/command_line.hpp"

namespace hospes::arch {

namespace {

/// The limit of a new domain's tables before the toolstack sets one; domains only reach it by misbehaving.
constexpr u64 default_table_pages = u64{64} * 1024;

template <PageTableFormat Format>
Expected<std::unique_ptr<SecondStage>> make(bool has_gibibyte_pages)
{
    using Tables = PageTable<Format, TablePool>;
    unsigned const level = largest_leaf_level(has_gibibyte_pages, options());
    std::unique_ptr<Tables> tables{new (std::nothrow) Tables{TablePool{default_table_pages}, level}};
    if (!tables) return failure(Error::OutOfMemory);
    if (auto const ready = tables->initialize(); !ready) return failure(ready.error());
    return tables;
}

}

Expected<std::unique_ptr<SecondStage>> make_nested_page_tables(bool has_gibibyte_pages)
{
    return make<NptFormat>(has_gibibyte_pages);
}

Expected<std::unique_ptr<SecondStage>> make_extended_page_tables(bool has_gibibyte_pages)
{
    return make<EptFormat>(has_gibibyte_pages);
}

}
