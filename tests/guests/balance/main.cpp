// SPDX-License-Identifier: MIT
/// Rule: vCPUs that are always busy share all CPUs equally, also when they are more than the CPUs and their number is
/// no multiple of theirs: nobody has a CPU for itself while two others share one.
/// Failure looks like a guest that runs at half the speed of its neighbour for no reason.

#include <array>
#include <atomic>

#include "kernel/abi/xen/vcpu.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/smp.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u32 vcpus = 3;
constexpr u64 span = 900 * millisecond;

constinit std::atomic<u32> at_work{0};

void compute(u32)
{
    enable_interrupts();
    for (++at_work;;) pause();
}

u64 running_time(u32 vcpu)
{
    xen::RunstateInfo info{};
    (void)hypercall(xen::Hypercall::VcpuOp, xen::VcpuCommand::GetRunstateInfo, vcpu, &info);
    return info.time[static_cast<size_t>(xen::Runstate::Running)];
}

std::array<u64, vcpus> running_times()
{
    std::array<u64, vcpus> times{};
    for (u32 vcpu = 0; vcpu < vcpus; ++vcpu) times[vcpu] = running_time(vcpu);
    return times;
}

void run()
{
    enable_events();
    if (cpu_count() < vcpus) return skip("fewer than three vCPUs");
    for (u32 vcpu = 1; vcpu < vcpus; ++vcpu)
        if (!start_cpu(vcpu, compute)) abandon("no sign of life after SIPI");
    if (!wait_until([] { return at_work == vcpus - 1; }, long_enough)) abandon("a vCPU does not compute");

    auto used = running_times();
    (void)wait_until([] { return false; }, span); // interrupts on: Bochs 2.7 preempts no VMX guest that has them off
    auto const after = running_times();
    u64 all = 0;
    for (u32 vcpu = 0; vcpu < vcpus; ++vcpu) all += used[vcpu] = after[vcpu] - used[vcpu];
    for (u32 vcpu = 0; vcpu < vcpus; ++vcpu) {
        u64 const percent = used[vcpu] * vcpus * 100 / all;
        print("  vCPU ", vcpu, " ran ", used[vcpu] / microsecond, " us, ", percent, "% of its share\n");
        // With a thread for each CPU, the host's scheduler decides how long a turn is.
        if (has_argument("threads"))
            report(used[vcpu] > 0, "it had a turn");
        else
            report(percent > 90 && percent < 110, "its share of the CPUs within a tenth");
    }
}

}

constinit Guest const this_guest{"balance", run};

}
