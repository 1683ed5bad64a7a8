// SPDX-License-Identifier: MIT
/// The paravirtual clock: how a guest turns its TSC into system time, and the wall clock at system time zero.
#pragma once

#include <atomic>

#include "kernel/lib/integers.hpp"

namespace hospes {

class Domain;
class SharedAreas;
class Vcpu;

namespace para_clock {

/// How a domain is shown the time.
struct Settings {
    std::atomic<s64> offset_seconds{0};        ///< its wall clock is ahead of the machine's
    std::atomic<bool> marks_run_states{false}; ///< while they are written: VMASST_TYPE_runstate_update_flag
};

/// Writes the vCPU's time record into its vcpu_info and time area. Takes LockRank::VcpuAreas. Needed when vcpu_info
/// moves or the TSC offset changes, never in between: the host's scale is fixed for as long as the machine runs
/// (kernel/time/clock.hpp).
void publish(Vcpu& vcpu);
/// The same, for who holds the vCPU's areas.
void publish(Vcpu& vcpu, SharedAreas& areas);
/// Writes the wall clock into the domain's shared info, if it still has one. Takes LockRank::DomainControl. Needed when
/// it is created and when the clock is set.
void publish_wall_clock(Domain& domain);
/// After the control domain has set the clock.
void publish_wall_clock_to_all();

}

}
