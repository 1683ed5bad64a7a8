// SPDX-License-Identifier: MIT
/// Our names beside those of the C headers: what a guest starts with and calls all the time.
#pragma once

#include "tests/unit/abi/table.hpp"

#include "kernel/abi/xen/console.hpp"
#include "kernel/abi/xen/cpuid.hpp"
#include "kernel/abi/xen/elf_notes.hpp"
#include "kernel/abi/xen/features.hpp"
#include "kernel/abi/xen/hypercall_numbers.hpp"
#include "kernel/abi/xen/multicall.hpp"
#include "kernel/abi/xen/sched.hpp"
#include "kernel/abi/xen/shared_info.hpp"
#include "kernel/abi/xen/start_info.hpp"
#include "kernel/abi/xen/types.hpp"
#include "kernel/abi/xen/vcpu.hpp"
#include "kernel/abi/xen/version.hpp"

#include "tests/unit/abi/xen_headers.hpp"

namespace hospes::xen {

// clang-format off

inline Table console_table()
{
    return {
        .header = "console.hpp",
        .values = {
            VALUE(ConsoleCommand::Write, CONSOLEIO_write),
            VALUE(ConsoleCommand::Read, CONSOLEIO_read),
            VALUE(debug_console_port, XEN_HVM_DEBUGCONS_IOPORT),
        },
        .structures = {},
    };
}

inline Table cpuid_table()
{
    return {
        .header = "cpuid.hpp",
        .values = {
            VALUE(cpuid_first_leaf, XEN_CPUID_FIRST_LEAF),
            VALUE(cpuid_signature_ebx, XEN_CPUID_SIGNATURE_EBX),
            VALUE(cpuid_signature_ecx, XEN_CPUID_SIGNATURE_ECX),
            VALUE(cpuid_signature_edx, XEN_CPUID_SIGNATURE_EDX),
            VALUE(cpuid_max_leaves, XEN_CPUID_MAX_NUM_LEAVES),
            VALUE(cpuid_hvm_flag::apic_access_virtualised, XEN_HVM_CPUID_APIC_ACCESS_VIRT),
            VALUE(cpuid_hvm_flag::x2apic_virtualised, XEN_HVM_CPUID_X2APIC_VIRT),
            VALUE(cpuid_hvm_flag::iommu_mappings, XEN_HVM_CPUID_IOMMU_MAPPINGS),
            VALUE(cpuid_hvm_flag::vcpu_id_present, XEN_HVM_CPUID_VCPU_ID_PRESENT),
            VALUE(cpuid_hvm_flag::domain_id_present, XEN_HVM_CPUID_DOMID_PRESENT),
            VALUE(cpuid_hvm_flag::extended_destination_id, XEN_HVM_CPUID_EXT_DEST_ID),
            VALUE(cpuid_hvm_flag::upcall_vector, XEN_HVM_CPUID_UPCALL_VECTOR),
        },
        .structures = {},
    };
}

inline Table elf_notes_table()
{
    return {
        .header = "elf_notes.hpp",
        .values = {
            VALUE(ElfNote::Info, XEN_ELFNOTE_INFO),
            VALUE(ElfNote::Entry, XEN_ELFNOTE_ENTRY),
            VALUE(ElfNote::HypercallPage, XEN_ELFNOTE_HYPERCALL_PAGE),
            VALUE(ElfNote::VirtBase, XEN_ELFNOTE_VIRT_BASE),
            VALUE(ElfNote::PaddrOffset, XEN_ELFNOTE_PADDR_OFFSET),
            VALUE(ElfNote::XenVersion, XEN_ELFNOTE_XEN_VERSION),
            VALUE(ElfNote::GuestOs, XEN_ELFNOTE_GUEST_OS),
            VALUE(ElfNote::GuestVersion, XEN_ELFNOTE_GUEST_VERSION),
            VALUE(ElfNote::Loader, XEN_ELFNOTE_LOADER),
            VALUE(ElfNote::PaeMode, XEN_ELFNOTE_PAE_MODE),
            VALUE(ElfNote::Features, XEN_ELFNOTE_FEATURES),
            VALUE(ElfNote::BsdSymtab, XEN_ELFNOTE_BSD_SYMTAB),
            VALUE(ElfNote::HvStartLow, XEN_ELFNOTE_HV_START_LOW),
            VALUE(ElfNote::L1MfnValid, XEN_ELFNOTE_L1_MFN_VALID),
            VALUE(ElfNote::SuspendCancel, XEN_ELFNOTE_SUSPEND_CANCEL),
            VALUE(ElfNote::InitP2m, XEN_ELFNOTE_INIT_P2M),
            VALUE(ElfNote::ModStartPfn, XEN_ELFNOTE_MOD_START_PFN),
            VALUE(ElfNote::SupportedFeatures, XEN_ELFNOTE_SUPPORTED_FEATURES),
            VALUE(ElfNote::Phys32Entry, XEN_ELFNOTE_PHYS32_ENTRY),
        },
        .structures = {},
    };
}

inline Table features_table()
{
    return {
        .header = "features.hpp",
        .values = {
            VALUE(Feature::WritablePageTables, XENFEAT_writable_page_tables),
            VALUE(Feature::WritableDescriptorTables, XENFEAT_writable_descriptor_tables),
            VALUE(Feature::AutoTranslatedPhysmap, XENFEAT_auto_translated_physmap),
            VALUE(Feature::SupervisorModeKernel, XENFEAT_supervisor_mode_kernel),
            VALUE(Feature::PaePgdirAbove4gb, XENFEAT_pae_pgdir_above_4gb),
            VALUE(Feature::MmuPtUpdatePreserveAd, XENFEAT_mmu_pt_update_preserve_ad),
            VALUE(Feature::HighmemAssist, XENFEAT_highmem_assist),
            VALUE(Feature::GnttabMapAvailBits, XENFEAT_gnttab_map_avail_bits),
            VALUE(Feature::HvmCallbackVector, XENFEAT_hvm_callback_vector),
            VALUE(Feature::HvmSafePvclock, XENFEAT_hvm_safe_pvclock),
            VALUE(Feature::HvmPirqs, XENFEAT_hvm_pirqs),
            VALUE(Feature::Dom0, XENFEAT_dom0),
            VALUE(Feature::MemoryOpVnodeSupported, XENFEAT_memory_op_vnode_supported),
            VALUE(Feature::LinuxRsdpUnrestricted, XENFEAT_linux_rsdp_unrestricted),
            VALUE(Feature::NotDirectMapped, XENFEAT_not_direct_mapped),
            VALUE(Feature::DirectMapped, XENFEAT_direct_mapped),
            VALUE(nr_feature_submaps, XENFEAT_NR_SUBMAPS),
        },
        .structures = {},
    };
}

inline Table hypercall_numbers_table()
{
    return {
        .header = "hypercall_numbers.hpp",
        .values = {
            VALUE(Hypercall::SetTrapTable, __HYPERVISOR_set_trap_table),
            VALUE(Hypercall::MmuUpdate, __HYPERVISOR_mmu_update),
            VALUE(Hypercall::SetGdt, __HYPERVISOR_set_gdt),
            VALUE(Hypercall::StackSwitch, __HYPERVISOR_stack_switch),
            VALUE(Hypercall::SetCallbacks, __HYPERVISOR_set_callbacks),
            VALUE(Hypercall::FpuTaskSwitch, __HYPERVISOR_fpu_taskswitch),
            VALUE(Hypercall::SchedOpCompat, __HYPERVISOR_sched_op_compat),
            VALUE(Hypercall::PlatformOp, __HYPERVISOR_platform_op),
            VALUE(Hypercall::SetDebugRegister, __HYPERVISOR_set_debugreg),
            VALUE(Hypercall::GetDebugRegister, __HYPERVISOR_get_debugreg),
            VALUE(Hypercall::UpdateDescriptor, __HYPERVISOR_update_descriptor),
            VALUE(Hypercall::MemoryOp, __HYPERVISOR_memory_op),
            VALUE(Hypercall::Multicall, __HYPERVISOR_multicall),
            VALUE(Hypercall::UpdateVaMapping, __HYPERVISOR_update_va_mapping),
            VALUE(Hypercall::SetTimerOp, __HYPERVISOR_set_timer_op),
            VALUE(Hypercall::EventChannelOpCompat, __HYPERVISOR_event_channel_op_compat),
            VALUE(Hypercall::XenVersion, __HYPERVISOR_xen_version),
            VALUE(Hypercall::ConsoleIo, __HYPERVISOR_console_io),
            VALUE(Hypercall::PhysdevOpCompat, __HYPERVISOR_physdev_op_compat),
            VALUE(Hypercall::GrantTableOp, __HYPERVISOR_grant_table_op),
            VALUE(Hypercall::VmAssist, __HYPERVISOR_vm_assist),
            VALUE(Hypercall::UpdateVaMappingOtherDomain, __HYPERVISOR_update_va_mapping_otherdomain),
            VALUE(Hypercall::Iret, __HYPERVISOR_iret),
            VALUE(Hypercall::VcpuOp, __HYPERVISOR_vcpu_op),
            VALUE(Hypercall::SetSegmentBase, __HYPERVISOR_set_segment_base),
            VALUE(Hypercall::MmuExtendedOp, __HYPERVISOR_mmuext_op),
            VALUE(Hypercall::XsmOp, __HYPERVISOR_xsm_op),
            VALUE(Hypercall::NmiOp, __HYPERVISOR_nmi_op),
            VALUE(Hypercall::SchedOp, __HYPERVISOR_sched_op),
            VALUE(Hypercall::CallbackOp, __HYPERVISOR_callback_op),
            VALUE(Hypercall::XenoprofOp, __HYPERVISOR_xenoprof_op),
            VALUE(Hypercall::EventChannelOp, __HYPERVISOR_event_channel_op),
            VALUE(Hypercall::PhysdevOp, __HYPERVISOR_physdev_op),
            VALUE(Hypercall::HvmOp, __HYPERVISOR_hvm_op),
            VALUE(Hypercall::Sysctl, __HYPERVISOR_sysctl),
            VALUE(Hypercall::Domctl, __HYPERVISOR_domctl),
            VALUE(Hypercall::KexecOp, __HYPERVISOR_kexec_op),
            VALUE(Hypercall::TmemOp, __HYPERVISOR_tmem_op),
            VALUE(Hypercall::ArgoOp, __HYPERVISOR_argo_op),
            VALUE(Hypercall::XenpmuOp, __HYPERVISOR_xenpmu_op),
            VALUE(Hypercall::DmOp, __HYPERVISOR_dm_op),
            VALUE(Hypercall::HypfsOp, __HYPERVISOR_hypfs_op),
            VALUE(Hypercall::Mca, __HYPERVISOR_mca),
            VALUE(Hypercall::PagingDomctlContinue, __HYPERVISOR_arch_1),
            VALUE(VirtualInterrupt::Timer, VIRQ_TIMER),
            VALUE(VirtualInterrupt::Debug, VIRQ_DEBUG),
            VALUE(VirtualInterrupt::Console, VIRQ_CONSOLE),
            VALUE(VirtualInterrupt::DomainException, VIRQ_DOM_EXC),
            VALUE(VirtualInterrupt::TraceBuffer, VIRQ_TBUF),
            VALUE(VirtualInterrupt::Debugger, VIRQ_DEBUGGER),
            VALUE(VirtualInterrupt::Xenoprof, VIRQ_XENOPROF),
            VALUE(VirtualInterrupt::ConsoleRing, VIRQ_CON_RING),
            VALUE(VirtualInterrupt::PcpuState, VIRQ_PCPU_STATE),
            VALUE(VirtualInterrupt::MemoryEvent, VIRQ_MEM_EVENT),
            VALUE(VirtualInterrupt::Argo, VIRQ_ARGO),
            VALUE(VirtualInterrupt::OutOfMemory, VIRQ_ENOMEM),
            VALUE(VirtualInterrupt::Xenpmu, VIRQ_XENPMU),
            VALUE(VirtualInterrupt::MachineCheck, VIRQ_MCA),
            VALUE(nr_virtual_interrupts, NR_VIRQS),
            VALUE(VmAssistCommand::Enable, VMASST_CMD_enable),
            VALUE(VmAssistCommand::Disable, VMASST_CMD_disable),
            VALUE(VmAssistType::RunstateUpdateFlag, VMASST_TYPE_runstate_update_flag),
        },
        .structures = {},
    };
}

inline Table multicall_table()
{
    return {
        .header = "multicall.hpp",
        .values = {},
        .structures = {
            STRUCTURE(MulticallEntry, multicall_entry,
                MEMBER(operation, op), MEMBER(result, result), MEMBER(arguments, args)),
        },
    };
}

inline Table sched_table()
{
    return {
        .header = "sched.hpp",
        .values = {
            VALUE(SchedCommand::Yield, SCHEDOP_yield),
            VALUE(SchedCommand::Block, SCHEDOP_block),
            VALUE(SchedCommand::Shutdown, SCHEDOP_shutdown),
            VALUE(SchedCommand::Poll, SCHEDOP_poll),
            VALUE(SchedCommand::RemoteShutdown, SCHEDOP_remote_shutdown),
            VALUE(SchedCommand::ShutdownCode, SCHEDOP_shutdown_code),
            VALUE(SchedCommand::Watchdog, SCHEDOP_watchdog),
            VALUE(SchedCommand::PinOverride, SCHEDOP_pin_override),
            VALUE(ShutdownReason::Poweroff, SHUTDOWN_poweroff),
            VALUE(ShutdownReason::Reboot, SHUTDOWN_reboot),
            VALUE(ShutdownReason::Suspend, SHUTDOWN_suspend),
            VALUE(ShutdownReason::Crash, SHUTDOWN_crash),
            VALUE(ShutdownReason::Watchdog, SHUTDOWN_watchdog),
            VALUE(ShutdownReason::SoftReset, SHUTDOWN_soft_reset),
            VALUE(shutdown_reason_max, SHUTDOWN_MAX),
        },
        .structures = {
            STRUCTURE(SchedShutdown, sched_shutdown,
                MEMBER(reason, reason)),
            STRUCTURE(SchedPoll, sched_poll,
                MEMBER(ports, ports), MEMBER(nr_ports, nr_ports), PADDING(pad), MEMBER(timeout, timeout)),
            STRUCTURE(SchedRemoteShutdown, sched_remote_shutdown,
                MEMBER(domain, domain_id), PADDING(pad), MEMBER(reason, reason)),
            STRUCTURE(SchedWatchdog, sched_watchdog,
                MEMBER(id, id), MEMBER(timeout, timeout)),
            STRUCTURE(SchedPinOverride, sched_pin_override,
                MEMBER(pcpu, pcpu)),
        },
    };
}

inline Table shared_info_table()
{
    return {
        .header = "shared_info.hpp",
        .values = {
            VALUE(legacy_max_vcpus, XEN_LEGACY_MAX_VCPUS),
            VALUE(time_info_flag::tsc_stable, XEN_PVCLOCK_TSC_STABLE_BIT),
            VALUE(time_info_flag::guest_stopped, XEN_PVCLOCK_GUEST_STOPPED),
        },
        .structures = {
            STRUCTURE(VcpuTimeInfo, vcpu_time_info,
                MEMBER(version, version), MEMBER(pad0, pad0), MEMBER(tsc_timestamp, tsc_timestamp),
                MEMBER(system_time, system_time), MEMBER(tsc_to_system_multiplier, tsc_to_system_mul),
                MEMBER(tsc_shift, tsc_shift), MEMBER(flags, flags), MEMBER(pad1, pad1)),
            STRUCTURE(VcpuInfo, vcpu_info,
                MEMBER(event_upcall_pending, evtchn_upcall_pending), MEMBER(event_upcall_mask, evtchn_upcall_mask),
                PADDING(pad0), MEMBER(event_pending_selector, evtchn_pending_sel), MEMBER(cr2, arch.cr2),
                MEMBER(pad1, arch.pad), MEMBER(time, time)),
            STRUCTURE(SharedInfo, shared_info,
                MEMBER(vcpu_info, vcpu_info), MEMBER(event_pending, evtchn_pending), MEMBER(event_mask, evtchn_mask),
                MEMBER(wall_clock_version, wc_version), MEMBER(wall_clock_seconds, wc_sec),
                MEMBER(wall_clock_nanoseconds, wc_nsec), MEMBER(wall_clock_seconds_high, wc_sec_hi),
                MEMBER(max_pfn, arch.max_pfn), MEMBER(pfn_to_mfn_frame_list_list, arch.pfn_to_mfn_frame_list_list),
                MEMBER(nmi_reason, arch.nmi_reason), MEMBER(p2m_cr3, arch.p2m_cr3), MEMBER(p2m_vaddr, arch.p2m_vaddr),
                MEMBER(p2m_generation, arch.p2m_generation)),
        },
    };
}

inline Table start_info_table()
{
    return {
        .header = "start_info.hpp",
        .values = {
            VALUE(start_info_magic, XEN_HVM_START_MAGIC_VALUE),
            VALUE(start_info_flag::privileged, SIF_PRIVILEGED),
            VALUE(start_info_flag::initial_domain, SIF_INITDOMAIN),
            VALUE(MemoryMapType::Ram, XEN_HVM_MEMMAP_TYPE_RAM),
            VALUE(MemoryMapType::Reserved, XEN_HVM_MEMMAP_TYPE_RESERVED),
            VALUE(MemoryMapType::Acpi, XEN_HVM_MEMMAP_TYPE_ACPI),
            VALUE(MemoryMapType::Nvs, XEN_HVM_MEMMAP_TYPE_NVS),
            VALUE(MemoryMapType::Unusable, XEN_HVM_MEMMAP_TYPE_UNUSABLE),
            VALUE(MemoryMapType::Disabled, XEN_HVM_MEMMAP_TYPE_DISABLED),
            VALUE(MemoryMapType::Persistent, XEN_HVM_MEMMAP_TYPE_PMEM),
        },
        .structures = {
            STRUCTURE(StartInfo, hvm_start_info,
                MEMBER(magic, magic), MEMBER(version, version), MEMBER(flags, flags), MEMBER(nr_modules, nr_modules),
                MEMBER(module_list_address, modlist_paddr), MEMBER(command_line_address, cmdline_paddr),
                MEMBER(rsdp_address, rsdp_paddr), MEMBER(memory_map_address, memmap_paddr),
                MEMBER(memory_map_entries, memmap_entries), MEMBER(reserved, reserved)),
            STRUCTURE(ModuleListEntry, hvm_modlist_entry,
                MEMBER(address, paddr), MEMBER(size, size), MEMBER(command_line_address, cmdline_paddr),
                MEMBER(reserved, reserved)),
            STRUCTURE(MemoryMapTableEntry, hvm_memmap_table_entry,
                MEMBER(address, addr), MEMBER(size, size), MEMBER(type, type), MEMBER(reserved, reserved)),
        },
    };
}

inline Table types_table()
{
    return {
        .header = "types.hpp",
        .values = {
            VALUE(domid_first_reserved, DOMID_FIRST_RESERVED),
            VALUE(domid_self, DOMID_SELF),
            VALUE(domid_io, DOMID_IO),
            VALUE(domid_xen, DOMID_XEN),
            VALUE(domid_cow, DOMID_COW),
            VALUE(domid_invalid, DOMID_INVALID),
            VALUE(domid_idle, DOMID_IDLE),
            VALUE(domid_mask, DOMID_MASK),
        },
        .structures = {
            STRUCTURE(ControlBitmap, xenctl_bitmap,
                MEMBER(bitmap, bitmap), MEMBER(nr_bits, nr_bits), PADDING(pad)),
        },
    };
}

inline Table vcpu_table()
{
    return {
        .header = "vcpu.hpp",
        .values = {
            VALUE(VcpuCommand::Initialise, VCPUOP_initialise),
            VALUE(VcpuCommand::Up, VCPUOP_up),
            VALUE(VcpuCommand::Down, VCPUOP_down),
            VALUE(VcpuCommand::IsUp, VCPUOP_is_up),
            VALUE(VcpuCommand::GetRunstateInfo, VCPUOP_get_runstate_info),
            VALUE(VcpuCommand::RegisterRunstateMemoryArea, VCPUOP_register_runstate_memory_area),
            VALUE(VcpuCommand::SetPeriodicTimer, VCPUOP_set_periodic_timer),
            VALUE(VcpuCommand::StopPeriodicTimer, VCPUOP_stop_periodic_timer),
            VALUE(VcpuCommand::SetSingleshotTimer, VCPUOP_set_singleshot_timer),
            VALUE(VcpuCommand::StopSingleshotTimer, VCPUOP_stop_singleshot_timer),
            VALUE(VcpuCommand::RegisterVcpuInfo, VCPUOP_register_vcpu_info),
            VALUE(VcpuCommand::SendNmi, VCPUOP_send_nmi),
            VALUE(VcpuCommand::GetPhysid, VCPUOP_get_physid),
            VALUE(VcpuCommand::RegisterVcpuTimeMemoryArea, VCPUOP_register_vcpu_time_memory_area),
            VALUE(Runstate::Running, RUNSTATE_running),
            VALUE(Runstate::Runnable, RUNSTATE_runnable),
            VALUE(Runstate::Blocked, RUNSTATE_blocked),
            VALUE(Runstate::Offline, RUNSTATE_offline),
            VALUE(runstate_update, XEN_RUNSTATE_UPDATE),
            VALUE(singleshot_timer_flag::future, VCPU_SSHOTTMR_future),
        },
        .structures = {
            STRUCTURE(RunstateInfo, vcpu_runstate_info,
                MEMBER(state, state), PADDING(pad), MEMBER(state_entry_time, state_entry_time), MEMBER(time, time)),
            STRUCTURE(VcpuRegisterRunstateMemoryArea, vcpu_register_runstate_memory_area,
                MEMBER(area, addr.h)),
            STRUCTURE(VcpuSetPeriodicTimer, vcpu_set_periodic_timer,
                MEMBER(period_ns, period_ns)),
            STRUCTURE(VcpuSetSingleshotTimer, vcpu_set_singleshot_timer,
                MEMBER(timeout_absolute_ns, timeout_abs_ns), MEMBER(flags, flags), PADDING(pad)),
            STRUCTURE(VcpuRegisterVcpuInfo, vcpu_register_vcpu_info,
                MEMBER(gfn, mfn), MEMBER(offset, offset), MEMBER(reserved, rsvd)),
            STRUCTURE(VcpuGetPhysid, vcpu_get_physid,
                MEMBER(physical_id, phys_id)),
            STRUCTURE(VcpuRegisterTimeMemoryArea, vcpu_register_time_memory_area,
                MEMBER(area, addr.h)),
        },
    };
}

inline Table version_table()
{
    return {
        .header = "version.hpp",
        .values = {
            VALUE(VersionCommand::Version, XENVER_version),
            VALUE(VersionCommand::ExtraVersion, XENVER_extraversion),
            VALUE(VersionCommand::CompileInfo, XENVER_compile_info),
            VALUE(VersionCommand::Capabilities, XENVER_capabilities),
            VALUE(VersionCommand::Changeset, XENVER_changeset),
            VALUE(VersionCommand::PlatformParameters, XENVER_platform_parameters),
            VALUE(VersionCommand::GetFeatures, XENVER_get_features),
            VALUE(VersionCommand::PageSize, XENVER_pagesize),
            VALUE(VersionCommand::GuestHandle, XENVER_guest_handle),
            VALUE(VersionCommand::CommandLine, XENVER_commandline),
            VALUE(VersionCommand::BuildId, XENVER_build_id),
            VALUE(VersionCommand::ExtraVersion2, XENVER_extraversion2),
            VALUE(VersionCommand::Capabilities2, XENVER_capabilities2),
            VALUE(VersionCommand::Changeset2, XENVER_changeset2),
            VALUE(VersionCommand::CommandLine2, XENVER_commandline2),
        },
        .structures = {
            STRUCTURE(ExtraVersion, xen_extraversion_t,
                PADDING(text)),
            STRUCTURE(CompileInfo, xen_compile_info,
                MEMBER(compiler, compiler), MEMBER(compiled_by, compile_by), MEMBER(compile_domain, compile_domain),
                MEMBER(compile_date, compile_date)),
            STRUCTURE(CapabilitiesInfo, xen_capabilities_info_t,
                PADDING(text)),
            STRUCTURE(ChangesetInfo, xen_changeset_info_t,
                PADDING(text)),
            STRUCTURE(PlatformParameters, xen_platform_parameters,
                MEMBER(virt_start, virt_start)),
            STRUCTURE(FeatureInfo, xen_feature_info,
                MEMBER(submap_index, submap_idx), MEMBER(submap, submap)),
            STRUCTURE(CommandLine, xen_commandline_t,
                PADDING(text)),
#ifdef HEADERS_HAVE_VARBUF
            STRUCTURE(VariableBuffer, xen_varbuf,
                MEMBER(length, len)),
#else
            OTHER_RELEASES(VariableBuffer),
#endif
            STRUCTURE(BuildId, xen_build_id,
                MEMBER(length, len)),
        },
    };
}

// clang-format on

inline std::vector<Table> guest_tables()
{
    return {console_table(),           cpuid_table(),     elf_notes_table(), features_table(),
            hypercall_numbers_table(), multicall_table(), sched_table(),     shared_info_table(),
            start_info_table(),        types_table(),     vcpu_table(),      version_table()};
}

}
