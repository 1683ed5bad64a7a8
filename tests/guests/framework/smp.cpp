// SPDX-License-Identifier: MIT
/// INIT, SIPI and the first C++ code of another CPU.

#include "tests/guests/framework/smp.hpp"

#include <array>
#include <atomic>
#include <cstring>

#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/per_cpu.hpp"

extern "C" {
extern char const trampoline_begin[];
extern char const trampoline_end[];
extern hospes::u64 other_cpu_stack;
[[noreturn]] void other_cpu_start();
}

namespace hospes::test {
namespace {

constexpr u64 trampoline_address = 0x8000; // trampoline.S
constexpr u64 startup_page = trampoline_address >> 12;

constinit u32 starting_index = 0;
constinit void (*starting_function)(u32) = nullptr;
constinit std::atomic<u32> arrived{0};
alignas(16) constinit std::array<std::array<u8, cpu_stack_size>, max_cpus> stacks{};

}

bool start_cpu(u32 index, void (*function)(u32))
{
    if (index >= max_cpus) return false;
    auto size = static_cast<size_t>(trampoline_end - trampoline_begin);
    __builtin_memcpy(reinterpret_cast<void*>(trampoline_address), trampoline_begin, size);
    starting_index = index;
    starting_function = function;
    other_cpu_stack = reinterpret_cast<u64>(stacks[index].data()) + cpu_stack_size;
    arrived = 0;
    auto destination = apic::id_of_cpu(index);
    apic::send(destination, apic::deliver_init);
    delay(100 * microsecond);
    apic::send(destination, apic::deliver_startup | startup_page);
    auto deadline = now() + long_enough;
    // Both may have to share a CPU, which Bochs' VMX takes from nobody who has interrupts off: who waits gives way.
    while (arrived != index && now() < deadline) (void)schedule::yield();
    return arrived == index;
}

u32 cpu_index() { return this_cpu().index; }

}

void other_cpu_start()
{
    using namespace hospes::test;
    auto index = starting_index;
    auto* function = starting_function;
    set_up_cpu(index);
    apic::enable();
    arrived = index;
    function(index);
    halt_for_ever();
}
