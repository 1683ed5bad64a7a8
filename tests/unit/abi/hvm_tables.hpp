// SPDX-License-Identifier: MIT
/// Our names beside those of the C headers: hvm_op, its parameters, and the records of saved state.
#pragma once

#include "tests/unit/abi/table.hpp"

#include "kernel/abi/xen/hvm_op.hpp"
#include "kernel/abi/xen/hvm_params.hpp"
#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/abi/xen/hvm_vcpu.hpp"

#include "tests/unit/abi/xen_headers.hpp"

namespace hospes::xen {

// clang-format off

inline Table hvm_op_table()
{
    return {
        .header = "hvm_op.hpp",
        .values = {
            VALUE(HvmCommand::SetParam, HVMOP_set_param),
            VALUE(HvmCommand::GetParam, HVMOP_get_param),
            VALUE(HvmCommand::FlushTlbs, HVMOP_flush_tlbs),
            VALUE(HvmCommand::PagetableDying, HVMOP_pagetable_dying),
            VALUE(HvmCommand::GetTime, HVMOP_get_time),
            VALUE(HvmCommand::Xentrace, HVMOP_xentrace),
            VALUE(HvmCommand::GetMemType, HVMOP_get_mem_type),
            VALUE(HvmCommand::SetEventUpcallVector, HVMOP_set_evtchn_upcall_vector),
            VALUE(HvmCommand::GuestRequestVmEvent, HVMOP_guest_request_vm_event),
            VALUE(HvmCommand::Altp2m, HVMOP_altp2m),
            VALUE(HvmMemType::RamReadWrite, HVMMEM_ram_rw),
            VALUE(HvmMemType::RamReadOnly, HVMMEM_ram_ro),
            VALUE(HvmMemType::MmioDeviceModel, HVMMEM_mmio_dm),
            VALUE(HvmMemType::IoreqServer, HVMMEM_ioreq_server),
        },
        .structures = {
            STRUCTURE(HvmParam, xen_hvm_param,
                MEMBER(domain, domid), MEMBER(pad, pad), MEMBER(index, index), MEMBER(value, value)),
            STRUCTURE(HvmPagetableDying, xen_hvm_pagetable_dying,
                MEMBER(domain, domid), MEMBER(pad, pad), MEMBER(gpa, gpa)),
            STRUCTURE(HvmGetTime, xen_hvm_get_time,
                MEMBER(now, now)),
            STRUCTURE(HvmGetMemType, xen_hvm_get_mem_type,
                MEMBER(domain, domid), MEMBER(type, mem_type), MEMBER(pad, pad), MEMBER(gfn, pfn)),
            STRUCTURE(HvmEventUpcallVector, xen_hvm_evtchn_upcall_vector,
                MEMBER(vcpu, vcpu), MEMBER(vector, vector), PADDING(pad)),
        },
    };
}

inline Table hvm_params_table()
{
    return {
        .header = "hvm_params.hpp",
        .values = {
            VALUE(HvmParamIndex::CallbackIrq, HVM_PARAM_CALLBACK_IRQ),
            VALUE(HvmParamIndex::StorePfn, HVM_PARAM_STORE_PFN),
            VALUE(HvmParamIndex::StoreEventChannel, HVM_PARAM_STORE_EVTCHN),
            VALUE(HvmParamIndex::PaeEnabled, HVM_PARAM_PAE_ENABLED),
            VALUE(HvmParamIndex::IoreqPfn, HVM_PARAM_IOREQ_PFN),
            VALUE(HvmParamIndex::BufferedIoreqPfn, HVM_PARAM_BUFIOREQ_PFN),
            VALUE(HvmParamIndex::Viridian, HVM_PARAM_VIRIDIAN),
            VALUE(HvmParamIndex::TimerMode, HVM_PARAM_TIMER_MODE),
            VALUE(HvmParamIndex::HpetEnabled, HVM_PARAM_HPET_ENABLED),
            VALUE(HvmParamIndex::IdentityPageTable, HVM_PARAM_IDENT_PT),
            VALUE(HvmParamIndex::DeviceModelDomain, HVM_PARAM_DM_DOMAIN),
            VALUE(HvmParamIndex::AcpiSState, HVM_PARAM_ACPI_S_STATE),
            VALUE(HvmParamIndex::Vm86Tss, HVM_PARAM_VM86_TSS),
            VALUE(HvmParamIndex::VptAlign, HVM_PARAM_VPT_ALIGN),
            VALUE(HvmParamIndex::ConsolePfn, HVM_PARAM_CONSOLE_PFN),
            VALUE(HvmParamIndex::ConsoleEventChannel, HVM_PARAM_CONSOLE_EVTCHN),
            VALUE(HvmParamIndex::AcpiIoportsLocation, HVM_PARAM_ACPI_IOPORTS_LOCATION),
            VALUE(HvmParamIndex::MemoryEventCr0, HVM_PARAM_MEMORY_EVENT_CR0),
            VALUE(HvmParamIndex::MemoryEventCr3, HVM_PARAM_MEMORY_EVENT_CR3),
            VALUE(HvmParamIndex::MemoryEventCr4, HVM_PARAM_MEMORY_EVENT_CR4),
            VALUE(HvmParamIndex::MemoryEventInt3, HVM_PARAM_MEMORY_EVENT_INT3),
            VALUE(HvmParamIndex::NestedHvm, HVM_PARAM_NESTEDHVM),
            VALUE(HvmParamIndex::MemoryEventSingleStep, HVM_PARAM_MEMORY_EVENT_SINGLE_STEP),
            VALUE(HvmParamIndex::BufferedIoreqEventChannel, HVM_PARAM_BUFIOREQ_EVTCHN),
            VALUE(HvmParamIndex::PagingRingPfn, HVM_PARAM_PAGING_RING_PFN),
            VALUE(HvmParamIndex::MonitorRingPfn, HVM_PARAM_MONITOR_RING_PFN),
            VALUE(HvmParamIndex::SharingRingPfn, HVM_PARAM_SHARING_RING_PFN),
            VALUE(HvmParamIndex::MemoryEventMsr, HVM_PARAM_MEMORY_EVENT_MSR),
            VALUE(HvmParamIndex::TripleFaultReason, HVM_PARAM_TRIPLE_FAULT_REASON),
            VALUE(HvmParamIndex::IoreqServerPfn, HVM_PARAM_IOREQ_SERVER_PFN),
            VALUE(HvmParamIndex::NrIoreqServerPages, HVM_PARAM_NR_IOREQ_SERVER_PAGES),
            VALUE(HvmParamIndex::VmGenerationIdAddress, HVM_PARAM_VM_GENERATION_ID_ADDR),
            VALUE(HvmParamIndex::Altp2m, HVM_PARAM_ALTP2M),
            VALUE(HvmParamIndex::X87FipWidth, HVM_PARAM_X87_FIP_WIDTH),
            VALUE(HvmParamIndex::Vm86TssSized, HVM_PARAM_VM86_TSS_SIZED),
            VALUE(HvmParamIndex::McaCap, HVM_PARAM_MCA_CAP),
            VALUE(nr_hvm_params, HVM_NR_PARAMS),
            VALUE(hvm_callback_type_mask, HVM_PARAM_CALLBACK_IRQ_TYPE_MASK),
            VALUE(HvmCallbackType::Gsi, HVM_PARAM_CALLBACK_TYPE_GSI),
            VALUE(HvmCallbackType::PciIntx, HVM_PARAM_CALLBACK_TYPE_PCI_INTX),
            VALUE(HvmCallbackType::Vector, HVM_PARAM_CALLBACK_TYPE_VECTOR),
            VALUE(HvmTimerMode::DelayForMissedTicks, HVMPTM_delay_for_missed_ticks),
            VALUE(HvmTimerMode::NoDelayForMissedTicks, HVMPTM_no_delay_for_missed_ticks),
            VALUE(HvmTimerMode::NoMissedTicksPending, HVMPTM_no_missed_ticks_pending),
            VALUE(HvmTimerMode::OneMissedTickPending, HVMPTM_one_missed_tick_pending),
        },
        .structures = {},
    };
}

inline Table hvm_save_table()
{
    return {
        .header = "hvm_save.hpp",
        .values = {
            VALUE(HvmSaveCode::End, HVM_SAVE_CODE(END)),
            VALUE(HvmSaveCode::Header, HVM_SAVE_CODE(HEADER)),
            VALUE(HvmSaveCode::Cpu, HVM_SAVE_CODE(CPU)),
            VALUE(HvmSaveCode::LocalApic, HVM_SAVE_CODE(LAPIC)),
            VALUE(HvmSaveCode::LocalApicRegisters, HVM_SAVE_CODE(LAPIC_REGS)),
            VALUE(HvmSaveCode::Mtrr, HVM_SAVE_CODE(MTRR)),
            VALUE(HvmSaveCode::CpuXsave, CPU_XSAVE_CODE),
            VALUE(HvmSaveCode::VmceVcpu, HVM_SAVE_CODE(VMCE_VCPU)),
            VALUE(HvmSaveCode::TscAdjust, HVM_SAVE_CODE(TSC_ADJUST)),
            VALUE(HvmSaveCode::CpuMsr, CPU_MSR_CODE),
            VALUE(hvm_file_magic, HVM_FILE_MAGIC),
            VALUE(hvm_file_version, HVM_FILE_VERSION),
            VALUE(hvm_cpu_flag::fpu_initialised, XEN_X86_FPU_INITIALISED),
        },
        .structures = {
            STRUCTURE(HvmSaveDescriptor, hvm_save_descriptor,
                MEMBER(typecode, typecode), MEMBER(instance, instance), MEMBER(length, length)),
            STRUCTURE(HvmSaveHeader, hvm_save_header,
                MEMBER(magic, magic), MEMBER(version, version), MEMBER(changeset, changeset), MEMBER(cpuid, cpuid),
                MEMBER(guest_tsc_khz, gtsc_khz)),
            STRUCTURE(HvmCpu, hvm_hw_cpu,
                MEMBER(fpu_regs, fpu_regs), MEMBER(rax, rax), MEMBER(rbx, rbx), MEMBER(rcx, rcx), MEMBER(rdx, rdx),
                MEMBER(rbp, rbp), MEMBER(rsi, rsi), MEMBER(rdi, rdi), MEMBER(rsp, rsp), MEMBER(r8, r8),
                MEMBER(r9, r9), MEMBER(r10, r10), MEMBER(r11, r11), MEMBER(r12, r12), MEMBER(r13, r13),
                MEMBER(r14, r14), MEMBER(r15, r15), MEMBER(rip, rip), MEMBER(rflags, rflags), MEMBER(cr0, cr0),
                MEMBER(cr2, cr2), MEMBER(cr3, cr3), MEMBER(cr4, cr4), MEMBER(dr0, dr0), MEMBER(dr1, dr1),
                MEMBER(dr2, dr2), MEMBER(dr3, dr3), MEMBER(dr6, dr6), MEMBER(dr7, dr7), MEMBER(cs_selector, cs_sel),
                MEMBER(ds_selector, ds_sel), MEMBER(es_selector, es_sel), MEMBER(fs_selector, fs_sel),
                MEMBER(gs_selector, gs_sel), MEMBER(ss_selector, ss_sel), MEMBER(tr_selector, tr_sel),
                MEMBER(ldtr_selector, ldtr_sel), MEMBER(cs_limit, cs_limit), MEMBER(ds_limit, ds_limit),
                MEMBER(es_limit, es_limit), MEMBER(fs_limit, fs_limit), MEMBER(gs_limit, gs_limit),
                MEMBER(ss_limit, ss_limit), MEMBER(tr_limit, tr_limit), MEMBER(ldtr_limit, ldtr_limit),
                MEMBER(idtr_limit, idtr_limit), MEMBER(gdtr_limit, gdtr_limit), MEMBER(cs_base, cs_base),
                MEMBER(ds_base, ds_base), MEMBER(es_base, es_base), MEMBER(fs_base, fs_base),
                MEMBER(gs_base, gs_base), MEMBER(ss_base, ss_base), MEMBER(tr_base, tr_base),
                MEMBER(ldtr_base, ldtr_base), MEMBER(idtr_base, idtr_base), MEMBER(gdtr_base, gdtr_base),
                MEMBER(cs_attributes, cs_arbytes), MEMBER(ds_attributes, ds_arbytes),
                MEMBER(es_attributes, es_arbytes), MEMBER(fs_attributes, fs_arbytes),
                MEMBER(gs_attributes, gs_arbytes), MEMBER(ss_attributes, ss_arbytes),
                MEMBER(tr_attributes, tr_arbytes), MEMBER(ldtr_attributes, ldtr_arbytes),
                MEMBER(sysenter_cs, sysenter_cs), MEMBER(sysenter_esp, sysenter_esp),
                MEMBER(sysenter_eip, sysenter_eip), MEMBER(shadow_gs, shadow_gs), MEMBER(msr_flags, msr_flags),
                MEMBER(msr_lstar, msr_lstar), MEMBER(msr_star, msr_star), MEMBER(msr_cstar, msr_cstar),
                MEMBER(msr_syscall_mask, msr_syscall_mask), MEMBER(msr_efer, msr_efer),
                MEMBER(msr_tsc_aux, msr_tsc_aux), MEMBER(tsc, tsc), MEMBER(pending_event, pending_event),
                MEMBER(error_code, error_code), MEMBER(flags, flags), MEMBER(pad0, pad0)),
#if XEN_DOMCTL_INTERFACE_VERSION >= 0x16
            STRUCTURE(HvmLocalApic, hvm_hw_lapic,
                MEMBER(apic_base_msr, apic_base_msr), MEMBER(disabled, disabled),
                MEMBER(timer_divisor, timer_divisor), MEMBER(tsc_deadline_msr, tdt_msr),
                MEMBER(pending_errors, pending_esr), PADDING(pad)),
#else
            OTHER_RELEASES(HvmLocalApic), // versions_test.cpp
#endif
            STRUCTURE(HvmLocalApicRegisters, hvm_hw_lapic_regs,
                MEMBER(data, data)),
            STRUCTURE(HvmMtrr, hvm_hw_mtrr,
                MEMBER(pat, msr_pat_cr), MEMBER(variable, msr_mtrr_var), MEMBER(fixed, msr_mtrr_fixed),
                MEMBER(capability, msr_mtrr_cap), MEMBER(default_type, msr_mtrr_def_type)),
            STRUCTURE(HvmVmceVcpu, hvm_vmce_vcpu,
                MEMBER(caps, caps), MEMBER(mci_ctl2_bank0, mci_ctl2_bank0), MEMBER(mci_ctl2_bank1, mci_ctl2_bank1),
                MEMBER(mcg_ext_ctl, mcg_ext_ctl)),
            STRUCTURE(HvmTscAdjust, hvm_tsc_adjust,
                MEMBER(tsc_adjust, tsc_adjust)),
            STRUCTURE(HvmCpuXsave, hvm_hw_cpu_xsave,
                MEMBER(xfeature_mask, xfeature_mask), MEMBER(xcr0, xcr0), MEMBER(xcr0_accumulated, xcr0_accum),
                MEMBER(legacy, save_area.fpu_sse), MEMBER(xstate_bv, save_area.xsave_hdr.xstate_bv),
                MEMBER(xcomp_bv, save_area.xsave_hdr.xcomp_bv), MEMBER(reserved, save_area.xsave_hdr.reserved)),
            STRUCTURE(HvmOneMsr, hvm_msr::hvm_one_msr,
                MEMBER(index, index), MEMBER(reserved, _rsvd), MEMBER(value, val)),
            STRUCTURE(HvmMsrs, hvm_msr,
                MEMBER(count, count), PADDING(pad)),
        },
    };
}

inline Table hvm_vcpu_table()
{
    return {
        .header = "hvm_vcpu.hpp",
        .values = {
            VALUE(VcpuHvmMode::Bits32, VCPU_HVM_MODE_32B),
            VALUE(VcpuHvmMode::Bits64, VCPU_HVM_MODE_64B),
        },
        .structures = {
            STRUCTURE(VcpuHvmX8632, vcpu_hvm_x86_32,
                MEMBER(eax, eax), MEMBER(ecx, ecx), MEMBER(edx, edx), MEMBER(ebx, ebx), MEMBER(esp, esp),
                MEMBER(ebp, ebp), MEMBER(esi, esi), MEMBER(edi, edi), MEMBER(eip, eip), MEMBER(eflags, eflags),
                MEMBER(cr0, cr0), MEMBER(cr3, cr3), MEMBER(cr4, cr4), MEMBER(pad1, pad1), MEMBER(efer, efer),
                MEMBER(cs_base, cs_base), MEMBER(ds_base, ds_base), MEMBER(ss_base, ss_base),
                MEMBER(es_base, es_base), MEMBER(tr_base, tr_base), MEMBER(cs_limit, cs_limit),
                MEMBER(ds_limit, ds_limit), MEMBER(ss_limit, ss_limit), MEMBER(es_limit, es_limit),
                MEMBER(tr_limit, tr_limit), MEMBER(cs_attributes, cs_ar), MEMBER(ds_attributes, ds_ar),
                MEMBER(ss_attributes, ss_ar), MEMBER(es_attributes, es_ar), MEMBER(tr_attributes, tr_ar),
                MEMBER(pad2, pad2)),
            STRUCTURE(VcpuHvmX8664, vcpu_hvm_x86_64,
                MEMBER(rax, rax), MEMBER(rcx, rcx), MEMBER(rdx, rdx), MEMBER(rbx, rbx), MEMBER(rsp, rsp),
                MEMBER(rbp, rbp), MEMBER(rsi, rsi), MEMBER(rdi, rdi), MEMBER(rip, rip), MEMBER(rflags, rflags),
                MEMBER(cr0, cr0), MEMBER(cr3, cr3), MEMBER(cr4, cr4), MEMBER(efer, efer)),
            STRUCTURE(VcpuHvmContext, vcpu_hvm_context,
                MEMBER(mode, mode), MEMBER(pad, pad), MEMBER(u, cpu_regs), MEMBER(u.bits32, cpu_regs.x86_32),
                MEMBER(u.bits64, cpu_regs.x86_64)),
        },
    };
}

// clang-format on

inline std::vector<Table> hvm_tables()
{
    return {hvm_op_table(), hvm_params_table(), hvm_save_table(), hvm_vcpu_table()};
}

}
