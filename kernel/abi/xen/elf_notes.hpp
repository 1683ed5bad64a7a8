// SPDX-License-Identifier: MIT
/// What a kernel says about itself in ELF notes named "Xen". (xen/include/public/elfnote.h)
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::xen {

/// (XEN_ELFNOTE_*)
enum class ElfNote : u32 {
    Info = 0,
    Entry = 1,
    HypercallPage = 2,
    VirtBase = 3,
    PaddrOffset = 4,
    XenVersion = 5,
    GuestOs = 6,
    GuestVersion = 7,
    Loader = 8,
    PaeMode = 9,
    Features = 10,
    BsdSymtab = 11,
    HvStartLow = 12,
    L1MfnValid = 13,
    SuspendCancel = 14,
    InitP2m = 15,
    ModStartPfn = 16,
    SupportedFeatures = 17,
    Phys32Entry = 18, // where a PVH kernel starts, in 32-bit mode
};

}
