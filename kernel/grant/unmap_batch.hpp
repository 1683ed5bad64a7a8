// SPDX-License-Identifier: MIT
/// Mappings of granted pages that are taken out together: one flush for all, and only then their grants' bits.
#pragma once

#include <optional>

#include "kernel/domain/physmap.hpp"
#include "kernel/grant/grant_table.hpp"
#include "kernel/lib/static_vector.hpp"

namespace hospes {

class UnmapBatch {
public:
    static constexpr size_t capacity = 32;

    explicit UnmapBatch(Domain& mapper) : mapper_{mapper}, retired_{mapper} {}
    UnmapBatch(UnmapBatch const&) = delete;
    UnmapBatch& operator=(UnmapBatch const&) = delete;
    ~UnmapBatch() { finish(); }

    /// Takes one mapping out; not when full. BadHandle; GeneralError if it is not `where`, or no longer there.
    [[nodiscard]] xen::GrantStatus add(xen::GrantHandle handle, std::optional<Gfn> where);
    /// Flushes, then ends the uses.
    void finish();
    [[nodiscard]] bool full() const { return waiting_.full(); }

private:
    struct Waiting {
        xen::GrantHandle handle = 0;
        GrantMapping mapping;
    };

    Domain& mapper_;
    Retired retired_;
    StaticVector<Waiting, capacity> waiting_;
};

}
