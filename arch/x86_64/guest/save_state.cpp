// SPDX-License-Identifier: MIT
/// A stopped vCPU's state in the toolstack's records. (xen/include/public/arch-x86/hvm/save.h)
#include <algorithm>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/guest/control_policy.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "arch/x86_64/irq/vectors.hpp"

namespace hospes::arch {

using emulator::Gpr;

namespace {

/// Where the record keeps a segment.
struct SegmentPlace {
    SegmentName name;
    u32 xen::HvmCpu::* selector;
    u32 xen::HvmCpu::* limit;
    u64 xen::HvmCpu::* base;
    u32 xen::HvmCpu::* attributes;
};
using Record = xen::HvmCpu;
constexpr auto segment_places = std::to_array<SegmentPlace>({
    {SegmentName::Cs, &Record::cs_selector, &Record::cs_limit, &Record::cs_base, &Record::cs_attributes},
    {SegmentName::Ds, &Record::ds_selector, &Record::ds_limit, &Record::ds_base, &Record::ds_attributes},
    {SegmentName::Es, &Record::es_selector, &Record::es_limit, &Record::es_base, &Record::es_attributes},
    {SegmentName::Fs, &Record::fs_selector, &Record::fs_limit, &Record::fs_base, &Record::fs_attributes},
    {SegmentName::Gs, &Record::gs_selector, &Record::gs_limit, &Record::gs_base, &Record::gs_attributes},
    {SegmentName::Ss, &Record::ss_selector, &Record::ss_limit, &Record::ss_base, &Record::ss_attributes},
    {SegmentName::Tr, &Record::tr_selector, &Record::tr_limit, &Record::tr_base, &Record::tr_attributes},
    {SegmentName::Ldtr, &Record::ldtr_selector, &Record::ldtr_limit, &Record::ldtr_base, &Record::ldtr_attributes},
});

struct GprPlace {
    Gpr which;
    u64 xen::HvmCpu::* place;
};
constexpr auto gpr_places = std::to_array<GprPlace>({
    {Gpr::Rax, &Record::rax},
    {Gpr::Rbx, &Record::rbx},
    {Gpr::Rcx, &Record::rcx},
    {Gpr::Rdx, &Record::rdx},
    {Gpr::Rbp, &Record::rbp},
    {Gpr::Rsi, &Record::rsi},
    {Gpr::Rdi, &Record::rdi},
    {Gpr::Rsp, &Record::rsp},
    {Gpr::R8, &Record::r8},
    {Gpr::R9, &Record::r9},
    {Gpr::R10, &Record::r10},
    {Gpr::R11, &Record::r11},
    {Gpr::R12, &Record::r12},
    {Gpr::R13, &Record::r13},
    {Gpr::R14, &Record::r14},
    {Gpr::R15, &Record::r15},
});

/// The record's pending event: as VMX writes one. (SDM vol. 3, table 25-17)
struct PendingEvent : Register<PendingEvent> {
    using Register::Register;
    using Vector = Field<PendingEvent, 7, 0, u8>;
    using Type = Field<PendingEvent, 10, 8, u8>;
    using HasErrorCode = Field<PendingEvent, 11>;
    using Valid = Field<PendingEvent, 31>;
};
constexpr std::array<u8, 3> event_types{0, 2, 3}; ///< by Event::Kind

/// (SDM vol. 3, table 6-1)
constexpr u32 exceptions_with_error_code = 1U << exception::double_fault | 1U << exception::invalid_task_state |
                                           1U << exception::segment_not_present | 1U << exception::stack_fault |
                                           1U << exception::general_protection | 1U << exception::page_fault |
                                           1U << exception::alignment_check;

/// Can it come about at all? The backends deliver what they are given.
bool is_possible(PendingEvent event, bool protected_mode)
{
    u8 const vector = event.get<PendingEvent::Vector>();
    bool const has_error_code = event.get<PendingEvent::HasErrorCode>();
    auto const kind = std::ranges::find(event_types, event.get<PendingEvent::Type>());
    if (kind == event_types.end()) return true; // an instruction's own doing: it will be executed again
    switch (static_cast<Event::Kind>(kind - event_types.begin())) {
    case Event::Kind::Interrupt: return !has_error_code;
    case Event::Kind::Nmi: return vector == exception::non_maskable_interrupt && !has_error_code;
    case Event::Kind::Exception: break;
    }
    if (vector >= exception::count || vector == exception::non_maskable_interrupt) return false;
    bool const brings_error_code = (exceptions_with_error_code >> vector & 1) != 0;
    return has_error_code == brings_error_code || !protected_mode;
}

/// No CPU of this domain's has anything else in these. What depends on its model, an entry will tell.
bool is_loadable(Record const& state, CpuidPolicy const& policy)
{
    constexpr u64 upper_half = ~u64{0xffff'ffff};
    Cr0 const cr0{state.cr0};
    Cr4 const cr4{state.cr4};
    Efer const efer{state.msr_efer};
    PendingEvent const event{state.pending_event};
    bool const long_mode = efer.get<Efer::LongModeEnable>() && cr0.get<Cr0::Paging>();
    if (((state.cr0 | state.dr6 | state.dr7) & upper_half) != 0) return false;
    if (cr0.get<Cr0::Paging>() && !cr0.get<Cr0::ProtectedMode>()) return false;
    if (cr0.get<Cr0::NotWriteThrough>() && !cr0.get<Cr0::CacheDisable>()) return false;
    if (long_mode && !cr4.get<Cr4::PhysicalAddressExtension>()) return false;
    if (!long_mode && cr4.get<Cr4::ProcessContextId>()) return false;
    if (efer.get<Efer::LongModeActive>() != long_mode) return false;
    if (event.get<PendingEvent::Valid>() && !is_possible(event, cr0.get<Cr0::ProtectedMode>())) return false;
    return (state.msr_efer & ~legal_efer(policy)) == 0 && (state.cr4 & ~legal_cr4(policy)) == 0;
}

}

void prepare_to_save(Vcpu& vcpu) { vcpu.virtual_cpu().take_back_events(); }

xen::HvmCpu save_cpu(Vcpu const& vcpu, u64 host_tsc)
{
    VirtualCpu const& cpu = vcpu.virtual_cpu();
    VcpuBackend const& backend = *cpu.backend;
    GeneralRegisters const& general = backend.registers();
    ControlRegisters const controls = backend.controls();
    SystemCallRegisters const calls = backend.system_calls();
    Record out{};
    std::ranges::copy(cpu.extended.legacy(), out.fpu_regs.begin());
    for (GprPlace const& row : gpr_places) out.*row.place = general[row.which];
    for (SegmentPlace const& row : segment_places) {
        SegmentRegister const segment = backend.segment(row.name);
        out.*row.selector = segment.selector;
        out.*row.limit = segment.limit;
        out.*row.base = segment.base;
        out.*row.attributes = segment.attributes;
    }
    out.rip = general.rip;
    out.rflags = general.rflags;
    out.cr0 = controls.cr0;
    out.cr2 = controls.cr2;
    out.cr3 = controls.cr3;
    out.cr4 = controls.cr4;
    out.msr_efer = controls.efer;
    out.dr0 = cpu.debug_addresses[0];
    out.dr1 = cpu.debug_addresses[1];
    out.dr2 = cpu.debug_addresses[2];
    out.dr3 = cpu.debug_addresses[3];
    out.dr6 = backend.debug().dr6;
    out.dr7 = backend.debug().dr7;
    out.idtr_base = backend.idt().base;
    out.idtr_limit = backend.idt().limit;
    out.gdtr_base = backend.gdt().base;
    out.gdtr_limit = backend.gdt().limit;
    out.sysenter_cs = calls.sysenter_cs;
    out.sysenter_esp = calls.sysenter_esp;
    out.sysenter_eip = calls.sysenter_eip;
    out.shadow_gs = calls.kernel_gs_base;
    out.msr_lstar = calls.lstar;
    out.msr_star = calls.star;
    out.msr_cstar = calls.cstar;
    out.msr_syscall_mask = calls.sfmask;
    out.msr_tsc_aux = cpu.msrs.tsc_aux;
    out.tsc = host_tsc + cpu.tsc_offset();
    if (auto const event = cpu.undelivered_event()) {
        out.pending_event = static_cast<u32>(PendingEvent{}
                                                 .with<PendingEvent::Vector>(event->vector)
                                                 .with<PendingEvent::Type>(event_types[std::to_underlying(event->kind)])
                                                 .with<PendingEvent::HasErrorCode>(event->has_error_code)
                                                 .with<PendingEvent::Valid>(true)
                                                 .raw());
        out.error_code = event->error_code;
    }
    out.flags = xen::hvm_cpu_flag::fpu_initialised;
    return out;
}

Expected<> load_registers(Vcpu& vcpu, xen::HvmCpu const& state)
{
    VirtualCpu& cpu = vcpu.virtual_cpu();
    if (!is_loadable(state, cpu.virtual_machine().policy)) return failure(Error::Invalid);
    VcpuBackend& backend = *cpu.backend;
    GeneralRegisters& general = backend.registers();
    if ((state.flags & xen::hvm_cpu_flag::fpu_initialised) != 0) cpu.extended.set_legacy(state.fpu_regs);
    for (GprPlace const& row : gpr_places) general[row.which] = state.*row.place;
    for (SegmentPlace const& row : segment_places)
        backend.set_segment(row.name,
                            {static_cast<u16>(state.*row.selector), static_cast<u16>(state.*row.attributes & 0xfff),
                             state.*row.limit, state.*row.base});
    general.rip = state.rip;
    general.rflags = state.rflags;
    backend.set_controls({state.cr0, state.cr2, state.cr3, state.cr4, state.msr_efer});
    backend.set_debug({state.dr6, state.dr7});
    cpu.debug_addresses = {state.dr0, state.dr1, state.dr2, state.dr3};
    backend.set_descriptor_tables({state.gdtr_base, state.gdtr_limit}, {state.idtr_base, state.idtr_limit});
    backend.set_system_calls({state.msr_star, state.msr_lstar, state.msr_cstar, state.msr_syscall_mask, state.shadow_gs,
                              state.sysenter_cs, state.sysenter_esp, state.sysenter_eip});
    cpu.msrs.tsc_aux = state.msr_tsc_aux & 0xffff'ffff;
    backend.end_shadow();
    cpu.mark_started();
    return {};
}

Expected<> load_cpu(Vcpu& vcpu, xen::HvmCpu const& state, u64 host_tsc)
{
    if (auto const loaded = load_registers(vcpu, state); !loaded) return loaded;
    VirtualCpu& cpu = vcpu.virtual_cpu();
    if (state.tsc != 0) cpu.set_tsc_offset(state.tsc - host_tsc);
    cpu.backend->forget_events();
    PendingEvent const event{state.pending_event};
    auto const type = std::ranges::find(event_types, event.get<PendingEvent::Type>());
    if (event.get<PendingEvent::Valid>() && type != event_types.end())
        cpu.backend->inject({.kind = static_cast<Event::Kind>(type - event_types.begin()),
                             .vector = event.get<PendingEvent::Vector>(),
                             .has_error_code = event.get<PendingEvent::HasErrorCode>(),
                             .error_code = state.error_code});
    return {};
}

xen::HvmMtrr save_mtrr(Vcpu const& vcpu)
{
    MemoryTypeRanges const& ranges = vcpu.virtual_cpu().memory_types;
    return {.pat = vcpu.virtual_cpu().backend->pat(),
            .variable = ranges.variable,
            .fixed = ranges.fixed,
            .capability = MemoryTypeRanges::capability,
            .default_type = ranges.default_type};
}

Expected<> load_mtrr(Vcpu& vcpu, xen::HvmMtrr const& state)
{
    if (!is_legal_pat(state.pat)) return failure(Error::Invalid);
    MemoryTypeRanges& ranges = vcpu.virtual_cpu().memory_types;
    vcpu.virtual_cpu().backend->set_pat(state.pat);
    ranges.variable = state.variable;
    ranges.fixed = state.fixed;
    ranges.default_type = state.default_type;
    return {};
}

xen::HvmLocalApic save_lapic(Vcpu const& vcpu) { return vcpu.virtual_cpu().local_apic.save(); }
Expected<> load_lapic(Vcpu& vcpu, xen::HvmLocalApic const& state) { return vcpu.virtual_cpu().local_apic.load(state); }
xen::HvmLocalApicRegisters save_lapic_registers(Vcpu const& vcpu)
{
    return vcpu.virtual_cpu().local_apic.save_registers();
}
Expected<> load_lapic_registers(Vcpu& vcpu, xen::HvmLocalApicRegisters const& state)
{
    return vcpu.virtual_cpu().local_apic.load_registers(state);
}

size_t save_extended(Vcpu const& vcpu, std::span<u8> out) { return vcpu.virtual_cpu().extended.write_record(out); }
Expected<> load_extended(Vcpu& vcpu, std::span<u8 const> state)
{
    VirtualCpu& cpu = vcpu.virtual_cpu();
    return cpu.extended.read_record(state, cpu.virtual_machine().policy.xcr0_mask());
}

}
