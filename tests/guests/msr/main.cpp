// SPDX-License-Identifier: MIT
/// Rule: the MSRs a kernel relies on can be read, the ones no guest may have raise #GP, and a value the
/// architecture forbids raises #GP instead of reaching the CPU (abi.md, 2.3 and 4.6).
/// Failure looks like a kernel dying in early boot, or a guest reaching the machine's own registers.

#include "tests/guests/framework/cpu.hpp"

#include "kernel/abi/xen/shared_info.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {
namespace {

constexpr u32 hypercall_page_msr = 0x4000'0000;
constexpr u32 efer = 0xc000'0080, lstar = 0xc000'0082, kernel_gs_base = 0xc000'0102, pat = 0x277, apic_base = 0x1b,
              mtrr_default = 0x2ff;

struct Named {
    u32 index;
    char const* name;
};

constexpr Named readable[] = {
    {0x10, "TSC"},
    {apic_base, "APIC_BASE"},
    {0x8b, "microcode level"},
    {0xfe, "MTRRcap"},
    {0x174, "SYSENTER_CS"},
    {0x175, "SYSENTER_ESP"},
    {0x176, "SYSENTER_EIP"},
    {0x179, "MCG_CAP"},
    {0x17a, "MCG_STATUS"},
    {0x200, "MTRR base 0"},
    {0x250, "MTRR fixed 64K"},
    {pat, "PAT"},
    {mtrr_default, "MTRR default"},
    {efer, "EFER"},
    {0xc000'0081, "STAR"},
    {lstar, "LSTAR"},
    {0xc000'0083, "CSTAR"},
    {0xc000'0084, "SFMASK"},
    {0xc000'0100, "FS base"},
    {0xc000'0101, "GS base"},
    {kernel_gs_base, "kernel GS base"},
};

constexpr Named refused[] = {
    {0x480, "VMX_BASIC"},          {0x48b, "VMX_PROCBASED_CTLS2"}, {0x12345, "nothing"},
    {0x4000'0100, "past our own"}, {0xc000'2fff, "nothing"},       {0xdead'beef, "nothing"},
    {0xffff'ffff, "the last one"},
};

bool can_read(u32 index)
{
    return !faults([=] { (void)read_msr(index); });
}

Condition refuses(u32 index, u64 value)
{
    return faults_with(vector::gp, [=] { write_msr(index, value); });
}

void reading()
{
    for (auto const& one : readable) {
        if (!can_read(one.index)) print("  ", hex(one.index), " ", one.name, ":\n");
        report(can_read(one.index), one.name);
    }
    for (auto const& one : refused) {
        auto fault = faults([&] { (void)read_msr(one.index); });
        if (!fault) print("  ", hex(one.index), " ", one.name, ":\n");
        report(fault && fault->vector == vector::gp && fault->error_code == 0, "reading it raises #GP(0)");
        report(refuses(one.index, 0), "writing it raises #GP");
    }
    constexpr u64 boot_processor = 1u << 8, enabled = 1u << 11;
    report((read_msr(apic_base) & (boot_processor | enabled)) == (boot_processor | enabled), "APIC on, boot processor");
    report((read_msr(apic_base) & 0xf'ffff'f000) == 0xfee0'0000, "APIC at its usual address");
}

void writing()
{
    constexpr u64 svme = 1u << 12, long_mode_active = 1u << 10, reserved = u64{1} << 40;
    constexpr u64 non_canonical = 0x8000'0000'0000'0000;
    auto value = read_msr(efer);
    report((value & long_mode_active) != 0, "EFER.LMA");
    report((value & svme) == 0, "EFER.SVME is not shown");
    report(refuses(efer, value | svme), "EFER.SVME cannot be set");
    report(refuses(efer, value | reserved), "EFER reserved bit");
    report(refuses(efer, value & ~u64{0x100}), "EFER.LME cannot be cleared while paging");
    if (has_argument("emulator")) {
        skip("QEMU's TCG does not check LSTAR, kernel GS base and PAT, which a guest writes directly");
    } else {
        report(refuses(lstar, non_canonical), "LSTAR non-canonical");
        report(refuses(kernel_gs_base, non_canonical), "kernel GS base non-canonical");
        report(refuses(pat, 0x02), "PAT with a reserved memory type");
    }
    report(refuses(mtrr_default, 0x02), "MTRR default with a reserved memory type");
    report(refuses(0xfe, 0), "MTRRcap is read-only");

    write_msr(lstar, 0x1234'5000);
    report(equal(read_msr(lstar), 0x1234'5000), "LSTAR keeps its value");
    write_msr(kernel_gs_base, 0xffff'8000'0000'1000);
    report(equal(read_msr(kernel_gs_base), static_cast<s64>(0xffff'8000'0000'1000)), "kernel GS base keeps its value");
    auto old_pat = read_msr(pat);
    write_msr(pat, 0x0007'0106'0007'0106);
    report(equal(read_msr(pat), 0x0007'0106'0007'0106), "PAT keeps its value");
    write_msr(pat, old_pat);
}

void svm_registers()
{
    constexpr u32 vm_cr = 0xc001'0114, vm_hsave = 0xc001'0117;
    auto fault = faults([] { (void)read_msr(vm_hsave); });
    report(fault || read_msr(vm_hsave) == 0, "a guest never sees a host save area");
    constexpr u64 host_memory = 0x10'0000, allow_svm = 0;
    (void)faults([] { write_msr(vm_hsave, host_memory); });
    (void)faults([] { write_msr(vm_cr, allow_svm); });
    report(faults_with(vector::ud, [] { asm volatile("vmload" : : "a"(0)); }), "and gets no SVM by asking for it");
}

void hypercall_page()
{
    auto* page = allocate_pages();
    report(is_allowed([=] { write_msr(hypercall_page_msr, address(page)); }), "hypercall page is written");
    constexpr u64 stub_size = 32;
    auto stub =
        reinterpret_cast<s64 (*)(u64)>(address(page) + static_cast<u64>(xen::Hypercall::XenVersion) * stub_size);
    report(equal(stub(0), 0x0004'0011), "xen_version through the page");
    report(page[0] == 0xb8, "a stub begins with MOV EAX, number");
    report(refuses(hypercall_page_msr, address(page) | 1), "page index 1 is refused");
    report(refuses(hypercall_page_msr, 0x000f'ffff'ffff'f000), "a page that is not there is refused");
}

void run()
{
    reading();
    writing();
    svm_registers();
    hypercall_page();
}

}

constinit Guest const this_guest{"msr", run};

}
