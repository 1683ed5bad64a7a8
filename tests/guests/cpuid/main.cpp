// SPDX-License-Identifier: MIT
/// Rule: CPUID tells the truth about the hypervisor and hides what a guest must not use (abi.md, 2.1 and 2.2).
/// Failure looks like a kernel that does not find its hypervisor, tries SVM or VMX, switches to
/// five-level paging, or numbers its CPUs differently from the hypervisor.

#include "tests/guests/framework/cpu.hpp"

#include <atomic>

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/smp.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u32 base = 0x4000'0000;
constexpr u32 signature_ebx = 0x566e6558, signature_ecx = 0x65584d4d, signature_edx = 0x4d4d566e; // XenVMMXenVMM

constexpr bool bit(u32 value, unsigned number) { return ((value >> number) & 1) != 0; }

void hypervisor_leaves()
{
    auto first = cpuid(base);
    report(first.ebx == signature_ebx && first.ecx == signature_ecx && first.edx == signature_edx, "signature");
    report(first.eax >= base + 4 && first.eax < base + 0x100, "highest hypervisor leaf");
    report(equal(cpuid(base + 1).eax, 0x0004'0011), "version 4.17");
    auto page = cpuid(base + 2);
    report(equal(page.eax, 1), "one hypercall page");
    report(equal(page.ebx, base), "hypercall page MSR");
    auto features = cpuid(base + 4);
    report(bit(features.eax, 3), "vCPU id present");
    report(equal(features.ebx, 0), "vCPU id of the boot CPU");
    report(bit(features.eax, 4), "domain id present");
    if (is_dom0()) report(equal(features.ecx, 0), "domain id of dom0");
    report(bit(features.eax, 6), "per-vCPU upcall vector");

    bool repeated = false;
    for (u32 other = base + 0x100; other != base + 0x1'0000; other += 0x100) {
        auto leaf = cpuid(other);
        repeated |= leaf.ebx == signature_ebx;
    }
    report(!repeated, "the signature appears at one base only");
}

void hidden_features()
{
    auto basic = cpuid(1);
    report(bit(basic.ecx, 31), "hypervisor bit");
    report(bit(basic.ecx, 21), "x2APIC");
    report(bit(basic.edx, 9), "APIC");
    report(!bit(basic.ecx, 5), "VMX hidden");
    report(!bit(basic.ecx, 3), "MONITOR hidden");
    report(equal(basic.ebx >> 24, 0), "initial APIC id");
    report(!bit(cpuid(7).ecx, 16), "five-level paging hidden");
    report(!bit(cpuid(7).ebx, 2), "SGX hidden");

    auto highest = cpuid(0x8000'0000).eax;
    report(highest >= 0x8000'0008, "extended leaves reach the address sizes");
    auto extended = cpuid(0x8000'0001);
    report(!bit(extended.ecx, 2), "SVM hidden");
    report(!bit(extended.ecx, 12), "SKINIT hidden");
    report(bit(extended.edx, 29), "long mode");
    auto svm = highest >= 0x8000'000a ? cpuid(0x8000'000a) : CpuidResult{};
    report((svm.eax | svm.ebx | svm.ecx | svm.edx) == 0, "SVM leaf empty");
}

void follows_control_registers()
{
    constexpr u64 cr4_osxsave = u64{1} << 18;
    if (!bit(cpuid(1).ecx, 26)) return skip("no XSAVE on this CPU: OSXSAVE cannot be tested");
    report(!bit(cpuid(1).ecx, 27), "OSXSAVE clear while CR4.OSXSAVE is");
    write_cr4(read_cr4() | cr4_osxsave);
    report(bit(cpuid(1).ecx, 27), "OSXSAVE set with CR4.OSXSAVE");
    report(cpuid(0xd, 0).ebx >= 576, "XSAVE area size of XCR0");
    write_cr4(read_cr4() & ~cr4_osxsave);
}

void out_of_range()
{
    auto vendor = cpuid(0);
    bool amd = vendor.ebx == 0x68747541;
    auto beyond = cpuid(vendor.eax + 1);
    auto far_beyond = cpuid(0x3fff'ffff);
    if (amd) report((beyond.eax | beyond.ebx | beyond.ecx | beyond.edx) == 0, "leaf after the last is zero");
    report(cpuid(0x3fff'ffff).eax == far_beyond.eax, "absurd leaf gives the same answer twice");
    (void)cpuid(0xffff'ffff, 0xffff'ffff);
    report(true, "the last leaf of all is survived");
    if (vendor.eax >= 0xb) report(equal(cpuid(0xb).edx, 0), "x2APIC id, leaf 0xb");
}

constinit std::atomic<u32> other_initial_id{~0u}, other_x2apic_id{~0u}, other_vcpu_id{~0u};

void look_from_other_cpu(u32)
{
    other_initial_id = cpuid(1).ebx >> 24;
    other_x2apic_id = cpuid(0xb).edx;
    other_vcpu_id = cpuid(base + 4).ebx;
}

void second_cpu()
{
    if (cpu_count() < 2) return skip("one vCPU only");
    enable_events();
    if (!start_cpu(1, look_from_other_cpu)) abandon("CPU 1 did not start");
    wait_until([] { return other_vcpu_id != ~0u; }, second);
    report(equal(other_initial_id.load(), 2), "initial APIC id of vCPU 1 is 2");
    report(equal(other_x2apic_id.load(), 2), "x2APIC id of vCPU 1 is 2");
    report(equal(other_vcpu_id.load(), 1), "hypervisor's id of vCPU 1");
}

void run()
{
    hypervisor_leaves();
    hidden_features();
    follows_control_registers();
    out_of_range();
    second_cpu();
}

}

constinit Guest const this_guest{"cpuid", run};

}
