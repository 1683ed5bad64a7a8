// SPDX-License-Identifier: MIT
/// A vCPU's registers in the VMCB's state save area, and what VMRUN demands of them.
#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/svm/svm_vcpu.hpp"

namespace hospes::svm {

namespace {

/// Indexed by SegmentName.
constexpr std::array<Segment Vmcb::*, 8> segments{&Vmcb::es, &Vmcb::cs, &Vmcb::ss,   &Vmcb::ds,
                                                  &Vmcb::fs, &Vmcb::gs, &Vmcb::ldtr, &Vmcb::tr};

constexpr u64 svm_enable = Efer{}.with<Efer::SvmEnable>(true).raw();
constexpr u16 privilege_shift = 5; ///< of DPL in the attributes
constexpr u64 upper_half = ~u64{0xffff'ffff};
constexpr u16 long_segment = 1 << 9;    ///< CS.L
constexpr u16 default_32_bit = 1 << 10; ///< CS.D

}

arch::ControlRegisters SvmVcpu::controls() const
{
    return {vmcb_.cr0, vmcb_.cr2, vmcb_.cr3, cr4_, vmcb_.efer & ~svm_enable};
}

void SvmVcpu::set_controls(arch::ControlRegisters const& value)
{
    vmcb_.cr0 = value.cr0;
    vmcb_.cr2 = value.cr2;
    vmcb_.cr3 = value.cr3;
    set_cr4(value.cr4);
    vmcb_.efer = value.efer | svm_enable;
    changed<CleanBits::ControlRegisters>();
    changed<CleanBits::Cr2>();
    asid_ = {};
}

/// The machine's #MC would be a shutdown without CR4.MCE, whoever runs. Where a guest has not set it, reads exit too.
void SvmVcpu::set_cr4(u64 value)
{
    cr4_ = value;
    vmcb_.cr4 = value | (read_cr4().raw() & Cr4::MachineCheckEnable::mask);
    vmcb_.control_register_intercepts =
        static_cast<u32>(ControlRegisterIntercepts{}
                             .with<ControlRegisterIntercepts::WriteCr4>(true)
                             .with<ControlRegisterIntercepts::ReadCr4>(vmcb_.cr4 != cr4_)
                             .raw());
    changed<CleanBits::Intercepts>();
}

arch::SegmentRegister SvmVcpu::segment(arch::SegmentName which) const
{
    Segment const& segment = vmcb_.*segments[std::to_underlying(which)];
    return {segment.selector, segment.attributes, segment.limit, segment.base};
}

void SvmVcpu::set_segment(arch::SegmentName which, arch::SegmentRegister const& value)
{
    // The VMCB packs the descriptor's flags behind its type byte; the toolstack's format has done the same.
    vmcb_.*segments[std::to_underlying(which)] = {value.selector, value.attributes, value.limit, value.base};
    if (which == arch::SegmentName::Ss) vmcb_.cpl = value.attributes >> privilege_shift & 3;
    changed<CleanBits::Segments>();
}

arch::CodeLevel SvmVcpu::code_level() const
{
    if (Efer{vmcb_.efer}.get<Efer::LongModeActive>() && (vmcb_.cs.attributes & long_segment) != 0)
        return {emulator::Mode::Bits64, vmcb_.cpl};
    bool const is_32_bit = (vmcb_.cs.attributes & default_32_bit) != 0;
    return {is_32_bit ? emulator::Mode::Bits32 : emulator::Mode::Bits16, vmcb_.cpl};
}

void SvmVcpu::set_descriptor_tables(arch::TableBase gdt, arch::TableBase idt)
{
    vmcb_.gdtr = {0, 0, gdt.limit, gdt.base};
    vmcb_.idtr = {0, 0, idt.limit, idt.base};
    changed<CleanBits::DescriptorTables>();
}

arch::SystemCallRegisters SvmVcpu::system_calls() const
{
    return {vmcb_.star,           vmcb_.lstar,       vmcb_.cstar,        vmcb_.sfmask,
            vmcb_.kernel_gs_base, vmcb_.sysenter_cs, vmcb_.sysenter_esp, vmcb_.sysenter_eip};
}

void SvmVcpu::set_system_calls(arch::SystemCallRegisters const& value)
{
    vmcb_.star = value.star;
    vmcb_.lstar = value.lstar;
    vmcb_.cstar = value.cstar;
    vmcb_.sfmask = value.sfmask;
    vmcb_.kernel_gs_base = value.kernel_gs_base;
    vmcb_.sysenter_cs = value.sysenter_cs;
    vmcb_.sysenter_esp = value.sysenter_esp;
    vmcb_.sysenter_eip = value.sysenter_eip;
}

void SvmVcpu::set_debug(arch::DebugRegisters value)
{
    vmcb_.dr6 = value.dr6;
    vmcb_.dr7 = value.dr7;
    changed<CleanBits::DebugRegisters>();
}

void SvmVcpu::set_pat(u64 value)
{
    vmcb_.pat = value;
    changed<CleanBits::NestedPaging>();
}

/// The consistency checks of VMRUN, in the manual's order. (APM vol. 2, 15.5.1)
std::string_view SvmVcpu::describe_entry_failure() const
{
    Cr0 const cr0{vmcb_.cr0};
    Cr4 const cr4{vmcb_.cr4};
    Efer const efer{vmcb_.efer};
    bool const paging = cr0.get<Cr0::Paging>();
    bool const long_mode = efer.get<Efer::LongModeEnable>() && paging;
    if (!cr0.get<Cr0::CacheDisable>() && cr0.get<Cr0::NotWriteThrough>()) return "CR0.NW without CR0.CD";
    if ((cr0.raw() & upper_half) != 0) return "CR0 bits 63..32";
    if ((vmcb_.dr6 & upper_half) != 0) return "DR6 bits 63..32";
    if ((vmcb_.dr7 & upper_half) != 0) return "DR7 bits 63..32";
    if (long_mode && !cr4.get<Cr4::PhysicalAddressExtension>()) return "long mode without CR4.PAE";
    if (long_mode && !cr0.get<Cr0::ProtectedMode>()) return "long mode without CR0.PE";
    if (long_mode && (vmcb_.cs.attributes & long_segment) != 0 && (vmcb_.cs.attributes & default_32_bit) != 0)
        return "CS.L and CS.D";
    if (vmcb_.asid == 0) return "ASID 0";
    return "a reserved bit, an event that cannot be injected, or the permission maps";
}

}
