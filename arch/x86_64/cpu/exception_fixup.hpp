// SPDX-License-Identifier: MIT
/// Instructions that may fault, and where execution continues if they do.
///
/// An asm statement that can fault ends with HOSPES_EXCEPTION_FIXUP(from, to): an exception at label `from`
/// resumes at label `to`. The pairs are collected by the linker in the section `exception_fixups`;
/// offsets are relative to their own place, so the table needs no relocation.
#pragma once

#include <optional>

#include "kernel/lib/integers.hpp"

/// A macro because the text becomes part of an asm statement's template.
#define HOSPES_EXCEPTION_FIXUP(from, to)                                                                               \
    ".pushsection exception_fixups, \"a\"\n"                                                                           \
    ".balign 4\n"                                                                                                      \
    ".long " from " - .\n"                                                                                             \
    ".long " to " - .\n"                                                                                               \
    ".popsection\n"

namespace hospes {

struct ExceptionFixup {
    s32 faulting;
    s32 landing;
};

/// Where to go on after an exception at `instruction`; nothing if no fault was expected there.
[[nodiscard]] std::optional<u64> find_exception_fixup(u64 instruction);

}
