// SPDX-License-Identifier: MIT
/// What the toolstack sets of a domain, or has under way with it.
#pragma once

#include <array>
#include <optional>

#include "kernel/abi/xen/domctl_domain.hpp"
#include "kernel/abi/xen/hvm_params.hpp"
#include "kernel/abi/xen/memory.hpp"
#include "kernel/lib/static_vector.hpp"
#include "kernel/sync/guarded.hpp"

namespace hospes {

/// How far the toolstack has been told which pages were written.
struct DirtyLog {
    u64 next_frame = 0;
    u32 dirty_count = 0; ///< of the frames before
};

/// Where the domain's saved state is on its way to or from the toolstack, between two stretches of the call that moves
/// it. The last one begun counts: it takes the place of one that is not finished, whose caller is told Busy if he comes
/// back. So a caller who never does hinders nobody.
struct StateTransfer {
    enum class Direction : u8 { Saving, Loading };
    Direction direction;
    u32 number;         ///< of this domain's transfers; never 0
    u64 host_tsc;       ///< read once for all vCPUs, so that their clocks agree
    u32 next_vcpu = 0;  ///< when saving
    u32 bytes_done = 0; ///< of the caller's buffer
};

/// Toolstack-visible settings, under LockRank::DomainControl.
struct DomainControl {
    u32 pause_count = 1; ///< by the control domain; a new domain starts paused
    StaticVector<xen::E820Entry, 128> memory_map;
    std::array<u64, xen::nr_hvm_params> parameters{};
    xen::DomctlTscInfo tsc_info{};
    u64 paging_pool_bytes = 0;
    std::optional<DirtyLog> dirty_log;     ///< there while the toolstack has it switched on
    std::optional<StateTransfer> transfer; ///< as long as there is one, the domain is paused
    u32 transfers_begun = 0;
    std::array<u8, 16> handle{}; ///< the toolstack's UUID

    [[nodiscard]] bool is_paused() const { return pause_count > 0 || transfer; }
};

}
