// SPDX-License-Identifier: MIT
/// Rule: a CPU in real mode can make hypercalls, by the convention of 32-bit code; pointers are physical addresses.
/// Failure looks like firmware that is told nothing, and stops.

#include <atomic>
#include <cstring>

#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/report.hpp"

extern "C" {
extern char const real_mode_begin[], real_mode_end[], real_mode_data[];
}

namespace hospes::test {
namespace {

constexpr u64 page = 0x9000; // code.S
constexpr u32 guard = 0x5a5a'5a5a;

/// What code.S has at its end.
struct Data {
    u32 is_vmmcall;
    u32 version, answer, guard_before;
    u32 parameters, guard_behind;
    u32 done;
};

void start(u32 cpu)
{
    auto const destination = apic::id_of_cpu(cpu);
    apic::send(destination, apic::deliver_init);
    delay(100 * microsecond);
    apic::send(destination, apic::deliver_startup | page >> 12);
}

void run()
{
    apic::enable();
    __builtin_memcpy(reinterpret_cast<void*>(page), real_mode_begin,
                     static_cast<size_t>(real_mode_end - real_mode_begin));
    Data& data = *reinterpret_cast<Data*>(page + static_cast<u64>(real_mode_data - real_mode_begin));
    data.is_vmmcall = uses_vmmcall();
    start(1);
    auto const deadline = now() + long_enough;
    while (std::atomic_ref{data.done}.load() == 0 && now() < deadline) (void)schedule::yield();
    report(data.done == 1, "the CPU comes to its end");
    report(data.version >> 16 == 4, "xen_version");
    report(equal(data.answer, 0), "platform parameters");
    report(data.parameters != guard && data.guard_before == guard && data.guard_behind == guard,
           "are one word, where they were wanted");
}

}

constinit Guest const this_guest{"real_mode", run};

}
