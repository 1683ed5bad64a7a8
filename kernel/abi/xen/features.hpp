// SPDX-License-Identifier: MIT
/// What a kernel asks about with xen_version get_features: bit numbers of the one submap.
/// (xen/include/public/features.h)
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::xen {

/// Bit numbers. (XENFEAT_*)
enum class Feature : u32 {
    WritablePageTables = 0,
    WritableDescriptorTables = 1,
    AutoTranslatedPhysmap = 2,
    SupervisorModeKernel = 3,
    PaePgdirAbove4gb = 4,
    MmuPtUpdatePreserveAd = 5,
    HighmemAssist = 6,
    GnttabMapAvailBits = 7,
    HvmCallbackVector = 8,
    HvmSafePvclock = 9,
    HvmPirqs = 10,
    Dom0 = 11,
    MemoryOpVnodeSupported = 13,
    LinuxRsdpUnrestricted = 15,
    NotDirectMapped = 16,
    DirectMapped = 17,
};

/// How many 32-bit submaps there are.
inline constexpr u32 nr_feature_submaps = 1;

}
