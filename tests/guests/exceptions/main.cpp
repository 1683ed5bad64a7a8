// SPDX-License-Identifier: MIT
/// Rule: an exception belongs to the guest that raised it, with its vector, error code and address, in ring 0 and
/// ring 3, whether the hypervisor intercepts it or not; and a guest that raises them without end costs nobody
/// else anything.
/// Failure looks like a debugger that misses breakpoints, or a host that hangs (CVE-2015-5307, CVE-2015-8104).

#include <atomic>

#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/selectors.h"
#include "tests/guests/framework/smp.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {
namespace {

constexpr u64 alignment_check = 1u << 18, trap_flag = 1u << 8;

void simple_faults()
{
    report(faults_with(vector::ud, [] { asm volatile("ud2"); }), "#UD from UD2");
    report(faults_with(vector::de,
                       [] {
                           asm volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx");
                       }),
           "#DE");
    report(faults_with(vector::bp, [] { asm volatile("int3"); }), "#BP");
    report(faults_with(vector::of, [] { asm volatile("int $4"); }), "#OF by INT 4");
    if (has_argument("emulator")) {
        skip("QEMU's TCG has no ICEBP that a guest could use");
    } else {
        report(faults_with(vector::db, [] { asm volatile(".byte 0xf1"); }), "#DB from ICEBP");
    }
    auto fault = faults([] { asm volatile("mov %%rax, (%0)" : : "r"(0x8000'0000'0000'0000)); });
    report(fault && fault->vector == vector::gp && fault->error_code == 0, "#GP(0) from a non-canonical address");
    fault = faults([] { asm volatile("mov %0, %%ds" : : "r"(0x7b8)); });
    report(fault && fault->vector == vector::gp && fault->error_code == 0x7b8, "#GP with a selector");
    fault = faults([] {
        asm volatile("mov %%rsp, %%rbx; mov %0, %%rsp; pop %%rax; mov %%rbx, %%rsp"
                     :
                     : "r"(u64{1} << 63)
                     : "rax", "rbx");
    });
    report(fault && (fault->vector == vector::ss || fault->vector == vector::df),
           "a bad stack is the guest's own trouble");
}

void page_faults()
{
    auto fault = faults([] { (void)*reinterpret_cast<u8 volatile*>(unmapped_address + 0x123); });
    report(fault && fault->vector == vector::pf && fault->error_code == 0, "#PF: read, not present");
    report(fault && fault->cr2 == unmapped_address + 0x123, "CR2");
    fault = faults([] { *reinterpret_cast<u8 volatile*>(unmapped_address) = 1; });
    report(fault && fault->vector == vector::pf && fault->error_code == 2, "#PF: write, not present");
    auto* page = allocate_pages();
    auto volatile* readonly = map_window(0, gfn_of(page), page_present);
    fault = faults([=] { *readonly = 1; });
    report(fault && fault->vector == vector::pf && fault->error_code == 3, "#PF: write to a read-only page");
    report(is_allowed([=] { (void)*readonly; }), "reading it is fine");
    fault = in_user_mode([=] { (void)*readonly; });
    report(fault && fault->vector == vector::pf && fault->error_code == 5, "#PF: ring 3 on a ring 0 page");
    fault = faults([] { reinterpret_cast<void (*)()>(unmapped_address)(); });
    report(fault && fault->vector == vector::pf && fault->rip == unmapped_address, "#PF: fetch");
}

/// The hypervisor carries these out, and their other operand is nowhere.
void page_faults_of_emulated_instructions()
{
    static constinit u8 const* device = nullptr;
    device = reinterpret_cast<u8 const*>(read_msr(apic::base_msr) & ~u64{page_size - 1});
    auto fault = faults([] {
        void const* from = device;
        void* to = reinterpret_cast<void*>(unmapped_address + 8);
        asm volatile("cld; movsl" : "+S"(from), "+D"(to) : : "memory");
    });
    report(fault && fault->vector == vector::pf && fault->error_code == 2 && fault->cr2 == unmapped_address + 8,
           "#PF: from a device to nowhere");
    fault = faults([] {
        void* to = reinterpret_cast<void*>(unmapped_address);
        asm volatile("cld; insb" : "+D"(to) : "d"(u16{0x5000}) : "memory");
    });
    report(fault && fault->vector == vector::pf && fault->error_code == 2 && fault->cr2 == unmapped_address,
           "#PF: from a port to nowhere");
    fault = faults([] {
        void const* from = device;
        void* to = reinterpret_cast<void*>(u64{1} << 63);
        asm volatile("cld; movsl" : "+S"(from), "+D"(to) : : "memory");
    });
    report(fault && fault->vector == vector::gp && fault->error_code == 0, "#GP(0): from a device to no address");
}

void debugging()
{
    auto fault = faults([] { asm volatile("pushfq; orl %0, (%%rsp); popfq; nop; nop" : : "i"(trap_flag)); });
    report(fault && fault->vector == vector::db, "#DB from single step");
    static constinit u64 watched = 0;
    fault = faults([] {
        asm volatile("mov %0, %%dr0; mov %1, %%dr7" : : "r"(&watched), "r"(u64{0x000d'0402})); // write, 8 bytes
        watched = 1;
        asm volatile("" : : : "memory");
    });
    asm volatile("mov %0, %%dr7" : : "r"(u64{0x400}));
    report(fault && fault->vector == vector::db, "#DB from a data breakpoint");
    u64 dr6;
    asm volatile("mov %%dr6, %0" : "=r"(dr6));
    report((dr6 & 1) != 0, "DR6 says which");
    fault = faults([] {
        asm volatile("pushfq; orl %0, (%%rsp); popfq; cpuid; nop" : : "i"(trap_flag) : "rax", "rbx", "rcx", "rdx");
    });
    report(fault && fault->vector == vector::db, "#DB after popfq, before CPUID is stepped");
}

void in_ring_3()
{
    auto fault = in_user_mode([] { asm volatile("ud2"); });
    report(fault && fault->vector == vector::ud, "#UD");
    fault = in_user_mode([] { asm volatile("cli"); });
    report(fault && fault->vector == vector::gp, "#GP from CLI");
    fault = in_user_mode([] { asm volatile("hlt"); });
    report(fault && fault->vector == vector::gp, "#GP from HLT");
    fault = in_user_mode([] { (void)read_msr(0x1b); });
    report(fault && fault->vector == vector::gp, "#GP from RDMSR");
    fault = in_user_mode([] { (void)in8(0x80); });
    report(fault && fault->vector == vector::gp, "#GP from IN");
    fault = in_user_mode([] { asm volatile("int $0x20"); });
    u32 expected = has_argument("emulator") ? 0x20 * 16 + 2 : 0x20 * 8 + 2; // QEMU's TCG counts gates of 16 bytes
    report(fault && fault->vector == vector::gp && fault->error_code == expected, "#GP from INT through a ring 0 gate");

    constexpr u64 cr0_alignment_mask = 1u << 18;
    write_cr0(read_cr0() | cr0_alignment_mask);
    fault = in_user_mode([] {
        static constinit u64 data[2] = {};
        asm volatile("pushfq; orl %0, (%%rsp); popfq; mov 1(%1), %%rax" : : "i"(alignment_check), "r"(data) : "rax");
    });
    write_cr0(read_cr0() & ~cr0_alignment_mask);
    if (!fault && has_argument("emulator")) {
        skip("QEMU's TCG raises no #AC");
    } else {
        report(fault && fault->vector == vector::ac, "#AC from a misaligned access");
    }
}

constinit std::atomic<bool> storming{false};

/// Exceptions without end: handlers that return to the instruction that faults.
void storm_of_faults(u32)
{
    set_trap_handler(vector::ud, [](TrapFrame&) {});
    storming = true;
    asm volatile("ud2");
}

/// A data breakpoint on the stack that #DB's own frame is pushed to: on a real CPU delivery raises the next #DB
/// for ever, in microcode, with no interrupt window.
void storm_of_debug_exceptions(u32)
{
    constexpr u64 write_eight_bytes_at_0 = 0x000d'0402; // DR7: L0 by its G bit, LEN0 = 8, RW0 = write
    set_trap_handler(vector::db, [](TrapFrame&) {});
    storming = true;
    asm volatile("mov %%rsp, %%rax; sub $40, %%rax; and $-8, %%rax; mov %%rax, %%dr0; mov %0, %%dr7"
                 :
                 : "r"(write_eight_bytes_at_0)
                 : "rax");
    for (;;) asm volatile(".byte 0xf1");
}

void storm()
{
    if (cpu_count() < 2) return skip("the storm needs a second vCPU");
    enable_events();
    // QEMU's TCG stops with an assertion of its own in the second kind.
    if (!start_cpu(1, has_argument("emulator") ? storm_of_faults : storm_of_debug_exceptions))
        abandon("CPU 1 did not start");
    report(wait_until([] { return storming.load(); }, long_enough), "the storm begins");
    static constinit std::atomic<u32> ticks{0};
    (void)set_timer_handler([](u32) { ++ticks; });
    for (u32 count = 1; count != 6; ++count) {
        (void)start_timer(now() + 10 * millisecond);
        (void)wait_until([=] { return ticks >= count; }, long_enough);
    }
    report(equal(ticks.load(), 5), "the other vCPU keeps its timers");
    report(succeeds(vcpu_operation::down(1)), "and can stop the storm");
    report(equal(vcpu_operation::is_up(1), 0), "the storm is over");
}

void run()
{
    simple_faults();
    page_faults();
    page_faults_of_emulated_instructions();
    debugging();
    in_ring_3();
    storm();
}

}

constinit Guest const this_guest{"exceptions", run};

}
