// SPDX-License-Identifier: MIT
/// The upcall and the bitmaps.

#include "tests/guests/framework/events.hpp"

#include <array>
#include <atomic>
#include <bit>

#include "kernel/abi/xen/memory.hpp"
#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/per_cpu.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {
namespace {

constexpr u32 bits_per_word = 64;
constexpr u32 port_count = 4096;

constinit xen::SharedInfo* mapped_shared_info = nullptr;
constinit std::array<xen::VcpuInfo*, max_cpus> registered{};
constinit std::array<EventHandler, port_count> handlers{};
/// For each CPU the ports that only others handle: ports of several CPUs share a word of event_pending.
constinit std::array<std::array<u64, port_count / bits_per_word>, max_cpus> left_to_others{};
constinit std::atomic<u64> upcalls{0};

std::atomic_ref<u64> word_of(auto& bitmap, u32 port) { return std::atomic_ref<u64>{bitmap[port / bits_per_word]}; }
constexpr u64 bit_of(u32 port) { return u64{1} << (port % bits_per_word); }

void deliver(u32 port)
{
    word_of(shared_info().event_pending, port).fetch_and(~bit_of(port));
    if (handlers[port] != nullptr) handlers[port](port);
}

void deliver_word(u32 word)
{
    auto& shared = shared_info();
    auto& others = left_to_others[this_cpu().index];
    for (;;) {
        u64 ready = word_of(shared.event_pending, word * bits_per_word).load() &
                    ~word_of(shared.event_mask, word * bits_per_word).load() &
                    ~word_of(others, word * bits_per_word).load();
        if (ready == 0) return;
        deliver(word * bits_per_word + static_cast<u32>(std::countr_zero(ready)));
    }
}

void upcall(TrapFrame&)
{
    ++upcalls;
    apic::end_of_interrupt();
    poll_events();
}

}

xen::SharedInfo& shared_info()
{
    if (mapped_shared_info == nullptr) {
        auto* page = allocate_pages();
        auto result = memory_operation::add_to_physmap(xen::domid_self, xen::MapSpace::SharedInfo, 0, gfn_of(page));
        if (result != 0) abandon("cannot map shared_info");
        mapped_shared_info = reinterpret_cast<xen::SharedInfo*>(page);
        for (auto& word : mapped_shared_info->event_mask) word = ~u64{0};
    }
    return *mapped_shared_info;
}

xen::VcpuInfo& vcpu_info(u32 cpu)
{
    return registered[cpu] != nullptr ? *registered[cpu] : shared_info().vcpu_info[cpu];
}

xen::VcpuInfo& vcpu_info() { return vcpu_info(this_cpu().index); }

s64 register_vcpu_info(u32 cpu)
{
    auto* page = allocate_pages();
    auto result = vcpu_operation::register_vcpu_info(cpu, gfn_of(page), 0);
    if (result == 0) registered[cpu] = reinterpret_cast<xen::VcpuInfo*>(page);
    return result;
}

void enable_events()
{
    (void)shared_info();
    apic::enable();
    set_trap_handler(upcall_vector, upcall);
    if (hvm_operation::set_upcall_vector(this_cpu().index, upcall_vector) != 0) abandon("no upcall vector");
    asm volatile("sti; nop; cli" : : : "memory"); // setting the vector asserts it once: take that one now
}

void set_event_handler(u32 port, EventHandler handler, u32 cpu)
{
    handlers[port] = handler;
    for (u32 other = 0; other != max_cpus; ++other) {
        auto word = word_of(left_to_others[other], port);
        if (cpu == any_cpu || cpu == other)
            word.fetch_and(~bit_of(port));
        else
            word.fetch_or(bit_of(port));
    }
    if (handler == nullptr) {
        mask_port(port);
    } else {
        (void)event_channel::unmask(port);
    }
}

void mask_port(u32 port) { word_of(shared_info().event_mask, port).fetch_or(bit_of(port)); }
void unmask_port_quietly(u32 port) { word_of(shared_info().event_mask, port).fetch_and(~bit_of(port)); }
bool is_pending(u32 port) { return (word_of(shared_info().event_pending, port).load() & bit_of(port)) != 0; }
bool is_masked(u32 port) { return (word_of(shared_info().event_mask, port).load() & bit_of(port)) != 0; }
void clear_pending(u32 port) { word_of(shared_info().event_pending, port).fetch_and(~bit_of(port)); }

void poll_events()
{
    auto& info = vcpu_info();
    std::atomic_ref<u8>{info.event_upcall_pending}.exchange(0);
    u64 words = std::atomic_ref<u64>{info.event_pending_selector}.exchange(0);
    for (; words != 0; words &= words - 1) deliver_word(static_cast<u32>(std::countr_zero(words)));
}

u64 upcall_count() { return upcalls; }

}
