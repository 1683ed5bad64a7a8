// SPDX-License-Identifier: MIT
/// Rule: a local APIC's timer costs nothing while its vCPU can do nothing with it: the vCPU is down, its domain dead or
/// paused. Counted in ticks of the TSC where each is one instruction (QEMU with -icount, Bochs).
/// Failure looks like a machine that gets slower with every guest that died with a timer running.

#include <array>
#include <cstring>
#include <optional>

#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/foreign_pages.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/other_domain.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u32 domain_count = 16;
constexpr u64 memory_mib = 4;
constexpr u32 large_page_order = 9;
constexpr u64 mark = 0x800; ///< in the other's memory: it has come so far
constexpr u64 dead_code = 0x0, spinning_code = 0x100;

/// movl $value, address
struct Store {
    std::array<u8, 2> opcode{0xc7, 0x05};
    u32 address;
    u32 value;
} __attribute__((packed));

struct TimerStart {
    Store enable{.address = 0xfee0'00f0, .value = 0x1ff};
    Store divide_by_one{.address = 0xfee0'03e0, .value = 0xb};
    Store periodic{.address = 0xfee0'0320, .value = 0x2'0040};
    Store count{.address = 0xfee0'0380, .value = 1};
    Store tell{.address = mark, .value = 1};
} __attribute__((packed));

/// Goes down: HLT with interrupts off. (abi.md, 4.5)
struct DeadCode {
    TimerStart start;
    std::array<u8, 2> halt{0xfa, 0xf4}; // cli; hlt
} __attribute__((packed));

/// Its interrupts are on, for Bochs cannot preempt it otherwise (README.md), and held back by the task priority.
struct SpinningCode {
    Store hold_back{.address = 0xfee0'0080, .value = 0xf0};
    u8 interrupts_on = 0xfb; // sti
    TimerStart start;
    std::array<u8, 4> spin{0xf3, 0x90, 0xeb, 0xfc}; // pause; jmp
} __attribute__((packed));

/// Starts a domain there, and waits until its timer runs.
OtherDomain start(u64 code)
{
    auto domain = OtherDomain::create(memory_mib);
    if (!domain || !domain->populate(0, large_page_order)) abandon("no other domain");
    ForeignPages const pages{domain->id(), 0, 1};
    DeadCode const dead{};
    SpinningCode const spinning{};
    std::memcpy(pages.bytes() + dead_code, &dead, sizeof dead);
    std::memcpy(pages.bytes() + spinning_code, &spinning, sizeof spinning);
    auto registers = flat_registers();
    registers.rip = code;
    if (domain->load_registers(registers) != 0 || domain->unpause() != 0) abandon("it does not start");
    u32 volatile& told = *reinterpret_cast<u32 volatile*>(pages.bytes() + mark);
    while (told == 0) static_cast<void>(schedule::yield());
    return std::move(*domain);
}

/// Ticks of a loop that is always the same.
[[gnu::noinline]] u64 fixed_loop()
{
    constexpr u64 rounds = 20'000'000;
    u64 const begin = read_tsc();
    u64 left = rounds;
    asm volatile("1: dec %0; jnz 1b" : "+r"(left) : : "cc");
    return read_tsc() - begin;
}

using Others = std::array<std::optional<OtherDomain>, domain_count>;

void costs_nothing(u64 alone, char const* what)
{
    u64 const beside = fixed_loop();
    print("  ", beside, " ticks, alone ", alone, "\n");
    report(beside * 100 <= alone * 101, what);
}

void beside_dead(u64 alone)
{
    Others others;
    for (auto& other : others) {
        other.emplace(start(dead_code));
        while (!other->shutdown_reason()) static_cast<void>(schedule::yield());
    }
    costs_nothing(alone, "16 dead domains with periodic timers: at most 1 % more");
}

void beside_paused(u64 alone)
{
    Others others;
    for (auto& other : others) {
        other.emplace(start(spinning_code));
        static_cast<void>(other->pause());
    }
    costs_nothing(alone, "16 paused domains with periodic timers: at most 1 % more");
}

void run()
{
    u64 const alone = fixed_loop();
    beside_dead(alone);
    beside_paused(alone);
}

}

constinit Guest const this_guest{"stopped_timers", run};

}
