// SPDX-License-Identifier: MIT
/// The table of MSRs, and the functions that its rows name.
#include "arch/x86_64/guest/msr_policy.hpp"

#include <algorithm>

#include "arch/x86_64/cpu/msr.hpp"
#include "arch/x86_64/guest/control_policy.hpp"
#include "arch/x86_64/guest/hypercall_page.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/abi/xen/cpuid.hpp"

namespace hospes::arch {

namespace {

using Read = Expected<u64> (*)(VirtualCpu&, u32);
using Write = Expected<> (*)(VirtualCpu&, u32, u64);

bool is_amd(VirtualCpu& cpu)
{
    constexpr u32 intel_ebx = 0x756e'6547; // "Genu"
    return cpu.virtual_machine().policy.basic[0].ebx != intel_ebx;
}

// --- the simple ones ---

Expected<u64> refuse_read(VirtualCpu&, u32) { return failure(Error::NotFound); }
Expected<> refuse(VirtualCpu&, u32, u64) { return failure(Error::NotFound); }
Expected<> ignore(VirtualCpu&, u32, u64) { return {}; }

template <u64 value>
Expected<u64> constant(VirtualCpu&, u32)
{
    return value;
}

template <u64 value>
Expected<u64> constant_on_intel(VirtualCpu& cpu, u32)
{
    if (is_amd(cpu)) return failure(Error::NotFound);
    return value;
}

/// A register that is remembered and does nothing else.
template <u64 GuestMsrs::* place>
Expected<u64> recall(VirtualCpu& cpu, u32)
{
    return cpu.msrs.*place;
}
template <u64 GuestMsrs::* place>
Expected<> remember(VirtualCpu& cpu, u32, u64 value)
{
    cpu.msrs.*place = value;
    return {};
}

/// The machine's own value for who owns the devices; 0 for others.
Expected<u64> read_host_for_control_domain(VirtualCpu& cpu, u32 number)
{
    if (!cpu.vcpu.domain().is_control_domain()) return u64{0};
    return read_msr_safe(number);
}

Expected<u64> read_host(VirtualCpu&, u32 number) { return read_msr_safe(number); }

// --- time ---

Expected<u64> read_tsc_msr(VirtualCpu& cpu, u32) { return read_tsc() + cpu.tsc_offset(); }

/// Both TSC and TSC_ADJUST move the same offset. (SDM vol. 3, 18.17.3)
Expected<> write_tsc_msr(VirtualCpu& cpu, u32, u64 value)
{
    u64 const moved = value - (read_tsc() + cpu.tsc_offset());
    cpu.msrs.tsc_adjust += moved;
    cpu.set_tsc_offset(cpu.tsc_offset() + moved);
    return {};
}
Expected<> write_tsc_adjust(VirtualCpu& cpu, u32, u64 value)
{
    cpu.set_tsc_offset(cpu.tsc_offset() + (value - cpu.msrs.tsc_adjust));
    cpu.msrs.tsc_adjust = value;
    return {};
}

Expected<> write_tsc_aux(VirtualCpu& cpu, u32, u64 value)
{
    constexpr u64 legal = 0xffff'ffff;
    if ((value & ~legal) != 0) return failure(Error::Invalid);
    cpu.msrs.tsc_aux = value;
    load_tsc_aux(value);
    return {};
}

// --- local APIC ---

Expected<u64> read_apic_base(VirtualCpu& cpu, u32) { return cpu.local_apic.base(); }
Expected<> write_apic_base(VirtualCpu& cpu, u32, u64 value) { return cpu.local_apic.write_base(value); }
Expected<u64> read_apic(VirtualCpu& cpu, u32 number) { return cpu.local_apic.read_msr(number); }
Expected<> write_apic(VirtualCpu& cpu, u32 number, u64 value) { return cpu.local_apic.write_msr(number, value); }
Expected<u64> read_tsc_deadline(VirtualCpu& cpu, u32) { return cpu.local_apic.read_tsc_deadline(); }
Expected<> write_tsc_deadline(VirtualCpu& cpu, u32, u64 value)
{
    cpu.local_apic.write_tsc_deadline(value);
    return {};
}

// --- memory types ---

/// Index into MemoryTypeRanges::fixed.
constexpr size_t fixed_index(u32 number)
{
    return static_cast<size_t>(std::ranges::lower_bound(memory_type_msr::fixed, number) -
                               memory_type_msr::fixed.begin());
}

Expected<u64> read_variable_range(VirtualCpu& cpu, u32 number)
{
    return cpu.memory_types.variable[number - memory_type_msr::first_variable];
}
Expected<> write_variable_range(VirtualCpu& cpu, u32 number, u64 value)
{
    constexpr u64 reserved_in_base = 0xf00;
    bool const is_base = number % 2 == 0;
    if (is_base && (!is_memory_type(value & 0xff) || (value & reserved_in_base) != 0)) return failure(Error::Invalid);
    cpu.memory_types.variable[number - memory_type_msr::first_variable] = value;
    return {};
}
Expected<u64> read_fixed_range(VirtualCpu& cpu, u32 number) { return cpu.memory_types.fixed[fixed_index(number)]; }
Expected<> write_fixed_range(VirtualCpu& cpu, u32 number, u64 value)
{
    if (!are_memory_types(value)) return failure(Error::Invalid);
    cpu.memory_types.fixed[fixed_index(number)] = value;
    return {};
}
Expected<u64> read_default_type(VirtualCpu& cpu, u32) { return cpu.memory_types.default_type; }
Expected<> write_default_type(VirtualCpu& cpu, u32, u64 value)
{
    constexpr u64 legal = 0xcff; // type, fixed ranges enabled, all enabled
    if ((value & ~legal) != 0 || !is_memory_type(value & 0xff)) return failure(Error::Invalid);
    cpu.memory_types.default_type = value;
    return {};
}
Expected<u64> read_pat(VirtualCpu& cpu, u32) { return cpu.backend->pat(); }
Expected<> write_pat(VirtualCpu& cpu, u32, u64 value)
{
    if (!is_legal_pat(value)) return failure(Error::Invalid);
    cpu.backend->set_pat(value);
    return {};
}

// --- the rest ---

Expected<> flush_predictions(VirtualCpu& cpu, u32 number, u64 value)
{
    if (value > 1 || !cpu.virtual_machine().policy.has(feature("ibpb"))) return failure(Error::Invalid);
    if (value != 0) write_msr(number, value);
    return {};
}

Expected<u64> read_efer(VirtualCpu& cpu, u32) { return cpu.backend->controls().efer; }

Expected<> write_efer(VirtualCpu& cpu, u32, u64 value)
{
    ControlRegisters controls = cpu.backend->controls();
    bool const paging = Cr0{controls.cr0}.get<Cr0::Paging>();
    bool const long_mode_changes = ((value ^ controls.efer) & Efer::LongModeEnable::mask) != 0;
    if ((value & ~legal_efer(cpu.virtual_machine().policy)) != 0 || (paging && long_mode_changes))
        return failure(Error::Invalid);
    // LMA is the CPU's to change.
    controls.efer = (value & ~Efer::LongModeActive::mask) | (controls.efer & Efer::LongModeActive::mask);
    cpu.backend->set_controls(controls);
    return {};
}

Expected<> write_hypercall_page(VirtualCpu& cpu, u32, u64 value)
{
    Domain& domain = cpu.vcpu.domain();
    if (auto const filled = fill_hypercall_page(domain, value, is_amd(cpu)); !filled) return filled;
    domain.latch_shared_info(cpu.backend->code_level().mode != emulator::Mode::Bits64);
    return {};
}

constexpr u64 feature_control_locked = 1;
constexpr u64 fast_strings_no_trace_no_pebs = 1 << 0 | 1 << 11 | 1 << 12;
constexpr u64 tsc_runs_at_p0 = 1 << 24;
constexpr u64 lfence_serialises = 1 << 1;
constexpr u64 svm_locked_off = 1 << 3 | 1 << 4;

/// In ascending order. Names: SDM vol. 4; APM vol. 2, appendix A; the processors' BKDG and PPR.
constexpr auto rules = std::to_array<MsrRule>({
    {0x010, 0x010, read_tsc_msr, write_tsc_msr},
    {0x017, 0x017, constant<0>, refuse}, // platform id
    {0x01b, 0x01b, read_apic_base, write_apic_base},
    {0x03a, 0x03a, constant_on_intel<feature_control_locked>, refuse},
    {0x03b, 0x03b, recall<&GuestMsrs::tsc_adjust>, write_tsc_adjust},
    {0x049, 0x049, refuse_read, flush_predictions},
    {0x08b, 0x08b, read_host, ignore}, // microcode revision
    {0x0fe, 0x0fe, constant<MemoryTypeRanges::capability>, refuse},
    {0x179, 0x179, constant<0>, refuse},                                      // machine check capabilities: no banks
    {0x17a, 0x17a, constant<0>, ignore},                                      // machine check status
    {0x1a0, 0x1a0, constant_on_intel<fast_strings_no_trace_no_pebs>, ignore}, // MISC_ENABLE
    {0x1d9, 0x1d9, constant<0>, ignore},                                      // debug control: no branch records
    {0x200, 0x20f, read_variable_range, write_variable_range},
    {0x250, 0x250, read_fixed_range, write_fixed_range},
    {0x258, 0x259, read_fixed_range, write_fixed_range},
    {0x268, 0x26f, read_fixed_range, write_fixed_range},
    {0x277, 0x277, read_pat, write_pat},
    {0x2ff, 0x2ff, read_default_type, write_default_type},
    {0x480, 0x491, refuse_read, refuse}, // VMX capabilities
    {0x6e0, 0x6e0, read_tsc_deadline, write_tsc_deadline},
    {0x800, 0x83f, read_apic, write_apic},
    {xen::hypercall_page_msr, xen::hypercall_page_msr, refuse_read, write_hypercall_page},
    {0xc000'0080, 0xc000'0080, read_efer, write_efer},
    {0xc000'0103, 0xc000'0103, recall<&GuestMsrs::tsc_aux>, write_tsc_aux},
    {0xc001'0000, 0xc001'0007, constant<0>, ignore},                  // performance counters: none count
    {0xc001'0010, 0xc001'0010, read_host_for_control_domain, ignore}, // SYSCFG
    {0xc001'0015, 0xc001'0015, constant<tsc_runs_at_p0>, ignore},     // HWCR
    {0xc001'001d, 0xc001'001d, read_host_for_control_domain, ignore}, // TOP_MEM2
    {0xc001'001f, 0xc001'001f, recall<&GuestMsrs::northbridge_configuration>,
     remember<&GuestMsrs::northbridge_configuration>},
    {0xc001'0055, 0xc001'0055, constant<0>, ignore},                 // interrupt pending and C1E
    {0xc001'0114, 0xc001'0114, constant<svm_locked_off>, refuse},    // VM_CR
    {0xc001'0117, 0xc001'0117, refuse_read, refuse},                 // VM_HSAVE_PA
    {0xc001'1020, 0xc001'1020, refuse_read, refuse},                 // LS_CFG
    {0xc001'1028, 0xc001'1028, refuse_read, refuse},                 // FP_CFG
    {0xc001'1029, 0xc001'1029, constant<lfence_serialises>, ignore}, // DE_CFG
});

consteval bool is_ascending()
{
    for (size_t i = 0; i < rules.size(); ++i)
        if (rules[i].last < rules[i].first || (i > 0 && rules[i].first <= rules[i - 1].last)) return false;
    return true;
}
static_assert(is_ascending());

}

MsrRule const* find_msr_rule(u32 number)
{
    size_t low = 0;
    size_t high = rules.size();
    while (low < high) {
        size_t const middle = (low + high) / 2;
        if (number < rules[middle].first)
            high = middle;
        else if (number > rules[middle].last)
            low = middle + 1;
        else
            return &rules[middle];
    }
    return nullptr;
}

/// Without a rule, where manuals list registers, the control domain's drivers read 0 from those that the machine has,
/// and their writes vanish: some drivers read without expecting #GP.
static bool is_tolerated(VirtualCpu& cpu, u32 number)
{
    constexpr u32 end_of_architectural = 0x1000;
    constexpr u32 first_of_amd = 0xc001'0000;
    constexpr u32 end_of_amd = 0xc001'2000;
    bool const is_listed = number < end_of_architectural || (number >= first_of_amd && number < end_of_amd);
    return is_listed && cpu.vcpu.domain().is_control_domain() && read_msr_safe(number).has_value();
}

Expected<u64> read_guest_msr(VirtualCpu& cpu, u32 number)
{
    if (MsrRule const* const rule = find_msr_rule(number)) return rule->read(cpu, number);
    if (!is_tolerated(cpu, number)) return failure(Error::NotFound);
    return 0;
}

Expected<> write_guest_msr(VirtualCpu& cpu, u32 number, u64 value)
{
    if (MsrRule const* const rule = find_msr_rule(number)) return rule->write(cpu, number, value);
    if (!is_tolerated(cpu, number)) return failure(Error::NotFound);
    return {};
}

}
