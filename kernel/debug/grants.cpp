// SPDX-License-Identifier: MIT
/// A domain's grant table and mappings as lines of the log. A backend has thousands, so only the first are shown
/// singly.
#include "kernel/debug/grants.hpp"

#include <algorithm>

#include "kernel/domain/domain.hpp"
#include "kernel/log/log.hpp"

namespace hospes {

namespace {

constexpr u32 most_mappings = most_grant_lines - 2; ///< that are shown singly

}

u32 grant_lines(Domain& domain) { return 1 + std::min(domain.grants.mapped_count(), most_mappings + 1); }

void show_grant_line(Domain& domain, u32 line)
{
    GrantTable& grants = domain.grants;
    if (line == 0)
        return log_info("domain {}: {} of at most {} grant frames, {} pages of others mapped", domain.id(),
                        grants.frame_count(), grants.frame_limit(), grants.mapped_count());
    if (line > most_mappings)
        return log_info("  and {} more", grants.mapped_count() - std::min(grants.mapped_count(), most_mappings));
    if (auto const mapping = grants.mapping(line - 1))
        log_info("  handle {}: reference {} of domain {}, at {:x}{}", mapping->handle, mapping->reference,
                 mapping->granter, address_of(mapping->where), mapping->writable ? ", writable" : "");
}

}
