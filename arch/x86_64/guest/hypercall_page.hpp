// SPDX-License-Identifier: MIT
/// The page of hypercall stubs that a guest asks for by writing an MSR. (abi.md 2.3)
#pragma once

#include "kernel/lib/error.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes {
class Domain;
}

namespace hospes::arch {

/// `value` is the guest-physical page plus the index of the stub page (only 0 exists). Invalid: the guest gets #GP.
[[nodiscard]] Expected<> fill_hypercall_page(Domain& domain, u64 value, bool amd);

}
