// SPDX-License-Identifier: MIT
/// The virtual machine control structure: its fields, typed by width, and the layouts of their values.
/// (SDM vol. 3, chapter 25 and appendix B)
#pragma once

#include <type_traits>

#include "kernel/lib/bit_register.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes::vmx {

/// A field that holds a `Value`. The width is part of the encoding, so a wrong declaration does not compile.
/// (SDM vol. 3, table 25-21)
template <typename Value_>
class VmcsField {
public:
    using Value = Value_;
    consteval explicit VmcsField(u32 encoding) : encoding_{encoding}
    {
        if ((encoding >> 13 & 3) != width_code && (encoding >> 13 & 3) != natural_code) width_of_value_differs();
        if (sizeof(Value) != sizeof(u64) && (encoding >> 13 & 3) == natural_code) width_of_value_differs();
    }
    [[nodiscard]] constexpr u32 encoding() const { return encoding_; }

private:
    static constexpr u32 natural_code = 3;
    static constexpr u32 width_code = sizeof(Value) == sizeof(u16) ? 0 : sizeof(Value) == sizeof(u64) ? 1 : 2;
    static void width_of_value_differs(); ///< not constexpr: calling it is the compiler's error
    u32 encoding_;
};

/// (SDM vol. 3, appendix B, in its order)
namespace field {
inline constexpr VmcsField<u16> vpid{0x0000};
inline constexpr VmcsField<u16> guest_ldtr_selector{0x080c};
inline constexpr VmcsField<u16> guest_tr_selector{0x080e};
inline constexpr VmcsField<u16> guest_interrupt_status{0x0810};
inline constexpr VmcsField<u16> host_es_selector{0x0c00};
inline constexpr VmcsField<u16> host_cs_selector{0x0c02};
inline constexpr VmcsField<u16> host_ss_selector{0x0c04};
inline constexpr VmcsField<u16> host_ds_selector{0x0c06};
inline constexpr VmcsField<u16> host_fs_selector{0x0c08};
inline constexpr VmcsField<u16> host_gs_selector{0x0c0a};
inline constexpr VmcsField<u16> host_tr_selector{0x0c0c};

inline constexpr VmcsField<u64> io_bitmap_a{0x2000}; ///< ports 0 to 7FFF
inline constexpr VmcsField<u64> io_bitmap_b{0x2002}; ///< ports 8000 to FFFF
inline constexpr VmcsField<u64> msr_bitmap{0x2004};
inline constexpr VmcsField<u64> tsc_offset{0x2010};
inline constexpr VmcsField<u64> virtual_apic_page{0x2012};
inline constexpr VmcsField<u64> ept_pointer{0x201a};
inline constexpr VmcsField<u64> end_of_interrupt_exits_0{0x201c}; ///< vectors 0 to 63
inline constexpr VmcsField<u64> end_of_interrupt_exits_1{0x201e};
inline constexpr VmcsField<u64> end_of_interrupt_exits_2{0x2020};
inline constexpr VmcsField<u64> end_of_interrupt_exits_3{0x2022};
inline constexpr VmcsField<u64> guest_physical_address{0x2400};
inline constexpr VmcsField<u64> link_pointer{0x2800};
inline constexpr VmcsField<u64> guest_debug_control{0x2802};
inline constexpr VmcsField<u64> guest_pat{0x2804};
inline constexpr VmcsField<u64> guest_efer{0x2806};
inline constexpr VmcsField<u64> guest_pdpte0{0x280a};
inline constexpr VmcsField<u64> guest_pdpte1{0x280c};
inline constexpr VmcsField<u64> guest_pdpte2{0x280e};
inline constexpr VmcsField<u64> guest_pdpte3{0x2810};
inline constexpr VmcsField<u64> host_pat{0x2c00};
inline constexpr VmcsField<u64> host_efer{0x2c02};

inline constexpr VmcsField<u32> pin_controls{0x4000};
inline constexpr VmcsField<u32> primary_controls{0x4002};
inline constexpr VmcsField<u32> exception_bitmap{0x4004};
inline constexpr VmcsField<u32> page_fault_mask{0x4006};
inline constexpr VmcsField<u32> page_fault_match{0x4008};
inline constexpr VmcsField<u32> cr3_target_count{0x400a};
inline constexpr VmcsField<u32> exit_controls{0x400c};
inline constexpr VmcsField<u32> exit_msr_store_count{0x400e};
inline constexpr VmcsField<u32> exit_msr_load_count{0x4010};
inline constexpr VmcsField<u32> entry_controls{0x4012};
inline constexpr VmcsField<u32> entry_msr_load_count{0x4014};
inline constexpr VmcsField<u32> entry_event{0x4016};
inline constexpr VmcsField<u32> entry_error_code{0x4018};
inline constexpr VmcsField<u32> tpr_threshold{0x401c};
inline constexpr VmcsField<u32> secondary_controls{0x401e};
inline constexpr VmcsField<u32> instruction_error{0x4400};
inline constexpr VmcsField<u32> exit_reason{0x4402};
inline constexpr VmcsField<u32> exit_event{0x4404};
inline constexpr VmcsField<u32> exit_error_code{0x4406};
inline constexpr VmcsField<u32> interrupted_event{0x4408}; ///< IDT-vectoring information
inline constexpr VmcsField<u32> interrupted_error_code{0x440a};
inline constexpr VmcsField<u32> exit_instruction_length{0x440c};
inline constexpr VmcsField<u32> guest_gdtr_limit{0x4810};
inline constexpr VmcsField<u32> guest_idtr_limit{0x4812};
inline constexpr VmcsField<u32> guest_interruptibility{0x4824};
inline constexpr VmcsField<u32> guest_activity_state{0x4826};
inline constexpr VmcsField<u32> guest_sysenter_cs{0x482a};
inline constexpr VmcsField<u32> host_sysenter_cs{0x4c00};

inline constexpr VmcsField<u64> cr0_mask{0x6000};
inline constexpr VmcsField<u64> cr4_mask{0x6002};
inline constexpr VmcsField<u64> cr0_shadow{0x6004};
inline constexpr VmcsField<u64> cr4_shadow{0x6006};
inline constexpr VmcsField<u64> exit_qualification{0x6400};
inline constexpr VmcsField<u64> guest_cr0{0x6800};
inline constexpr VmcsField<u64> guest_cr3{0x6802};
inline constexpr VmcsField<u64> guest_cr4{0x6804};
inline constexpr VmcsField<u64> guest_gdtr_base{0x6816};
inline constexpr VmcsField<u64> guest_idtr_base{0x6818};
inline constexpr VmcsField<u64> guest_dr7{0x681a};
inline constexpr VmcsField<u64> guest_rsp{0x681c};
inline constexpr VmcsField<u64> guest_rip{0x681e};
inline constexpr VmcsField<u64> guest_rflags{0x6820};
inline constexpr VmcsField<u64> guest_pending_debug{0x6822};
inline constexpr VmcsField<u64> guest_sysenter_esp{0x6824};
inline constexpr VmcsField<u64> guest_sysenter_eip{0x6826};
inline constexpr VmcsField<u64> host_cr0{0x6c00};
inline constexpr VmcsField<u64> host_cr3{0x6c02};
inline constexpr VmcsField<u64> host_cr4{0x6c04};
inline constexpr VmcsField<u64> host_fs_base{0x6c06};
inline constexpr VmcsField<u64> host_gs_base{0x6c08};
inline constexpr VmcsField<u64> host_tr_base{0x6c0a};
inline constexpr VmcsField<u64> host_gdtr_base{0x6c0c};
inline constexpr VmcsField<u64> host_idtr_base{0x6c0e};
inline constexpr VmcsField<u64> host_sysenter_esp{0x6c10};
inline constexpr VmcsField<u64> host_sysenter_eip{0x6c12};
inline constexpr VmcsField<u64> host_rsp{0x6c14}; ///< written by vmx_entry.S
inline constexpr VmcsField<u64> host_rip{0x6c16};
}

/// The four fields of a guest's segment register.
struct SegmentFields {
    VmcsField<u16> selector;
    VmcsField<u32> limit;
    VmcsField<u32> rights;
    VmcsField<u64> base;
};
/// Fields of consecutive registers are two apart in each group.
consteval SegmentFields segment_fields(u32 index)
{
    return {VmcsField<u16>{0x0800 + 2 * index}, VmcsField<u32>{0x4800 + 2 * index}, VmcsField<u32>{0x4814 + 2 * index},
            VmcsField<u64>{0x6806 + 2 * index}};
}

/// (SDM vol. 3, table 25-2)
struct SegmentRights : Register<SegmentRights, u32> {
    using Register::Register;
    using Type = Field<SegmentRights, 3, 0, u8>;
    using Accessed = Field<SegmentRights, 0>; ///< of code and data
    using CodeOrData = Field<SegmentRights, 4>;
    using Privilege = Field<SegmentRights, 6, 5, u8>;
    using Present = Field<SegmentRights, 7>;
    using Low = Field<SegmentRights, 7, 0, u16>; ///< all of the above, as in the descriptor
    using LongMode = Field<SegmentRights, 13>;
    using Default32 = Field<SegmentRights, 14>;
    using Granularity = Field<SegmentRights, 15>;
    using High = Field<SegmentRights, 15, 12, u16>; ///< AVL, L, D/B, G
    using Unusable = Field<SegmentRights, 16>;
    using Reserved = Field<SegmentRights, 11, 8, u8>;
};

/// (SDM vol. 3, table 25-3)
struct Interruptibility : Register<Interruptibility, u32> {
    using Register::Register;
    using BySti = Field<Interruptibility, 0>;
    using ByMovSs = Field<Interruptibility, 1>;
    using Shadow = Field<Interruptibility, 1, 0, u8>; ///< either
    using ByNmi = Field<Interruptibility, 3>;
};

/// Which vectors of the virtual-APIC page come next. (SDM vol. 3, 25.4.2)
struct InterruptStatus : Register<InterruptStatus> {
    using Register::Register;
    using Requested = Field<InterruptStatus, 7, 0, u8>;
    using InService = Field<InterruptStatus, 15, 8, u8>;
};

/// (SDM vol. 3, table 25-4)
struct PendingDebug : Register<PendingDebug> {
    using Register::Register;
    using SingleStep = Field<PendingDebug, 14>;
};

/// VM-entry and VM-exit interruption information, and IDT-vectoring information: alike in these fields.
/// (SDM vol. 3, tables 25-16, 25-18 and 25-19)
struct EventInformation : Register<EventInformation, u32> {
    using Register::Register;
    enum class Type : u8 {
        Interrupt = 0,
        Nmi = 2,
        HardwareException = 3,
        SoftwareInterrupt = 4,
        PrivilegedSoftwareException = 5, ///< INT1
        SoftwareException = 6,           ///< INT3, INTO
    };
    using Vector = Field<EventInformation, 7, 0, u8>;
    using Kind = Field<EventInformation, 10, 8, Type>;
    using HasErrorCode = Field<EventInformation, 11>;
    using NmiUnblocked = Field<EventInformation, 12>; ///< the exit came from an IRET that had ended the blocking
    using Valid = Field<EventInformation, 31>;
};

/// (SDM vol. 3, table 25-15)
struct ExitReason : Register<ExitReason> {
    using Register::Register;
    using Basic = Field<ExitReason, 15, 0, u16>;
    using EntryFailed = Field<ExitReason, 31>;
};

/// Basic exit reasons. (SDM vol. 3, appendix C)
namespace reason {
inline constexpr u16 exception_or_nmi = 0;
inline constexpr u16 external_interrupt = 1;
inline constexpr u16 triple_fault = 2;
inline constexpr u16 init = 3;
inline constexpr u16 startup = 4;
inline constexpr u16 interrupt_window = 7;
inline constexpr u16 nmi_window = 8;
inline constexpr u16 task_switch = 9;
inline constexpr u16 cpuid = 10;
inline constexpr u16 getsec = 11;
inline constexpr u16 hlt = 12;
inline constexpr u16 invd = 13;
inline constexpr u16 rdpmc = 15;
inline constexpr u16 rsm = 17;
inline constexpr u16 vmcall = 18;
inline constexpr u16 vmclear = 19;
inline constexpr u16 vmxon = 27; ///< and all VMX instructions in between
inline constexpr u16 control_register = 28;
inline constexpr u16 port = 30;
inline constexpr u16 rdmsr = 31;
inline constexpr u16 wrmsr = 32;
inline constexpr u16 invalid_guest_state = 33;
inline constexpr u16 msr_loading = 34;
inline constexpr u16 mwait = 36;
inline constexpr u16 monitor = 39;
inline constexpr u16 machine_check_at_entry = 41;
inline constexpr u16 tpr_below_threshold = 43;
inline constexpr u16 virtualized_end_of_interrupt = 45;
inline constexpr u16 ept_violation = 48;
inline constexpr u16 ept_misconfiguration = 49;
inline constexpr u16 invept = 50;
inline constexpr u16 invvpid = 53;
inline constexpr u16 wbinvd = 54;
inline constexpr u16 xsetbv = 55;
inline constexpr u16 apic_write = 56;
inline constexpr u16 vmfunc = 59;
inline constexpr u16 encls = 60;
inline constexpr u16 seamcall = 76; ///< CPUs with TDX leave the guest for these two whatever the controls say
inline constexpr u16 tdcall = 77;
inline constexpr u16 table_size = 78;
}

/// Exit qualification of a port access. (SDM vol. 3, table 28-5)
struct PortQualification : Register<PortQualification> {
    using Register::Register;
    using LastByte = Field<PortQualification, 2, 0, u8>; ///< size less one
    using In = Field<PortQualification, 3>;
    using String = Field<PortQualification, 4>;
    using Port = Field<PortQualification, 31, 16, u16>;
};

/// Of what the CPU does for the APIC. (SDM vol. 3, 30.1.4 and 30.4.3.3)
struct ApicQualification : Register<ApicQualification> {
    using Register::Register;
    using Vector = Field<ApicQualification, 7, 0, u8>;   ///< of a virtualized end of interrupt
    using Offset = Field<ApicQualification, 11, 0, u16>; ///< of a write
};

/// Of an EPT violation. (SDM vol. 3, table 28-7)
struct EptQualification : Register<EptQualification> {
    using Register::Register;
    using Write = Field<EptQualification, 1>;
    using Execute = Field<EptQualification, 2>;
    using Allowed = Field<EptQualification, 5, 3, u8>; ///< what the entries permitted: 0 where one is not present
    using HasLinear = Field<EptQualification, 7>;
    using FinalAccess = Field<EptQualification, 8>; ///< not the page walk
    using NmiUnblocked = Field<EptQualification, 12>;
};

/// Of an access to a control register. (SDM vol. 3, table 28-3)
struct ControlRegisterQualification : Register<ControlRegisterQualification> {
    using Register::Register;
    enum class Type : u8 { MoveTo = 0, MoveFrom = 1, Clts = 2, Lmsw = 3 };
    using Number = Field<ControlRegisterQualification, 3, 0, u8>;
    using Access = Field<ControlRegisterQualification, 5, 4, Type>;
    using GeneralRegister = Field<ControlRegisterQualification, 11, 8, u8>; ///< an emulator::Gpr
    using LmswSource = Field<ControlRegisterQualification, 31, 16, u16>;
};

/// Of a #DB: what DR6 gets. (SDM vol. 3, table 28-1)
inline constexpr u64 debug_qualification_bits = 0x600f;

/// (SDM vol. 3, table 25-9)
struct EptPointer : Register<EptPointer> {
    using Register::Register;
    enum class Memory : u8 { Uncacheable = 0, WriteBack = 6 };
    using TableMemory = Field<EptPointer, 2, 0, Memory>;
    using LastLevel = Field<EptPointer, 5, 3, u8>; ///< page-walk length less one
};

}
