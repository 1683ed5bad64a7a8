// SPDX-License-Identifier: MIT
/// Rule: an event that waits in a vCPU is delivered once, whether the toolstack saves the vCPU, rewrites its registers
/// or loads it again; and a saved state is refused on a machine where its clock would run at another speed. Failure
/// looks like a driver that takes an interrupt twice, or a guest whose timers are all wrong after migration.

#include <cstring>

#include "tests/guests/framework/foreign_pages.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/other_domain.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u64 memory_mib = 4;
constexpr u32 large_page_order = 9;
constexpr u32 event_valid = 1U << 31, vector = 0x40;
constexpr u16 code_selector = 8;

namespace place {
constexpr u64 code = 0x0, handler = 0x80, counter = 0x800, descriptors = 0x1000, gates = 0x2000, stack = 0x4000;
}

template <typename T>
void put(u8* memory, u64 where, T const& value)
{
    std::memcpy(memory + where, &value, sizeof value);
}

void fill(u8* memory)
{
    put(memory, place::code, std::to_array<u8>({0xfb, 0x90, 0x90, 0xfa, 0xf4})); // sti; nop; nop; cli; hlt
    put(memory, place::handler, std::to_array<u8>({0xff, 0x05, 0x00, 0x08, 0x00, 0x00, 0xcf})); // incl counter; iret
    put(memory, place::descriptors + code_selector, u64{0x00cf'9b00'0000'ffff});                // flat code
    constexpr u64 interrupt_gate = u64{0x8e00} << 32;
    put(memory, place::gates + vector * 8, interrupt_gate | u64{code_selector} << 16 | place::handler);
}

xen::HvmCpu registers_with(u32 pending_event)
{
    auto registers = flat_registers();
    registers.rip = place::code;
    registers.rsp = place::stack;
    registers.cs_selector = code_selector;
    registers.gdtr_base = place::descriptors;
    registers.gdtr_limit = 0xffff;
    registers.idtr_base = place::gates;
    registers.idtr_limit = 0x7ff;
    registers.pending_event = pending_event;
    return registers;
}

/// Runs a vCPU in which an interrupt waits, after the toolstack has done `before` to it.
template <typename Before>
void delivers_once(u64 flags, Before before, char const* what)
{
    auto const domain = OtherDomain::create(memory_mib);
    if (!domain || !domain->populate(0, large_page_order)) abandon("no other domain");
    ForeignPages const pages{domain->id(), 0, 5};
    fill(pages.bytes());
    auto registers = registers_with(event_valid | vector);
    registers.rflags |= flags;
    if (domain->load_registers(registers) != 0) abandon("the registers are refused");
    before(*domain, registers);
    if (domain->unpause() != 0) abandon("it does not start");
    while (!domain->shutdown_reason()) static_cast<void>(schedule::yield());
    u32 delivered = 0;
    std::memcpy(&delivered, pages.bytes() + place::counter, sizeof delivered);
    report(equal(delivered, 1), what);
}

void frequencies()
{
    auto const domain = OtherDomain::create(memory_mib);
    if (!domain) abandon("no other domain");
    auto const registers = registers_with(0);
    u32 const own = domain->tsc_khz();
    report(succeeds(domain->load_registers(registers, own)), "the machine's own frequency");
    report(succeeds(domain->load_registers(registers, own + own / 10'000)), "one measured 100 ppm off");
    if (!on_hospes()) return skip("Xen takes any, and intercepts RDTSC");
    report(fails_with(domain->load_registers(registers, own + own / 1'000), Error::NotSupported), "1000 ppm faster");
    report(fails_with(domain->load_registers(registers, own / 2), Error::NotSupported), "half of it");
    report(fails_with(domain->set_tsc_khz(own / 2), Error::NotSupported), "half of it, by set_tsc_info");
    report(succeeds(domain->set_tsc_khz(own)), "its own");
    report(succeeds(domain->set_tsc_khz(0)), "and none");
}

void run()
{
    auto const nothing = [](OtherDomain const&, xen::HvmCpu const&) {};
    auto const rewrite = [](OtherDomain const& domain, xen::HvmCpu const&) {
        report(succeeds(domain.rewrite_context()), "read and written back");
    };
    auto const load_again = [](OtherDomain const& domain, xen::HvmCpu const& registers) {
        report(succeeds(domain.load_registers(registers)), "loaded again");
    };
    constexpr u64 enabled = 1 << 9; // RFLAGS.IF
    delivers_once(0, nothing, "once, after STI");
    delivers_once(0, rewrite, "once, after STI and rewriting");
    delivers_once(enabled, nothing, "once, at once");
    delivers_once(enabled, rewrite, "once, after rewriting");
    delivers_once(enabled, load_again, "once, after loading twice");
    frequencies();
}

}

constinit Guest const this_guest{"saved_events", run};

}
