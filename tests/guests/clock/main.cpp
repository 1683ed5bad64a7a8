// SPDX-License-Identifier: MIT
/// Rule: system time, made from a vCPU's time record and its TSC, is one time on all vCPUs, whatever the guest writes
/// to its TSC and whenever vcpu_info was registered: the record follows the TSC (abi.md, 4.3). Failure looks like a CPU
/// whose clock is wrong by minutes after `xl vcpu-set` in a restored guest.

#include <atomic>

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/smp.hpp"

namespace hospes::test {
namespace {

constexpr u32 tsc_msr = 0x10, tsc_adjust_msr = 0x3b;
constexpr u64 far = u64{1} << 40; ///< ticks: some minutes
constexpr u64 tolerance = second; ///< much less than that, much more than these steps take

constinit std::atomic<u64> time_of_other{0};

bool goes_on(u64 before, u64 after)
{
    bool const good = after >= before && after - before < tolerance;
    if (!good) print("  ", before, " ns, then ", after, " ns\n");
    return good;
}

template <typename Change>
void survives(Change change, char const* what)
{
    u64 const before = now();
    change();
    report(goes_on(before, now()), what);
}

/// Its record was made while its TSC was still the host's.
void other_cpu()
{
    s64 const registered = register_vcpu_info(1);
    if (registered == -static_cast<s64>(Error::NotFound)) return skip("there is no second vCPU");
    report(succeeds(registered), "vcpu_info of a CPU that is not started");
    bool const started = start_cpu(1, [](u32) { time_of_other = now(); });
    report(started, "it starts");
    u64 const before = now();
    while (time_of_other == 0 && now() < before + tolerance) pause();
    u64 const there = time_of_other, here = now();
    report(goes_on(there, here), "its time is ours");
}

void run()
{
    enable_events();
    survives([] { write_msr(tsc_msr, read_tsc() + far); }, "the TSC set forward");
    survives([] { write_msr(tsc_msr, 1000); }, "the TSC set to almost nothing");
    survives([] { write_msr(tsc_adjust_msr, read_msr(tsc_adjust_msr) + 3 * far); }, "TSC_ADJUST moved");
    other_cpu();
}

}

constinit Guest const this_guest{"clock", run};

}
