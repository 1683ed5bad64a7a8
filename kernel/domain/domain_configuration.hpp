// SPDX-License-Identifier: MIT
/// What a domain is made by, and keeps for life.
#pragma once

#include <array>

#include "kernel/lib/integers.hpp"

namespace hospes {

/// What the control domain chose when it created the domain.
struct DomainConfiguration {
    u32 max_vcpus = 1;
    u32 max_event_port = 4095;
    u32 max_grant_frames = 64;
    u32 max_maptrack_frames = 1024;
    bool grants_allowed = true;
    u32 flags = 0;           ///< XEN_DOMCTL_CDF_*
    u32 emulation_flags = 0; ///< XEN_X86_EMU_*
    u32 ssidref = 0;
    u32 cpupool = 0;
    std::array<u8, 16> handle{};
};

}
