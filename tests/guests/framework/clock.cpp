// SPDX-License-Identifier: MIT
/// Reading the PV clock by its version protocol, and VIRQ_TIMER.

#include "tests/guests/framework/clock.hpp"

#include <atomic>

#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/per_cpu.hpp"

namespace hospes::test {
namespace {

/// nanoseconds = system_time + ((tsc - tsc_timestamp) << shift) * mul / 2^32 (xen.h, vcpu_time_info)
u64 scale(u64 ticks, xen::VcpuTimeInfo const& time)
{
    ticks = time.tsc_shift >= 0 ? ticks << time.tsc_shift : ticks >> -time.tsc_shift;
    return static_cast<u64>((u128{ticks} * time.tsc_to_system_multiplier) >> 32);
}

xen::VcpuTimeInfo stable_copy(xen::VcpuTimeInfo const& source)
{
    auto const& live = const_cast<xen::VcpuTimeInfo const volatile&>(source);
    for (;;) {
        u32 before = live.version;
        std::atomic_thread_fence(std::memory_order_acquire);
        xen::VcpuTimeInfo copy = source;
        std::atomic_thread_fence(std::memory_order_acquire);
        asm volatile("" : : : "memory");
        if ((before & 1) == 0 && before == live.version) return copy;
        (void)schedule::yield(); // it may be odd for ever, where a guest has had its page replaced (smp.cpp)
    }
}

}

u64 now() { return time_of_tsc(read_tsc()); }

u64 time_of_tsc(u64 tsc)
{
    auto time = stable_copy(vcpu_info().time);
    if (tsc < time.tsc_timestamp) return time.system_time;
    return time.system_time + scale(tsc - time.tsc_timestamp, time);
}

void delay(u64 nanoseconds)
{
    auto until = now() + nanoseconds;
    while (now() < until) pause();
}

u32 set_timer_handler(void (*handler)(u32))
{
    auto timer = event_channel::bind_virq(xen::VirtualInterrupt::Timer, this_cpu().index);
    if (timer.result != 0) abandon("cannot bind VIRQ_TIMER");
    set_event_handler(timer.port, handler);
    return timer.port;
}

s64 start_timer(u64 absolute_ns) { return vcpu_operation::set_singleshot_timer(this_cpu().index, absolute_ns, 0); }

}
