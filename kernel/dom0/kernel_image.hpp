// SPDX-License-Identifier: MIT
/// dom0's kernel, unpacked and understood, but not yet where it belongs.
#pragma once

#include "kernel/dom0/elf_image.hpp"
#include "kernel/dom0/staging.hpp"

namespace hospes::dom0 {

struct KernelImage {
    StagingArea file; ///< the ELF; `elf` refers to it
    ElfImage elf;
};

/// `file` is an ELF, or a bzImage, which is replaced by the ELF inside it. Any LoadFailure up to
/// NotEnoughMemoryToUnpack.
[[nodiscard]] Loaded<KernelImage> understand_kernel(StagingArea file);

/// Writes every segment to its place and zeros behind it.
void place_kernel(ElfImage const& elf);

}
