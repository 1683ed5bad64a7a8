// SPDX-License-Identifier: MIT
/// sched_op: giving up the CPU, waiting for events, shutting down. (xen/include/public/sched.h)
#pragma once

#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// (SCHEDOP_*)
enum class SchedCommand : u32 {
    Yield = 0,
    Block = 1,
    Shutdown = 2,
    Poll = 3,
    RemoteShutdown = 4,
    ShutdownCode = 5,
    Watchdog = 6,
    PinOverride = 7,
};

/// Why a domain stopped. (SHUTDOWN_*)
enum class ShutdownReason : u32 {
    Poweroff = 0,
    Reboot = 1,
    Suspend = 2,
    Crash = 3,
    Watchdog = 4,
    SoftReset = 5,
};

/// The highest reason there is.
inline constexpr u32 shutdown_reason_max = 5;

struct SchedShutdown {
    u32 reason; // ShutdownReason
};
static_assert(sizeof(SchedShutdown) == 4 && has_no_hidden_bytes<SchedShutdown>);

/// Wait until one of the ports is pending, or until `timeout` (system time, ns; 0 = for ever).
struct SchedPoll {
    GuestHandle<EventPort> ports;
    u32 nr_ports;
    u32 pad;
    u64 timeout;
};
static_assert(sizeof(SchedPoll) == 24 && has_no_hidden_bytes<SchedPoll>);
static_assert(offsetof(SchedPoll, nr_ports) == 8 && offsetof(SchedPoll, timeout) == 16);

struct SchedRemoteShutdown {
    DomainId domain;
    u16 pad;
    u32 reason; // ShutdownReason
};
static_assert(sizeof(SchedRemoteShutdown) == 8 && has_no_hidden_bytes<SchedRemoteShutdown>);
static_assert(offsetof(SchedRemoteShutdown, reason) == 4);

/// id 0 asks for a new watchdog; timeout 0 disarms; both in seconds.
struct SchedWatchdog {
    u32 id;
    u32 timeout;
};
static_assert(sizeof(SchedWatchdog) == 8 && has_no_hidden_bytes<SchedWatchdog>);
static_assert(offsetof(SchedWatchdog, timeout) == 4);

/// A negative number ends the override.
struct SchedPinOverride {
    s32 pcpu;
};
static_assert(sizeof(SchedPinOverride) == 4 && has_no_hidden_bytes<SchedPinOverride>);

}
