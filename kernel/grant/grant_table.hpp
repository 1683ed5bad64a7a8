// SPDX-License-Identifier: MIT
/// A domain's grant table (version 1) and what it has mapped of others'.
#pragma once

#include "kernel/abi/xen/grant_table.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/mm/frame_table.hpp"

namespace hospes {

class Domain;

class GrantTable {
public:
    explicit GrantTable(Domain& domain) : domain_{domain} {}
    ~GrantTable();

    /// A reference on the table's own frame `index`, growing the table up to the domain's limit if needed.
    /// Invalid above the limit, OutOfMemory.
    [[nodiscard]] Expected<FrameReference> shared_frame(u32 index);

    /// Drops a bounded number of the mappings this domain still has of others' frames; true when none is left.
    /// Part of a domain's destruction; the vCPUs are stopped.
    [[nodiscard]] bool release_mappings_slice();
    /// Gives up the table's own frames; last part of a domain's destruction.
    void release_shared_frames();

private:
    Domain& domain_;
};

}
