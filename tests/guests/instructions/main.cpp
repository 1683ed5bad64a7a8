// SPDX-License-Identifier: MIT
/// Rule: an instruction that touches the machine itself does to the guest what a CPU without the feature would
/// do, or nothing, and never anything to the host.
/// Failure looks like a host whose caches are thrown away, a guest that switches on virtualization, or a kernel
/// that dies because a harmless instruction was refused.

#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {
namespace {

constexpr u64 cr4_osxsave = u64{1} << 18;

void caches()
{
    auto* page = allocate_pages();
    auto volatile* memory = page;
    memory[0] = 0x11;
    report(is_allowed([] { asm volatile("wbinvd"); }), "WBINVD");
    memory[0] = 0x22;
    if (on_hospes()) {
        report(is_allowed([] { asm volatile("invd"); }), "INVD");
        report(equal(memory[0], 0x22), "INVD loses no data");
    } else {
        skip("Xen without NRIP save does not find the end of INVD and raises #GP");
    }
    report(is_allowed([=] { asm volatile("clflush (%0)" : : "r"(page)); }), "CLFLUSH");
    report(is_allowed([=] { asm volatile("invlpg (%0)" : : "r"(page)); }), "INVLPG");
}

void virtualization()
{
    report(faults_with(vector::ud, [] { asm volatile("vmrun" : : "a"(0)); }), "VMRUN");
    report(faults_with(vector::ud, [] { asm volatile("vmload" : : "a"(0)); }), "VMLOAD");
    report(faults_with(vector::ud, [] { asm volatile("vmsave" : : "a"(0)); }), "VMSAVE");
    report(faults_with(vector::ud, [] { asm volatile("stgi"); }), "STGI");
    report(faults_with(vector::ud, [] { asm volatile("clgi"); }), "CLGI");
    report(faults_with(vector::ud, [] { asm volatile("skinit" : : "a"(0)); }), "SKINIT");
    report(faults_with(vector::ud, [] { asm volatile("invlpga" : : "a"(0), "c"(0)); }), "INVLPGA");
    u64 zero = 0;
    report(faults_with(vector::ud, [&] { asm volatile("vmxon %0" : : "m"(zero)); }), "VMXON");
    report(faults_with(vector::ud, [] { asm volatile("vmxoff"); }), "VMXOFF");
    report(faults_with(vector::ud, [&] { asm volatile("vmptrld %0" : : "m"(zero)); }), "VMPTRLD");
    report(faults_with(vector::ud, [] { asm volatile("vmlaunch"); }), "VMLAUNCH");
    report(faults_with(vector::ud, [] { asm volatile(".byte 0x0f, 0x37" : : "a"(0)); }), "GETSEC");
    // The other vendor's hypercall: Xen refuses it, translating it would do no harm.
    bool amd = cpuid(0).ebx == 0x68747541;
    auto fault = faults([=] {
        if (amd) {
            asm volatile("vmcall" : : "a"(17), "D"(0) : "memory");
        } else {
            asm volatile("vmmcall" : : "a"(17), "D"(0) : "memory");
        }
    });
    report(!fault || fault->vector == vector::ud, "the other vendor's hypercall: #UD or an answer");
}

void waiting()
{
    if ((cpuid(1).ecx & (1u << 3)) != 0) return report(false, "MONITOR is not hidden in CPUID");
    report(faults_with(vector::ud, [] { asm volatile("monitor" : : "a"(0), "c"(0), "d"(0)); }), "MONITOR");
    report(faults_with(vector::ud, [] { asm volatile("mwait" : : "a"(0), "c"(0)); }), "MWAIT");
}

void extended_state()
{
    if ((cpuid(1).ecx & (1u << 26)) == 0) return skip("no XSAVE on this CPU");
    auto set = [](u32 index, u32 low, u32 high) {
        return [=] { asm volatile("xsetbv" : : "c"(index), "a"(low), "d"(high)); };
    };
    report(faults_with(vector::ud, set(0, 1, 0)), "XSETBV without CR4.OSXSAVE");
    write_cr4(read_cr4() | cr4_osxsave);
    report(is_allowed(set(0, 1, 0)), "XCR0 = x87");
    report(is_allowed(set(0, 3, 0)), "XCR0 = x87 and SSE");
    report(faults_with(vector::gp, set(0, 0, 0)), "XCR0 = 0");
    report(faults_with(vector::gp, set(0, 2, 0)), "XCR0 without x87");
    report(faults_with(vector::gp, set(0, 5, 0)), "XCR0 with AVX but without SSE");
    report(faults_with(vector::gp, set(0, 3, 0x8000'0000)), "XCR0 bit 63");
    report(faults_with(vector::gp, set(0, 3, 0x4000'0000)), "XCR0 bit 62");
    report(faults_with(vector::gp, set(1, 1, 0)), "XCR1");
    u32 low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    report(low == 3 && high == 0, "XCR0 holds the last good value");
    write_cr4(read_cr4() & ~cr4_osxsave);
}

void ports()
{
    if (has_argument("ports")) print("  reading ports\n");
    bool ones = true;
    for (u16 port : {u16{0x5000}, u16{0xe000}, u16{0xfffe}}) ones &= in8(port) == 0xff;
    report(ones, "absent ports read ones");
    report(equal(in32(0xcf8 + 0x300), 0xffff'ffff), "four bytes too");
    report(is_allowed([] {
               out8(0x5000, 1);
               out16(0x5000, 1);
               out32(0x5000, 1);
           }),
           "and writing them is ignored");
    u8 buffer[4] = {};
    report(is_allowed([&] {
               void* target = buffer;
               u64 count = 4;
               asm volatile("cld; rep insb" : "+D"(target), "+c"(count) : "d"(u16{0x5000}) : "memory");
           }),
           "REP INSB from an absent port");
    report(is_allowed([] {
               char const* source = "";
               u64 count = 1;
               asm volatile("cld; rep outsb" : "+S"(source), "+c"(count) : "d"(u16{0x5000}) : "memory");
           }),
           "REP OUTSB to one");
    report(is_allowed([] {
               out8(0x20, 0x20);
               (void)in8(0x21);
               out8(0xa1, 0xff);
           }),
           "the old interrupt controller's ports");
    if (on_hospes()) report(in8(0x40) == 0 && in16(0x42) == 0, "the old timer has ended");
    if (on_hospes() && !is_dom0()) {
        report(in8(0xaf00) == 1 && in32(0xaf00) == 1 && in8(0xaf1f) == 0, "one vCPU is online, byte by byte");
        report(in8(0xaf20) == 0xff, "the bitmap ends");
        report(in32(0xafe0) == 0 && in16(0xb002) == 0, "no event of ACPI's is there");
    }
    u64 begin = read_tsc();
    (void)in8(0x42);
    report(read_tsc() != begin, "the old timer's port");
}

void control_registers()
{
    constexpr u64 cr0_pe = 1, cr0_em = 4, cr0_ts = 8, cr0_pg = u64{1} << 31, cr0_nw = u64{1} << 29,
                  cr0_cd = u64{1} << 30;
    constexpr u64 cr4_pae = 1u << 5, cr4_vmxe = 1u << 13;
    auto cr0 = read_cr0(), cr4 = read_cr4();
    if (has_argument("emulator")) {
        skip("QEMU's TCG lets any CR0 into the register if it is not intercepted, and the next VMRUN fails");
    } else {
        report(faults_with(vector::gp, [=] { write_cr0(cr0 & ~cr0_pe); }), "CR0.PG without PE");
        report(faults_with(vector::gp, [=] { write_cr0((cr0 & ~cr0_cd) | cr0_nw); }), "CR0.NW without CD");
        report(faults_with(vector::gp, [=] { write_cr0(cr0 | (u64{1} << 40)); }), "CR0 upper bits");
    }
    report(is_allowed([=] { write_cr0(cr0 | cr0_cd); }), "CR0.CD");
    report((read_cr0() & cr0_cd) != 0, "reads back");
    write_cr0(cr0);
    report(is_allowed([=] { write_cr0(cr0 | cr0_ts | cr0_em); }), "CR0.TS and EM");
    report(is_allowed([] { asm volatile("clts"); }), "CLTS");
    report((read_cr0() & cr0_ts) == 0, "clears TS");
    write_cr0(cr0);
    report((read_cr0() & cr0_pg) != 0, "still paging");
    report(faults_with(vector::gp, [=] { write_cr4(cr4 & ~cr4_pae); }), "CR4.PAE cannot go in long mode");
    report(faults_with(vector::gp, [=] { write_cr4(cr4 | cr4_vmxe); }), "CR4.VMXE");
    report(faults_with(vector::gp, [=] { write_cr4(cr4 | (u64{1} << 40)); }), "CR4 reserved bits");
    constexpr u64 cr4_la57 = 1u << 12, cr4_mce = 1u << 6;
    report(faults_with(vector::gp, [=] { write_cr4(cr4 | cr4_la57); }), "CR4.LA57, which CPUID does not have");
    report(read_cr4() == cr4, "CR4 is unchanged");
    write_cr4(cr4 | cr4_mce);
    report(equal(read_cr4(), cr4 | cr4_mce), "CR4.MCE reads as it was set");
    write_cr4(cr4 & ~cr4_mce);
    report(equal(read_cr4(), cr4 & ~cr4_mce), "and as it was cleared");
    write_cr4(cr4);
    report(is_allowed([] { write_cr3(read_cr3()); }), "CR3 reload");
    u64 cr8;
    asm volatile("mov %%cr8, %0" : "=r"(cr8));
    report(equal(cr8, 0), "CR8 is the task priority");
    asm volatile("mov %0, %%cr8" : : "r"(u64{9}));
    asm volatile("mov %%cr8, %0" : "=r"(cr8));
    report(equal(cr8, 9), "and can be set");
    asm volatile("mov %0, %%cr8" : : "r"(u64{0}));
}

void machine_status_word()
{
    u64 word;
    asm volatile("smsw %0" : "=r"(word));
    report(equal(word & 0xffff, read_cr0() & 0xffff), "SMSW shows CR0");
    auto cr0 = read_cr0();
    constexpr u64 monitor = 2, task_switched = 8;
    auto fault = faults([] { asm volatile("lmsw %%ax" : : "a"(monitor | task_switched)); });
    if (fault && has_argument("emulator")) {
        skip("LMSW is intercepted as something else by QEMU's TCG");
    } else {
        report(!fault, "LMSW");
        report((read_cr0() & (1 | task_switched)) == (1 | task_switched), "sets TS and cannot clear PE");
    }
    write_cr0(cr0);
}

void odds_and_ends()
{
    report(is_allowed([] { asm volatile("rdtsc" : : : "eax", "edx"); }), "RDTSC");
    u64 first = read_tsc();
    report(read_tsc() > first, "the TSC moves");
    auto fault = faults([] { asm volatile("rdpmc" : : "c"(0) : "eax", "edx"); });
    report(!fault || fault->vector == vector::gp || fault->vector == vector::ud, "RDPMC: a value, #GP or #UD");
    report(faults([] {
               asm volatile("rdpmc" : : "c"(0x1234'5678) : "eax", "edx");
           }).has_value(),
           "RDPMC of no counter");
    report(is_allowed([] { asm volatile("pause"); }), "PAUSE");
    report(faults_with(vector::ud, [] { asm volatile(".byte 0x0f, 0xff, 0xc0"); }), "UD0");
    report(faults_with(vector::ud, [] { asm volatile("rsm"); }), "RSM outside system management mode");
}

void run()
{
    caches();
    virtualization();
    waiting();
    extended_state();
    ports();
    control_registers();
    machine_status_word();
    odds_and_ends();
}

}

constinit Guest const this_guest{"instructions", run};

}
