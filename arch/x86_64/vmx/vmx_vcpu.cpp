// SPDX-License-Identifier: MIT
/// Entering a guest: what must be in the structure before, and what is taken from it after.
#include "arch/x86_64/vmx/vmx_vcpu.hpp"

#include "arch/x86_64/cpu/per_cpu.hpp"
#include "arch/x86_64/guest/guest_paging.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "arch/x86_64/vmx/control_registers.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/mm/frame_allocator.hpp"

/// 0 if VMLAUNCH or VMRESUME failed.
extern "C" hospes::u64 vmx_enter(hospes::u64* gpr, hospes::u64 launched);
extern "C" void vmx_exit(); // where exits arrive; not to be called

namespace hospes::vmx {

using emulator::Gpr;
using Type = EventInformation::Type;

namespace {

/// #DB and #AC can otherwise storm inside the CPU without ever leaving the guest. (security.md: XSA-156)
constexpr u32 always_exceptions =
    1U << exception::debug | 1U << exception::alignment_check | 1U << exception::machine_check;

constexpr u32 interrupt_window = static_cast<u32>(PrimaryControls::InterruptWindow::mask);
constexpr u32 nmi_window = static_cast<u32>(PrimaryControls::NmiWindow::mask);

constexpr std::array event_types{Type::Interrupt, Type::Nmi, Type::HardwareException}; ///< by Event::Kind

/// A new structure's contents are undefined; these mean "none" everywhere. (SDM vol. 3, 25.11.3)
constexpr std::array zero_words{
    field::page_fault_mask,        field::page_fault_match,     field::cr3_target_count, field::exit_msr_store_count,
    field::exit_msr_load_count,    field::entry_msr_load_count, field::entry_event,      field::tpr_threshold,
    field::guest_interruptibility, field::guest_activity_state, field::host_sysenter_cs,
};
constexpr std::array zero_selectors{field::host_fs_selector, field::host_gs_selector};
constexpr std::array zero_values{
    field::tsc_offset,        field::guest_debug_control, field::guest_pending_debug, field::host_sysenter_esp,
    field::host_sysenter_eip, field::guest_rip,           field::guest_rflags,        field::guest_rsp,
};

u32 base_primary() { return capabilities().control(ControlWord::Primary); }
bool has_vpid() { return capabilities().uses<SecondaryControls::Vpid>(ControlWord::Secondary); }

void write_if_changed(VmcsField<u64> field, u64& set, u64 value)
{
    if (set != value) write(field, set = value);
}

void make_current(Hpa structure)
{
    if (!vmptrld(structure)) panic("VMPTRLD of {:x} fails", structure);
}

void make_clear(Hpa structure)
{
    if (!vmclear(structure)) panic("VMCLEAR of {:x} fails", structure);
}

}

void VmxVcpu::Visit::arrive() const { make_current(address_of(vcpu_.structure_)); }

void VmxVcpu::Visit::depart() const
{
    make_clear(address_of(vcpu_.structure_));
    if (Hpa const interrupted = this_cpu().current; interrupted != Hpa{}) make_current(interrupted);
}

VmxVcpu::VmxVcpu(arch::VirtualCpu& cpu, Hfn structure) : virtual_cpu_{cpu}, structure_{structure}
{
    make_clear(address_of(structure_)); // initialises what only the CPU knows
    write_initial_controls();
}

VmxVcpu::~VmxVcpu() { frames::free(structure_); }

void VmxVcpu::write_initial_controls()
{
    Visit const visit{*this};
    Capabilities const& can = capabilities();
    for (auto const zero : zero_words) write(zero, 0);
    for (auto const zero : zero_selectors) write(zero, 0);
    for (auto const zero : zero_values) write(zero, 0);
    write(field::pin_controls, can.control(ControlWord::Pin));
    write(field::primary_controls, base_primary());
    write(field::secondary_controls, can.control(ControlWord::Secondary));
    write(field::exit_controls, can.control(ControlWord::Exit));
    write(field::entry_controls, can.control(ControlWord::Entry));
    write(field::exception_bitmap, always_exceptions);
    write(field::msr_bitmap, msr_bitmap().raw());
    write(field::virtual_apic_page, address_of(virtual_cpu_.apic_frame()).raw());
    write(field::cr0_mask, own_cr0_bits(can.cr0_must_be_one, can.cr0_may_be_one));
    write(field::link_pointer, ~u64{0}); // no shadow structure
    // Translations are tagged with the EPT root as well, so the number within the domain tells enough apart.
    // (SDM vol. 3, 29.4.1)
    if (has_vpid()) write(field::vpid, static_cast<u16>(virtual_cpu_.vcpu.id() + 1));
}

// --- coming and going ---

/// Constant for a CPU. (SDM vol. 3, 25.5)
void VmxVcpu::write_host_state()
{
    CpuBlock& block = this_cpu_block();
    write(field::host_cr0, read_cr0().raw());
    write(field::host_cr3, read_cr3().raw());
    write(field::host_cr4, read_cr4().raw());
    write(field::host_efer, read(msr::efer).raw());
    write(field::host_pat, read(msr::page_attribute_table));
    write(field::host_cs_selector, selector::code);
    for (auto const data : {field::host_ss_selector, field::host_ds_selector, field::host_es_selector})
        write(data, selector::data);
    write(field::host_tr_selector, selector::task_state);
    write(field::host_tr_base, reinterpret_cast<u64>(&block.task_state));
    write(field::host_gdtr_base, reinterpret_cast<u64>(block.descriptors.data()));
    write(field::host_idtr_base, interrupt_descriptor_base());
    write(field::host_fs_base, read(msr::fs_base));
    write(field::host_gs_base, read(msr::gs_base));
    write(field::host_rip, reinterpret_cast<u64>(&vmx_exit));
}

void VmxVcpu::load()
{
    Cpu& here = this_cpu();
    make_current(address_of(structure_));
    here.current = address_of(structure_);
    loaded_ = true;
    if (cpu_ != &here) {
        cpu_ = &here;
        write_host_state();
        due_ |= ept_flush; // what this CPU remembers of the domain may be old
    }
    load_switched_registers();
}

void VmxVcpu::unload()
{
    save_switched_registers();
    make_clear(address_of(structure_));
    launched_ = false;
    loaded_ = false;
    cpu_->current = {};
}

// --- entering ---

void VmxVcpu::discharge_dues(bool flush)
{
    if ((due_ & pointer_load) != 0) load_page_directory_pointers();
    EptAndVpid const can = capabilities().ept;
    bool done = true;
    if (flush || (due_ & ept_flush) != 0)
        done =
            invept(can.get<EptAndVpid::InveptSingle>() ? Invalidation::SingleContext : Invalidation::AllContexts, ept_);
    else if ((due_ & linear_flush) != 0 && has_vpid() && can.get<EptAndVpid::Invvpid>() &&
             can.get<EptAndVpid::InvvpidSingle>())
        done = invvpid(Invalidation::SingleContext, static_cast<u16>(virtual_cpu_.vcpu.id() + 1));
    else if ((due_ & linear_flush) != 0 && has_vpid())
        done = invept(Invalidation::AllContexts, ept_);
    if (!done) panic("INVEPT or INVVPID fails");
    due_ = 0;
}

arch::Exit VmxVcpu::enter(bool flush)
{
    if (flush || due_ != 0) [[unlikely]]
        discharge_dues(flush);
    if (!events_.is_empty()) prepare_event();
    apply_windows();
    write_if_changed(field::guest_rip, rip_set_, registers_.rip);
    write_if_changed(field::guest_rflags, rflags_set_, registers_.rflags | Rflags::AlwaysOne::mask);
    write_if_changed(field::guest_rsp, rsp_set_, registers_[Gpr::Rsp]);

    if (vmx_enter(registers_.gpr.data(), launched_) == 0) {
        failed_reason_ = 0;
        return arch::ExitKind::EntryFailure;
    }
    ExitReason const reason{read(field::exit_reason)};
    if (reason.get<ExitReason::EntryFailed>()) {
        failed_reason_ = reason.get<ExitReason::Basic>();
        if (failed_reason_ == reason::machine_check_at_entry) return arch::ExitKind::MachineCheck;
        return arch::ExitKind::EntryFailure;
    }
    launched_ = true;
    registers_.rip = rip_set_ = read(field::guest_rip);
    registers_.rflags = rflags_set_ = read(field::guest_rflags);
    registers_[Gpr::Rsp] = rsp_set_ = read(field::guest_rsp);
    if (EventInformation{read(field::interrupted_event)}.get<EventInformation::Valid>()) collect_interrupted_delivery();
    u16 const basic = reason.get<ExitReason::Basic>();
    arch::ExitKind const kind = kind_of(basic);
    return arch::Exit::made_of(kind, [&] { return describe_exit(basic, kind); });
}

/// The exit came while an event was being delivered: deliver it again. What an instruction raised on purpose (INT n,
/// INT3, INTO, INT1) needs nothing, RIP is still on the instruction. (SDM vol. 3, 28.2.4)
void VmxVcpu::collect_interrupted_delivery()
{
    EventInformation const event{read(field::interrupted_event)};
    auto const kind = std::ranges::find(event_types, event.get<EventInformation::Kind>());
    if (kind == event_types.end()) return;
    bool const has_error_code = event.get<EventInformation::HasErrorCode>();
    events_.add({.kind = static_cast<arch::Event::Kind>(kind - event_types.begin()),
                 .vector = event.get<EventInformation::Vector>(),
                 .has_error_code = has_error_code,
                 .error_code = has_error_code ? read(field::interrupted_error_code) : 0});
    // An NMI's delivery begins anew, so the guest is not in its NMI handler yet.
    if (*kind != Type::Nmi) return;
    Interruptibility const state{read(field::guest_interruptibility)};
    write(field::guest_interruptibility, state.with<Interruptibility::ByNmi>(false).raw());
}

/// The CPU loads PDPTEs only when the guest itself turns PAE paging on. (SDM vol. 3, 27.3.1.6)
void VmxVcpu::load_page_directory_pointers()
{
    arch::ControlRegisters const now = controls();
    if (!Cr0{now.cr0}.get<Cr0::Paging>() || arch::paging_shape(now) != arch::pae_paging) return;
    Gpa const where = arch::paging_root(arch::pae_paging, now.cr3);
    auto const frame = virtual_cpu_.vcpu.domain().physmap.reference(frame_of(where), false);
    if (!frame) return; // the CPU will refuse what is there
    std::array<u64, 4> entries{};
    std::memcpy(entries.data(), static_cast<u8*>(arch::reach(frame->frame())) + offset_in_page(where), sizeof entries);
    constexpr std::array fields{field::guest_pdpte0, field::guest_pdpte1, field::guest_pdpte2, field::guest_pdpte3};
    for (size_t i = 0; i < fields.size(); ++i) write(fields[i], entries[i]);
}

// --- events ---

void VmxVcpu::inject(arch::Event event)
{
    events_.add(event);
    // An exception's delivery ends the shadow of the instruction before it.
    Interruptibility const state{get(field::guest_interruptibility)};
    if (event.kind == arch::Event::Kind::Exception && state.get<Interruptibility::Shadow>() != 0) end_shadow();
}

void VmxVcpu::forget_events()
{
    Visit const visit{*this};
    events_ = {};
    windows_wanted_ = {};
    for (auto const nothing : {field::entry_event, field::guest_interruptibility, field::guest_activity_state})
        write(nothing, 0);
    write(field::guest_pending_debug, 0);
}

void VmxVcpu::end_shadow()
{
    Interruptibility const state{get(field::guest_interruptibility)};
    set(field::guest_interruptibility, state.with<Interruptibility::Shadow>(0).raw());
}

void VmxVcpu::prepare_event()
{
    if (auto const event = events_.take(is_open_to_interrupts(), is_open_to_nmis())) write_event(*event);
    auto const& waiting = events_.waiting();
    if (!waiting) return;
    windows_wanted_.controls |= waiting->kind == arch::Event::Kind::Nmi ? nmi_window : interrupt_window;
}

/// Real mode has no error codes. (SDM vol. 3, 27.2.1.3)
void VmxVcpu::write_event(arch::Event const& event)
{
    bool const has_error_code = event.has_error_code && Cr0{read(field::guest_cr0)}.get<Cr0::ProtectedMode>();
    write(field::entry_event, EventInformation{}
                                  .with<EventInformation::Vector>(event.vector)
                                  .with<EventInformation::Kind>(event_types[std::to_underlying(event.kind)])
                                  .with<EventInformation::HasErrorCode>(has_error_code)
                                  .with<EventInformation::Valid>(true)
                                  .raw());
    constexpr u32 legal_error_code = 0x7fff;
    if (has_error_code) write(field::entry_error_code, event.error_code & legal_error_code);
}

bool VmxVcpu::is_open_to_interrupts() const
{
    return Rflags{registers_.rflags}.get<Rflags::InterruptEnable>() &&
           Interruptibility{get(field::guest_interruptibility)}.get<Interruptibility::Shadow>() == 0;
}

bool VmxVcpu::is_open_to_nmis() const
{
    Interruptibility const state{get(field::guest_interruptibility)};
    return !state.get<Interruptibility::ByNmi>() && state.get<Interruptibility::Shadow>() == 0;
}

/// The window looks only at RFLAGS.IF and shadows; the wait for a lower CR8 is another exit.
void VmxVcpu::request_interrupt_window(u8 priority)
{
    bool const waits_for_task_priority =
        virtual_cpu_.local_apic.task_priority() >> 4 >= priority && !capabilities().virtualizes_apic();
    if (waits_for_task_priority)
        windows_wanted_.task_priority_threshold = priority;
    else
        windows_wanted_.controls |= interrupt_window;
}

void VmxVcpu::request_nmi_window() { windows_wanted_.controls |= nmi_window; }

void VmxVcpu::apply_windows()
{
    if (windows_wanted_ != windows_set_) {
        windows_set_ = windows_wanted_;
        write(field::primary_controls, base_primary() | windows_set_.controls);
        write(field::tpr_threshold, windows_set_.task_priority_threshold);
    }
    windows_wanted_ = {}; // for this entry only
}

// --- stepping over instructions ---

/// The CPU tells every length, so there is always an end.
Expected<> VmxVcpu::advance()
{
    skip_instruction();
    return {};
}

void VmxVcpu::skip_instruction()
{
    u64 const here = registers_.rip;
    u64 const next = here + read(field::exit_instruction_length);
    bool const passes_4_gib = ((next ^ here) >> 32) != 0; // elsewhere the mode makes no difference
    if (passes_4_gib) [[unlikely]]
        skip_past_4_gib(next);
    else
        complete_instruction(next);
}

[[gnu::noinline]] void VmxVcpu::skip_past_4_gib(u64 next)
{
    complete_instruction(code_level().mode == emulator::Mode::Bits64 ? next : next & 0xffff'ffff);
}

void VmxVcpu::complete_instruction(u64 rip)
{
    registers_.rip = rip;
    registers_.rflags = Rflags{registers_.rflags}.with<Rflags::Resume>(false).raw();
    Interruptibility const state{read(field::guest_interruptibility)};
    if (state.get<Interruptibility::Shadow>() != 0)
        write(field::guest_interruptibility, state.with<Interruptibility::Shadow>(0).raw());
    if (Rflags{registers_.rflags}.get<Rflags::Trap>()) [[unlikely]]
        write(field::guest_pending_debug, PendingDebug{}.with<PendingDebug::SingleStep>(true).raw());
}

}
