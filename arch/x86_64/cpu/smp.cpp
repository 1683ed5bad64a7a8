// SPDX-License-Identifier: MIT
/// Starting the other CPUs, one after the other.
#include "arch/x86_64/cpu/smp.hpp"

#include <cstring>

#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/msr.hpp"
#include "arch/x86_64/cpu/per_cpu.hpp"
#include "arch/x86_64/cpu/tsc_comparison.hpp"
#include "arch/x86_64/irq/local_apic.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/time/clock.hpp"

namespace hospes {

/// Read by ap_trampoline.S.
struct ApStartParameters {
    u64 page_tables;
    u64 stack;
};
static_assert(offsetof(ApStartParameters, page_tables) == 0 && offsetof(ApStartParameters, stack) == 8);

}

extern "C" {
extern hospes::u8 const ap_trampoline_start[], ap_trampoline_end[];
hospes::ApStartParameters ap_start_parameters;
[[noreturn]] void ap_main();
}

namespace hospes {

namespace {

constexpr Hpa trampoline_address{0x8000};
constexpr unsigned stack_order = 4;
static_assert(page_size << stack_order == cpu_stack_bytes);

/// How far the CPU that is being started has come.
enum class Stage : u8 { Called, Arrived, Counted };
std::atomic<Stage> stage{Stage::Called};
std::atomic<void (*)()> release_entry{nullptr};
u64 boot_page_attributes = 0;
TscComparison comparison;

/// What lies at 0x8000 may belong to the firmware or to dom0: it comes back when the scope ends.
class Trampoline {
public:
    Trampoline() : place_{arch::reach_as<u8>(trampoline_address)}
    {
        std::memcpy(former_.data(), place_, page_size);
        std::memcpy(place_, ap_trampoline_start, static_cast<size_t>(ap_trampoline_end - ap_trampoline_start));
    }
    ~Trampoline() { std::memcpy(place_, former_.data(), page_size); }
    Trampoline(Trampoline const&) = delete;
    Trampoline& operator=(Trampoline const&) = delete;

private:
    u8* place_;
    std::array<u8, page_size> former_;
};

bool wait_for(Stage wanted, Nanoseconds patience)
{
    Nanoseconds const end = clock::now() + patience;
    while (stage.load(std::memory_order_acquire) != wanted) {
        if (clock::now() > end) return false;
        arch::spin_hint();
    }
    return true;
}

/// INIT, then SIPI, twice if needed. (SDM volume 3, section 9.4.4)
bool call(u32 apic_id)
{
    constexpr Nanoseconds after_init = 10 * nanoseconds_per_millisecond;
    constexpr Nanoseconds before_second_startup = 10 * nanoseconds_per_millisecond;
    constexpr Nanoseconds patience = nanoseconds_per_second;
    constexpr u8 start_page = static_cast<u8>(trampoline_address.raw() >> page_shift);
    local_apic::send_init(apic_id);
    clock::busy_wait(after_init);
    local_apic::send_startup(apic_id, start_page);
    if (wait_for(Stage::Arrived, before_second_startup)) return true;
    local_apic::send_startup(apic_id, start_page);
    if (wait_for(Stage::Arrived, patience)) return true;
    local_apic::send_init(apic_id); // so that it does not come late, to memory that means something else by then
    return false;
}

bool start_cpu(u32 apic_id, void* stack)
{
    unsigned const index = arch::cpu_count();
    create_cpu_block(stack, index, apic_id);
    ap_start_parameters = {read_cr3().raw(), reinterpret_cast<u64>(stack) + cpu_stack_bytes};
    comparison.reset();
    stage.store(Stage::Called, std::memory_order_release);
    if (!call(apic_id)) {
        log_error("the CPU with APIC id {} does not answer and stays unused", apic_id);
        return false;
    }
    if (u64 const warp = comparison.run()) clock::note_tsc_out_of_step(index, warp);
    while (stage.load(std::memory_order_acquire) != Stage::Counted) arch::spin_hint();
    return true;
}

void check_features(unsigned cpu)
{
    auto const own = CpuFeatures::detect([](u32 leaf, u32 subleaf) { return read_cpuid(leaf, subleaf); });
    if (auto const missing = own.first_missing_from(cpu_features()))
        panic("cpu{} lacks {}, which the booting CPU has: this machine is inconsistent", cpu, name_of(*missing));
}

[[noreturn]] void wait_for_release()
{
    for (;;) {
        if (auto const entry = release_entry.load(std::memory_order_acquire)) {
            entry();
            panic("cpu{}: its entry function returned", arch::this_cpu());
        }
        arch::wait_for_interrupt();
    }
}

}

namespace smp {

void start_other_cpus(InterruptTopology const& topology, unsigned limit)
{
    Trampoline const trampoline;
    u32 const own_id = local_apic::id();
    boot_page_attributes = read(msr::page_attribute_table);
    void* stack = nullptr;
    for (u32 const apic_id : topology.apic_ids.items()) {
        if (apic_id == own_id) continue;
        if (arch::cpu_count() >= limit) break;
        if (!stack) {
            auto const frames = frames::allocate(stack_order);
            if (!frames) {
                log_error("no memory for the stack of the CPU with APIC id {}", apic_id);
                break;
            }
            stack = arch::reach(*frames);
        }
        // The stack of one that did not answer serves the next.
        if (start_cpu(apic_id, stack)) stack = nullptr;
    }
    if (stack) frames::free(frame_of(arch::physical_address(stack)), stack_order);
    log_info("{} of {} CPUs run", arch::cpu_count(), topology.apic_ids.size());
}

void release_other_cpus(void (*entry)())
{
    release_entry.store(entry, std::memory_order_release);
    for (unsigned cpu = 1; cpu < arch::cpu_count(); ++cpu) arch::kick(cpu);
}

}

}

void ap_main()
{
    using namespace hospes;
    CpuBlock& block = this_cpu_block();
    load_descriptors(block.descriptors);
    write(msr::page_attribute_table, boot_page_attributes);
    write_cr3(read_cr3()); // forgets translations made under the former attributes
    cpu::enable_cpu_features();
    local_apic::enable_on_this_cpu();
    local_apic::enable_timer();
    check_features(block.index);
    stage.store(Stage::Arrived, std::memory_order_release);
    if (u64 const warp = comparison.run()) clock::note_tsc_out_of_step(block.index, warp);
    publish_cpu(block);
    stage.store(Stage::Counted, std::memory_order_release);
    wait_for_release();
}
