// SPDX-License-Identifier: MIT
/// What debug key 'g' says about a domain's grants: for the question who still has whose pages.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes {

class Domain;

/// A heading, the first mappings of others' pages, and how many more there are.
inline constexpr u32 most_grant_lines = 1 + 32 + 1;

/// How many lines there are to be logged.
[[nodiscard]] u32 grant_lines(Domain& domain);
/// Logs one of them, from 0 on; nothing if there are fewer by now.
void show_grant_line(Domain& domain, u32 line);

}
