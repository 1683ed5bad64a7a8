// SPDX-License-Identifier: MIT
/// A vCPU's registers: in the VMCS, or in the CPU while the vCPU is loaded.
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/guest/control_policy.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "arch/x86_64/vmx/control_registers.hpp"
#include "arch/x86_64/vmx/entry_checks.hpp"
#include "arch/x86_64/vmx/vmx_vcpu.hpp"

namespace hospes::vmx {

using arch::SegmentName;

namespace {

/// Indexed by SegmentName.
constexpr std::array<SegmentFields, 8> segments{segment_fields(0), segment_fields(1), segment_fields(2),
                                                segment_fields(3), segment_fields(4), segment_fields(5),
                                                segment_fields(6), segment_fields(7)};

/// MSRs that guests use directly and the VMCS does not hold.
struct SwitchedMsr {
    u32 number;
    u64 arch::SystemCallRegisters::* place;
};
constexpr std::array<SwitchedMsr, 5> switched_msrs{{
    {msr::star, &arch::SystemCallRegisters::star},
    {msr::lstar, &arch::SystemCallRegisters::lstar},
    {msr::cstar, &arch::SystemCallRegisters::cstar},
    {msr::sfmask, &arch::SystemCallRegisters::sfmask},
    {msr::kernel_gs_base, &arch::SystemCallRegisters::kernel_gs_base},
}};

/// WRMSR would fault on others; AMD's VMLOAD extends the sign likewise.
constexpr u64 canonical(u64 address) { return static_cast<u64>(static_cast<s64>(address << 16) >> 16); }

u64 read_dr6()
{
    u64 value = 0;
    asm volatile("mov %%dr6, %0" : "=r"(value));
    return value;
}
void write_dr6(u64 value) { asm volatile("mov %0, %%dr6" : : "r"(value)); }

u64 read_cr4_of_guest()
{
    return (read(field::guest_cr4) & guest_cr4_bits) | (read(field::cr4_shadow) & ~guest_cr4_bits);
}

constexpr u32 table_limit_mask = 0xffff;
constexpr unsigned high_attributes_shift = 8; ///< of the toolstack's format

u32 to_rights(u16 attributes)
{
    auto const all = SegmentRights{}
                         .with<SegmentRights::Low>(attributes & 0xff)
                         .with<SegmentRights::High>(static_cast<u16>(attributes >> high_attributes_shift));
    if (!all.get<SegmentRights::Present>()) return all.with<SegmentRights::Unusable>(true).raw();
    // A loaded segment has been accessed.
    bool const accessed = all.get<SegmentRights::CodeOrData>() || all.get<SegmentRights::Accessed>();
    return all.with<SegmentRights::Accessed>(accessed).raw();
}

u16 to_attributes(u32 rights)
{
    SegmentRights const all{rights};
    if (all.get<SegmentRights::Unusable>()) return 0;
    return static_cast<u16>(all.get<SegmentRights::Low>() | all.get<SegmentRights::High>() << high_attributes_shift);
}

}

// --- what is in the CPU while loaded ---

void VmxVcpu::load_switched_registers() const
{
    for (SwitchedMsr const& row : switched_msrs) write_msr(row.number, system_calls_.*row.place);
    write_cr2(cr2_);
    write_dr6(dr6_);
}

void VmxVcpu::save_switched_registers()
{
    for (SwitchedMsr const& row : switched_msrs) system_calls_.*row.place = read_msr(row.number);
    cr2_ = read_cr2();
    dr6_ = read_dr6();
}

arch::SystemCallRegisters VmxVcpu::system_calls() const
{
    Visit const visit{*this};
    arch::SystemCallRegisters all = system_calls_;
    if (loaded_)
        for (SwitchedMsr const& row : switched_msrs) all.*row.place = read_msr(row.number);
    all.sysenter_cs = read(field::guest_sysenter_cs);
    all.sysenter_esp = read(field::guest_sysenter_esp);
    all.sysenter_eip = read(field::guest_sysenter_eip);
    return all;
}

void VmxVcpu::set_system_calls(arch::SystemCallRegisters const& value)
{
    Visit const visit{*this};
    system_calls_ = value;
    system_calls_.lstar = canonical(value.lstar);
    system_calls_.cstar = canonical(value.cstar);
    system_calls_.kernel_gs_base = canonical(value.kernel_gs_base);
    system_calls_.sfmask = static_cast<u32>(value.sfmask);
    if (loaded_)
        for (SwitchedMsr const& row : switched_msrs) write_msr(row.number, system_calls_.*row.place);
    write(field::guest_sysenter_cs, static_cast<u32>(value.sysenter_cs));
    write(field::guest_sysenter_esp, canonical(value.sysenter_esp));
    write(field::guest_sysenter_eip, canonical(value.sysenter_eip));
}

arch::DebugRegisters VmxVcpu::debug() const { return {loaded_ ? read_dr6() : dr6_, get(field::guest_dr7)}; }

void VmxVcpu::set_debug(arch::DebugRegisters value)
{
    dr6_ = static_cast<u32>(value.dr6);
    if (loaded_) write_dr6(dr6_);
    set(field::guest_dr7, value.dr7);
}

// --- control registers ---

arch::ControlRegisters VmxVcpu::controls() const
{
    Visit const visit{*this};
    u64 const own_cr0 = own_cr0_bits(capabilities().cr0_must_be_one, capabilities().cr0_may_be_one);
    return {.cr0 = (read(field::guest_cr0) & ~own_cr0) | (read(field::cr0_shadow) & own_cr0),
            .cr2 = loaded_ ? read_cr2() : cr2_,
            .cr3 = read(field::guest_cr3),
            .cr4 = read_cr4_of_guest(),
            .efer = read(field::guest_efer)};
}

u64 VmxVcpu::cr4() const { return read_cr4_of_guest(); }

void VmxVcpu::set_controls(arch::ControlRegisters const& value)
{
    Visit const visit{*this};
    cr2_ = value.cr2;
    if (loaded_) write_cr2(cr2_);
    write_controls(value);
    due_ |= linear_flush | pointer_load;
}

void VmxVcpu::write_controls(arch::ControlRegisters const& value)
{
    Capabilities const& can = capabilities();
    u64 const cr0_mask = own_cr0_bits(can.cr0_must_be_one, can.cr0_may_be_one);
    write(field::guest_cr0, (value.cr0 & ~cr0_mask) | can.cr0_must_be_one);
    write(field::cr0_shadow, value.cr0);
    write(field::guest_cr3, value.cr3);
    write(field::guest_cr4,
          (value.cr4 & guest_cr4_bits) | can.cr4_must_be_one | (read_cr4().raw() & Cr4::MachineCheckEnable::mask));
    write(field::cr4_shadow, value.cr4);
    // The policy may have changed since the last reset, though not since the first entry.
    write(field::cr4_mask, ~(guest_cr4_bits & arch::legal_cr4(virtual_cpu_.virtual_machine().policy)));
    Efer const efer{value.efer};
    bool const long_mode = efer.get<Efer::LongModeEnable>() && Cr0{value.cr0}.get<Cr0::Paging>();
    write(field::guest_efer, efer.with<Efer::LongModeActive>(long_mode).raw());
    EntryControls const entry{read(field::entry_controls)};
    write(field::entry_controls, entry.with<EntryControls::GuestIsLong>(long_mode).raw());
}

// --- segments ---

arch::SegmentRegister VmxVcpu::segment(SegmentName which) const
{
    Visit const visit{*this};
    SegmentFields const& fields = segments[std::to_underlying(which)];
    return {read(fields.selector), to_attributes(read(fields.rights)), read(fields.limit), read(fields.base)};
}

void VmxVcpu::set_segment(SegmentName which, arch::SegmentRegister const& value)
{
    Visit const visit{*this};
    SegmentFields const& fields = segments[std::to_underlying(which)];
    write(fields.selector, value.selector);
    write(fields.rights, to_rights(value.attributes));
    write(fields.limit, value.limit);
    write(fields.base, value.base);
}

/// The stack segment's privilege is the CPU's. (SDM vol. 3, 25.4.1)
arch::CodeLevel VmxVcpu::code_level() const
{
    SegmentRights const code{read(segments[std::to_underlying(SegmentName::Cs)].rights)};
    SegmentRights const stack{read(segments[std::to_underlying(SegmentName::Ss)].rights)};
    u8 const privilege = stack.get<SegmentRights::Privilege>();
    if (code.get<SegmentRights::LongMode>() && Efer{read(field::guest_efer)}.get<Efer::LongModeActive>())
        return {emulator::Mode::Bits64, privilege};
    return {code.get<SegmentRights::Default32>() ? emulator::Mode::Bits32 : emulator::Mode::Bits16, privilege};
}

arch::TableBase VmxVcpu::gdt() const
{
    Visit const visit{*this};
    return {read(field::guest_gdtr_base), read(field::guest_gdtr_limit)};
}

arch::TableBase VmxVcpu::idt() const
{
    Visit const visit{*this};
    return {read(field::guest_idtr_base), read(field::guest_idtr_limit)};
}

void VmxVcpu::set_descriptor_tables(arch::TableBase gdt, arch::TableBase idt)
{
    Visit const visit{*this};
    write(field::guest_gdtr_base, gdt.base);
    write(field::guest_gdtr_limit, gdt.limit & table_limit_mask);
    write(field::guest_idtr_base, idt.base);
    write(field::guest_idtr_limit, idt.limit & table_limit_mask);
}

// --- the rest ---

u64 VmxVcpu::pat() const { return get(field::guest_pat); }
void VmxVcpu::set_pat(u64 value) { set(field::guest_pat, value); }
void VmxVcpu::set_tsc_offset(u64 offset) { set(field::tsc_offset, offset); }

void VmxVcpu::set_second_stage(Hpa root)
{
    constexpr u8 last_of_four_levels = 3;
    bool const write_back = capabilities().ept.get<EptAndVpid::WriteBack>();
    ept_ =
        EptPointer{root.raw()}
            .with<EptPointer::TableMemory>(write_back ? EptPointer::Memory::WriteBack : EptPointer::Memory::Uncacheable)
            .with<EptPointer::LastLevel>(last_of_four_levels);
    set(field::ept_pointer, ept_.raw());
    due_ |= ept_flush;
}

/// The seam's bitmap is what VMX wants, in two halves; accesses past the last port always exit.
void VmxVcpu::set_port_bitmap(Hpa bitmap)
{
    set(field::io_bitmap_a, bitmap.raw());
    set(field::io_bitmap_b, (bitmap + page_size).raw());
}

namespace {

GuestState read_guest_state()
{
    Capabilities const& can = capabilities();
    constexpr u32 address_sizes_leaf = 0x8000'0008;
    GuestState state{
        .cr0 = read(field::guest_cr0),
        .cr3 = read(field::guest_cr3),
        .cr4 = read(field::guest_cr4),
        .efer = read(field::guest_efer),
        .pat = read(field::guest_pat),
        .dr7 = read(field::guest_dr7),
        .debug_control = read(field::guest_debug_control),
        .rip = read(field::guest_rip),
        .rflags = read(field::guest_rflags),
        .sysenter_esp = read(field::guest_sysenter_esp),
        .sysenter_eip = read(field::guest_sysenter_eip),
        .gdtr_base = read(field::guest_gdtr_base),
        .idtr_base = read(field::guest_idtr_base),
        .gdtr_limit = read(field::guest_gdtr_limit),
        .idtr_limit = read(field::guest_idtr_limit),
        .activity_state = read(field::guest_activity_state),
        .interruptibility = read(field::guest_interruptibility),
        .pending_debug = read(field::guest_pending_debug),
        .entry_event = read(field::entry_event),
        .link_pointer = read(field::link_pointer),
        .long_mode = EntryControls{read(field::entry_controls)}.get<EntryControls::GuestIsLong>(),
        .cr0_must_be_one = can.cr0_must_be_one,
        .cr0_may_be_one = can.cr0_may_be_one,
        .cr4_must_be_one = can.cr4_must_be_one,
        .cr4_may_be_one = can.cr4_may_be_one,
        .physical_bits = read_cpuid(address_sizes_leaf).eax & 0xff,
    };
    for (size_t i = 0; i < segments.size(); ++i)
        state.segments[i] = {read(segments[i].selector), read(segments[i].limit), read(segments[i].rights),
                             read(segments[i].base)};
    return state;
}

}

/// (SDM vol. 3, 27.8)
std::string_view VmxVcpu::describe_entry_failure() const
{
    Visit const visit{*this};
    if (failed_reason_ == 0) return describe_instruction_error(read(field::instruction_error));
    if (failed_reason_ == reason::msr_loading) return "an MSR that cannot be loaded";
    enum Qualification : u64 { page_directory_pointers = 2, nmi_injection = 3, link_pointer = 4 };
    switch (read(field::exit_qualification)) {
    case page_directory_pointers: return "a page directory pointer entry (PDPTE)";
    case nmi_injection: return "an NMI to deliver in an interrupt shadow";
    case link_pointer: return "VMCS link pointer";
    default: return describe_bad_state(read_guest_state());
    }
}

}
