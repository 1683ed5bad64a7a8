// SPDX-License-Identifier: MIT
/// The pages of the devices' page table: a pool with a limit, written back to memory where units do not snoop.
#pragma once

#include "drivers/iommu/cache.hpp"
#include "kernel/mm/table_pool.hpp"

namespace hospes::iommu {

class TableMemory {
public:
    TableMemory(u64 limit_pages, bool is_coherent) : pool_{limit_pages}, is_coherent_{is_coherent} {}

    [[nodiscard]] Expected<Hpa> allocate()
    {
        auto const table = pool_.allocate();
        if (table) written(pool_.reach(*table), page_size / sizeof(u64));
        return table;
    }
    void free(Hpa table) { pool_.free(table); }
    [[nodiscard]] u64* reach(Hpa table) const { return pool_.reach(table); }
    [[nodiscard]] u64 limit() const { return pool_.limit(); }
    void set_limit(u64 pages) { pool_.set_limit(pages); }
    /// The page-table engine says so after each change.
    void written(u64 const* entries, u64 count) const
    {
        if (!is_coherent_) write_back(entries, count * sizeof(u64));
    }

private:
    TablePool pool_;
    bool is_coherent_;
};

}
