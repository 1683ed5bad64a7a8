// SPDX-License-Identifier: MIT
/// The table of debug keys, and what the short ones print.
#include "kernel/debug/debug_keys.hpp"

#include <array>
#include <string_view>

#include "drivers/iommu/iommu.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/debug/counters.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/log/console.hpp"
#include "kernel/log/log.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/time/clock.hpp"

namespace hospes {

namespace {

struct DebugKey {
    char key;
    std::string_view what;
    void (*act)();
};

void show_help();

template <typename Visit>
void for_each_domain(Visit visit)
{
    for (u32 next = 0; next < xen::domid_first_reserved;) {
        auto const domain = domains::at_or_after(static_cast<DomainId>(next));
        if (!domain) return;
        visit(**domain);
        next = (*domain)->id() + u32{1};
    }
}

void show_domains()
{
    for_each_domain([](Domain& domain) {
        Quota const& quota = domain.quota;
        log_info("domain {}: life {}, {} KiB RAM of at most {} KiB, {} pages of overhead of {}, {} of tables of {}",
                 domain.id(), domain.life(), quota.ram.used() * page_size / kib, quota.ram.limit() * page_size / kib,
                 quota.overhead.used(), quota.overhead.limit(), domain.physmap.stage().table_pages(),
                 domain.physmap.stage().table_limit());
        for (auto const& vcpu : domain.vcpus())
            log_info("  vCPU {}: waiting for {:x}, on CPU {}, home {}, ran {} ms", vcpu->id(), vcpu->waiting_reasons(),
                     vcpu->scheduling.on_cpu.load(), vcpu->scheduling.home_cpu.load(),
                     scheduler::running_time(*vcpu) / 1'000'000);
    });
}

void show_cpus()
{
    u64 const now = clock::now();
    for (unsigned cpu = 0; cpu < arch::cpu_count(); ++cpu)
        log_info("CPU {}: APIC id {}, idle {} of {} ms", cpu, arch::apic_id(cpu), scheduler::idle_time(cpu) / 1'000'000,
                 now / 1'000'000);
}

void show_memory()
{
    log_info("memory: {} KiB free of {} KiB", frames::free_count() * page_size / kib,
             frames::total_count() * page_size / kib);
}

void reboot()
{
    console::write_synchronously();
    arch::reboot_machine();
}

constexpr std::array keys{
    DebugKey{'c', "counters: exits, hypercalls, injections, flushes", show_counters},
    DebugKey{'h', "show this message", show_help},
    DebugKey{'m', "memory", show_memory},
    DebugKey{'q', "domains and their vCPUs", show_domains},
    DebugKey{'r', "CPUs", show_cpus},
    DebugKey{'R', "reboot the machine at once", reboot},
    DebugKey{'V', "IOMMUs: which device may raise which interrupt", iommu::show_interrupts},
};

void show_help()
{
    for (DebugKey const& row : keys) log_info("key '{}': {}", row.key, row.what);
}

}

void press_debug_key(char key)
{
    for (DebugKey const& row : keys) {
        if (row.key != key) continue;
        log_info("'{}' pressed: {}", key, row.what);
        return row.act();
    }
    log_info("'{}' has no meaning; 'h' lists those that have", key);
}

}
