// SPDX-License-Identifier: MIT
/// The table of debug keys, and what the short ones print.
#include "kernel/debug/debug_keys.hpp"

#include <array>
#include <atomic>
#include <string_view>

#include "drivers/iommu/iommu.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/debug/counters.hpp"
#include "kernel/debug/event_channels.hpp"
#include "kernel/debug/grants.hpp"
#include "kernel/debug/registers.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/log/console.hpp"
#include "kernel/log/log.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/time/clock.hpp"
#include "kernel/time/timer.hpp"

namespace hospes {

namespace {

struct DebugKey {
    char key;
    std::string_view what;
    /// As answer_debug_key().
    bool (*act)(u32& position, Budget& budget);
};

bool show_help(u32& position, Budget& budget);

/// Lines with numbers from `position` on, until the budget is spent; true when `say(number)` has said the last.
template <typename Say>
bool say_each(u32 count, u32& position, Budget& budget, Say say)
{
    while (position < count) {
        say(position++);
        if (budget.is_spent()) return position == count;
    }
    return true;
}

void show_domain(Domain const& domain)
{
    Quota const& quota = domain.quota;
    log_info("domain {}: life {}, {} KiB RAM of at most {} KiB, {} pages of overhead of {}, {} of tables of {}",
             domain.id(), domain.life(), quota.ram.used() * page_size / kib, quota.ram.limit() * page_size / kib,
             quota.overhead.used(), quota.overhead.limit(), domain.physmap.stage().table_pages(),
             domain.physmap.stage().table_limit());
}

void show_vcpu(Vcpu const& vcpu)
{
    log_info("  vCPU {}: waiting for {:x}, on CPU {}, home {}, ran {} ms", vcpu.id(), vcpu.waiting_reasons(),
             vcpu.scheduling.on_cpu.load(), vcpu.scheduling.home_cpu.load(),
             scheduler::running_time(vcpu) / nanoseconds_per_millisecond);
}

/// For each domain the lines of which `count_of(domain)` says how many there are: `say(domain, number)` says one. The
/// position is the domain's id, and the line.
template <typename CountOf, typename Say>
bool say_of_each_domain(u32& position, Budget& budget, CountOf count_of, Say say)
{
    constexpr u32 line_bits = 9;
    constexpr u32 most_lines = 1U << line_bits;
    static_assert(1 + max_vcpus_per_domain <= most_lines);
    static_assert(max_vcpus_per_domain * arch::lines_of_state <= most_lines);
    static_assert(most_event_channel_lines <= most_lines && most_grant_lines <= most_lines);
    static_assert(u32{xen::domid_first_reserved} << line_bits < 1U << debug_position_bits);
    for (;;) {
        u32 const wanted = position >> line_bits;
        if (wanted >= xen::domid_first_reserved) return true;
        auto const domain = domains::at_or_after(static_cast<DomainId>(wanted));
        if (!domain) return true;
        u32 const id = (*domain)->id();
        u32 line = id == wanted ? position & ((1U << line_bits) - 1) : 0;
        bool const done = say_each(count_of(**domain), line, budget, [&](u32 number) { say(**domain, number); });
        position = done ? (id + 1) << line_bits : id << line_bits | line;
        if (!done || budget.is_spent()) return false;
    }
}

bool show_domains(u32& position, Budget& budget)
{
    return say_of_each_domain(
        position, budget, [](Domain const& domain) { return static_cast<u32>(domain.vcpus().size()) + 1; },
        [](Domain const& domain, u32 line) { line == 0 ? show_domain(domain) : show_vcpu(*domain.vcpus()[line - 1]); });
}

bool show_registers(u32& position, Budget& budget)
{
    return say_of_each_domain(
        position, budget,
        [](Domain const& domain) { return static_cast<u32>(domain.vcpus().size()) * arch::lines_of_state; },
        [](Domain const& domain, u32 line) {
            show_register_line(*domain.vcpus()[line / arch::lines_of_state], line % arch::lines_of_state);
        });
}

bool show_cpus(u32& position, Budget& budget)
{
    return say_each(arch::cpu_count(), position, budget, [now = clock::now()](u32 cpu) {
        log_info("CPU {}: APIC id {}, idle {} of {} ms", cpu, arch::apic_id(cpu),
                 scheduler::idle_time(cpu) / nanoseconds_per_millisecond, now / nanoseconds_per_millisecond);
    });
}

bool show_ports(u32& position, Budget& budget)
{
    return say_of_each_domain(position, budget, event_channel_lines, show_event_channel_line);
}

bool show_grants(u32& position, Budget& budget)
{
    return say_of_each_domain(position, budget, grant_lines, show_grant_line);
}

bool show_memory(u32&, Budget&)
{
    log_info("memory: {} KiB free of {} KiB, {} pages of devices' tables", frames::free_count() * page_size / kib,
             frames::total_count() * page_size / kib, iommu::table_pages());
    return true;
}

bool show_interrupts(u32&, Budget&)
{
    iommu::show_interrupts();
    return true;
}

bool reboot(u32&, Budget&)
{
    console::write_synchronously();
    arch::reboot_machine();
}

constexpr std::array keys{
    DebugKey{'c', "counters: exits, hypercalls, injections, flushes", show_counters},
    DebugKey{'d', "registers of vCPUs, and why they left their guests last", show_registers},
    DebugKey{'e', "event channels of domains", show_ports},
    DebugKey{'g', "grants: which domain has whose pages mapped", show_grants},
    DebugKey{'h', "show this message", show_help},
    DebugKey{'m', "memory", show_memory},
    DebugKey{'q', "domains and their vCPUs", show_domains},
    DebugKey{'r', "CPUs", show_cpus},
    DebugKey{'R', "reboot the machine at once", reboot},
    DebugKey{'V', "IOMMUs: which device may raise which interrupt", show_interrupts},
};

bool show_help(u32& position, Budget& budget)
{
    return say_each(keys.size(), position, budget,
                    [](u32 number) { log_info("key '{}': {}", keys[number].key, keys[number].what); });
}

DebugKey const* find_key(char key)
{
    for (DebugKey const& row : keys)
        if (row.key == key) return &row;
    return nullptr;
}

// --- the serial console ---

/// Between two parts of an answer.
constexpr Nanoseconds pause = nanoseconds_per_millisecond;

std::atomic<char> pressed{0}; ///< 0: none
u32 pressed_position = 0;     ///< used by the timer

void go_on(Timer& timer)
{
    Budget budget;
    if (!answer_debug_key(pressed.load(), pressed_position, budget))
        return timers::set(timer, arch::this_cpu(), clock::now() + pause);
    pressed_position = 0;
    pressed.store(0);
}

Timer answering{go_on};

}

bool answer_debug_key(char key, u32& position, Budget& budget)
{
    DebugKey const* const row = find_key(key);
    if (!row) {
        log_info("'{}' has no meaning; 'h' lists those that have", key);
        return true;
    }
    if (position == 0) log_info("'{}' pressed: {}", key, row->what);
    return row->act(position, budget);
}

void press_debug_key(char key)
{
    char none = 0;
    if (pressed.compare_exchange_strong(none, key)) timers::set(answering, arch::this_cpu(), clock::now());
}

}
