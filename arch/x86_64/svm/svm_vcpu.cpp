// SPDX-License-Identifier: MIT
/// One vCPU on SVM: what is intercepted, the entry and the exit, and how events reach the guest. (APM vol. 2, chapter
/// 15)
#include "arch/x86_64/svm/svm_vcpu.hpp"

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/emulator/decode.hpp"
#include "arch/x86_64/guest/control_policy.hpp"
#include "arch/x86_64/guest/instruction_fetch.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/mm/frame_allocator.hpp"

extern "C" void svm_enter(hospes::u64* gpr, hospes::u64 guest_vmcb, hospes::u64 host_vmcb);

namespace hospes::svm {

using emulator::Gpr;

namespace {

constexpr u64 nested_paging_enable = 1; ///< offset 090h, bit 0

constexpr Intercepts3 always_3 = Intercepts3{}
                                     .with<Intercepts3::Interrupt>(true)
                                     .with<Intercepts3::Nmi>(true)
                                     .with<Intercepts3::Init>(true)
                                     .with<Intercepts3::VirtualInterrupt>(true)
                                     .with<Intercepts3::Rdpmc>(true)
                                     .with<Intercepts3::Cpuid>(true)
                                     .with<Intercepts3::Rsm>(true)
                                     .with<Intercepts3::Invd>(true)
                                     .with<Intercepts3::Hlt>(true)
                                     .with<Intercepts3::Invlpga>(true)
                                     .with<Intercepts3::Ports>(true)
                                     .with<Intercepts3::Msrs>(true)
                                     .with<Intercepts3::TaskSwitch>(true)
                                     .with<Intercepts3::FerrFreeze>(true)
                                     .with<Intercepts3::Shutdown>(true);

constexpr Intercepts4 always_4 = Intercepts4{}
                                     .with<Intercepts4::Vmrun>(true)
                                     .with<Intercepts4::Vmmcall>(true)
                                     .with<Intercepts4::Vmload>(true)
                                     .with<Intercepts4::Vmsave>(true)
                                     .with<Intercepts4::Stgi>(true)
                                     .with<Intercepts4::Clgi>(true)
                                     .with<Intercepts4::Skinit>(true)
                                     .with<Intercepts4::Wbinvd>(true)
                                     .with<Intercepts4::Monitor>(true)
                                     .with<Intercepts4::Mwait>(true)
                                     .with<Intercepts4::MwaitArmed>(true)
                                     .with<Intercepts4::Xsetbv>(true)
                                     .with<Intercepts4::Rdpru>(true);

constexpr Intercepts5 always_5 =
    Intercepts5{}.with<Intercepts5::Invlpgb>(true).with<Intercepts5::Mcommit>(true).with<Intercepts5::Tlbsync>(true);

/// #DB and #AC can otherwise storm inside the CPU without ever leaving the guest. (security.md: XSA-156)
constexpr u32 always_exceptions =
    1U << exception::debug | 1U << exception::alignment_check | 1U << exception::machine_check;

arch::Event to_event(EventInformation event)
{
    using Kind = arch::Event::Kind;
    Kind kind = Kind::Exception;
    if (event.get<EventInformation::Kind>() == EventInformation::Type::Interrupt) kind = Kind::Interrupt;
    if (event.get<EventInformation::Kind>() == EventInformation::Type::Nmi) kind = Kind::Nmi;
    return {kind, event.get<EventInformation::Vector>(), event.get<EventInformation::HasErrorCode>(),
            event.get<EventInformation::ErrorCode>()};
}

/// Needs the CPU's hidden state to be what VMLOAD reads; see svm_entry.S.
constexpr u64 rflags_always_one = 1 << 1;

}

SvmVcpu::SvmVcpu(arch::VirtualCpu& cpu, Hfn frame)
    : virtual_cpu_{cpu}, frame_{frame}, vmcb_{*arch::reach_as<Vmcb>(address_of(frame))}
{
    set_up_intercepts();
    vmcb_.msr_map = msr_permission_map().raw();
    vmcb_.nested_paging = nested_paging_enable;
    vmcb_.virtual_interrupt = VirtualInterruptControl{}.with<VirtualInterruptControl::Masking>(true).raw();
    vmcb_.efer = Efer{}.with<Efer::SvmEnable>(true).raw();
}

SvmVcpu::~SvmVcpu() { frames::free(frame_); }

void SvmVcpu::set_up_intercepts()
{
    vmcb_.exception_intercepts = always_exceptions;
    vmcb_.intercepts_3 = always_3.raw();
    vmcb_.intercepts_4 = always_4.raw();
    vmcb_.intercepts_5 = always_5.raw();
}

// --- entering ---

void SvmVcpu::load()
{
    Cpu& here = this_cpu();
    if (cpu_ == &here) return;
    cpu_ = &here;
    clean_ = CleanBits{}; // this CPU has cached nothing of it, or something old
    asid_ = {};
}

void SvmVcpu::choose_asid(bool flush)
{
    Cpu& cpu = *cpu_;
    vmcb_.tlb_control = static_cast<u8>(TlbControl::Nothing);
    if (!flush && cpu.asids.is_current(asid_)) return;
    bool flush_all = false;
    asid_ = cpu.asids.allocate(flush_all);
    vmcb_.asid = asid_.number;
    if (flush_all) vmcb_.tlb_control = static_cast<u8>(TlbControl::FlushAll);
    changed<CleanBits::Asid>();
}

arch::Exit SvmVcpu::enter(bool flush)
{
    choose_asid(flush);
    if (postponed_) requeue(*postponed_);
    u8 const task_priority = virtual_cpu_.local_apic.task_priority();
    set_task_priority(task_priority);
    vmcb_.rip = registers_.rip;
    vmcb_.rflags = registers_.rflags | rflags_always_one;
    vmcb_.rsp = registers_[Gpr::Rsp];
    vmcb_.rax = registers_[Gpr::Rax];
    EventInformation const wanted = injection_;
    bool const offers_interrupt = wanted.raw() != 0 && offer_virtual_interrupt();
    vmcb_.event_injection = offers_interrupt ? 0 : wanted.raw();
    vmcb_.clean_bits = clean_.raw();

    svm_enter(registers_.gpr.data(), address_of(frame_).raw(), cpu_->host_state.raw());

    registers_.rip = vmcb_.rip;
    registers_.rflags = vmcb_.rflags;
    registers_[Gpr::Rsp] = vmcb_.rsp;
    registers_[Gpr::Rax] = vmcb_.rax;
    clean_ = everything_clean;
    injection_ = {};
    if (EventInformation{vmcb_.exit_interrupt_information}.get<EventInformation::Valid>())
        collect_interrupted_delivery();
    if (offers_interrupt) withdraw_virtual_interrupt(wanted);
    if (interrupt_control().get<VirtualInterruptControl::Pending>()) {
        vmcb_.virtual_interrupt = interrupt_control().with<VirtualInterruptControl::Pending>(false).raw();
        changed<CleanBits::Tpr>();
    }
    u8 const priority_class = interrupt_control().get<VirtualInterruptControl::Tpr>();
    if (priority_class != task_priority >> 4) [[unlikely]]
        virtual_cpu_.local_apic.set_task_priority(static_cast<u8>(priority_class << 4));
    if (nmi_in_progress_ || iret_rip_ != no_iret) follow_nmi();
    return describe_exit(vmcb_);
}

/// The guest's NMI handler ends with the IRET that was intercepted, once that has run.
void SvmVcpu::follow_nmi()
{
    if (vmcb_.exit_code == exit_code::iret) {
        end_nmi();
        iret_rip_ = registers_.rip;
    } else if (iret_rip_ != registers_.rip) {
        iret_rip_ = no_iret;
    }
}

/// The exit came while an event was being delivered: deliver it again. Software interrupts and INT3 need nothing, RIP
/// is still on the instruction. (APM vol. 2, 15.7.2)
void SvmVcpu::collect_interrupted_delivery()
{
    EventInformation const event = interrupted_delivery();
    if (event.get<EventInformation::Kind>() == EventInformation::Type::SoftwareInterrupt) return;
    u8 const vector = event.get<EventInformation::Vector>();
    bool const is_exception = event.get<EventInformation::Kind>() == EventInformation::Type::Exception;
    if (is_exception && (vector == exception::breakpoint || vector == exception::overflow)) return;
    injection_ = event;
}

// --- events ---

void SvmVcpu::inject(arch::Event event)
{
    using Type = EventInformation::Type;
    constexpr std::array<Type, 3> types{Type::Interrupt, Type::Nmi, Type::Exception}; // by Event::Kind
    auto const wanted = EventInformation{}
                            .with<EventInformation::Vector>(event.vector)
                            .with<EventInformation::Kind>(types[std::to_underlying(event.kind)])
                            .with<EventInformation::HasErrorCode>(event.has_error_code)
                            .with<EventInformation::ErrorCode>(event.error_code)
                            .with<EventInformation::Valid>(true);
    bool const enabled = Rflags{registers_.rflags}.get<Rflags::InterruptEnable>();
    if (event.kind == arch::Event::Kind::Interrupt && !enabled) { // it was waiting when the guest was saved
        postponed_ = wanted;
        return;
    }
    if (injection_.get<EventInformation::Valid>() && injection_.get<EventInformation::Kind>() != Type::Exception)
        postponed_ = injection_;
    injection_ = wanted;
    if (event.kind != arch::Event::Kind::Nmi) return;
    nmi_in_progress_ = true;
    intercept_iret(true);
}

void SvmVcpu::requeue(EventInformation event)
{
    bool const is_nmi = event.get<EventInformation::Kind>() == EventInformation::Type::Nmi;
    bool const enabled = Rflags{registers_.rflags}.get<Rflags::InterruptEnable>();
    if (!injection_.get<EventInformation::Valid>() && !in_shadow() && (is_nmi || enabled)) {
        injection_ = event;
        postponed_.reset();
        return;
    }
    request_interrupt_window(event.get<EventInformation::Vector>() >> 4);
}

std::optional<arch::Event> SvmVcpu::queued_event() const
{
    EventInformation const event =
        injection_.get<EventInformation::Valid>() ? injection_ : postponed_.value_or(EventInformation{});
    if (!event.get<EventInformation::Valid>()) return std::nullopt;
    return to_event(event);
}

std::optional<arch::Event> SvmVcpu::take_back_event()
{
    bool const is_first = injection_.get<EventInformation::Valid>() &&
                          injection_.get<EventInformation::Kind>() != EventInformation::Type::Exception;
    if (!is_first && !postponed_) return std::nullopt;
    EventInformation const event = is_first ? std::exchange(injection_, {}) : *std::exchange(postponed_, std::nullopt);
    if (event.get<EventInformation::Kind>() == EventInformation::Type::Nmi) end_nmi();
    return to_event(event);
}

void SvmVcpu::forget_events()
{
    injection_ = {};
    postponed_.reset();
    end_nmi();
    iret_rip_ = no_iret;
    end_shadow();
}

void SvmVcpu::end_nmi()
{
    nmi_in_progress_ = false;
    intercept_iret(false);
}

void SvmVcpu::end_shadow()
{
    vmcb_.interrupt_state = InterruptState{vmcb_.interrupt_state}.with<InterruptState::Shadow>(false).raw();
}

bool SvmVcpu::can_take_interrupt() const
{
    return Rflags{registers_.rflags}.get<Rflags::InterruptEnable>() && !in_shadow() && !postponed_ &&
           !injection_.get<EventInformation::Valid>();
}

bool SvmVcpu::can_take_nmi() const
{
    bool const returning = iret_rip_ == registers_.rip;
    return !nmi_in_progress_ && !returning && !in_shadow() && !postponed_ && !injection_.get<EventInformation::Valid>();
}

void SvmVcpu::request_interrupt_window(u8 priority)
{
    vmcb_.virtual_interrupt = interrupt_control()
                                  .with<VirtualInterruptControl::Pending>(true)
                                  .with<VirtualInterruptControl::Priority>(priority)
                                  .with<VirtualInterruptControl::IgnoreTpr>(false)
                                  .raw();
    changed<CleanBits::Tpr>();
}

/// While an NMI is handled, IRET is intercepted already. Right before that IRET, or in a shadow, the next moment with
/// interrupts enabled is soon enough.
void SvmVcpu::request_nmi_window()
{
    constexpr u8 highest_priority = 15;
    if (!nmi_in_progress_) request_interrupt_window(highest_priority);
}

void SvmVcpu::intercept_iret(bool enabled)
{
    vmcb_.intercepts_3 = Intercepts3{vmcb_.intercepts_3}.with<Intercepts3::Iret>(enabled).raw();
    changed<CleanBits::Intercepts>();
}

/// V_TPR is CR8: the upper half.
void SvmVcpu::set_task_priority(u8 value)
{
    u8 const priority_class = value >> 4;
    if (interrupt_control().get<VirtualInterruptControl::Tpr>() == priority_class) return;
    vmcb_.virtual_interrupt = interrupt_control().with<VirtualInterruptControl::Tpr>(priority_class).raw();
    changed<CleanBits::Tpr>();
}

// --- stepping over instructions ---

Expected<> SvmVcpu::advance()
{
    auto const next = next_instruction();
    if (!next) return failure(next.error());
    complete_instruction(*next);
    return {};
}

void SvmVcpu::complete_instruction(u64 rip)
{
    registers_.rip = rip;
    registers_.rflags = Rflags{registers_.rflags}.with<Rflags::Resume>(false).raw();
    end_shadow();
}

Expected<u64> SvmVcpu::next_instruction()
{
    if (vmcb_.exit_code == exit_code::port) return vmcb_.exit_information_2; // (APM vol. 2, 15.10.2)
    if (vmcb_.next_rip != 0 && cpu_features().has(Feature::NextRipSave)) return vmcb_.next_rip;
    u64 const rip = registers_.rip;
    if (u8 const known = lengths_.find({rip, vmcb_.cr3, vmcb_.exit_code}, vmcb_.cpl); known != 0) return rip + known;
    return decode_next_instruction();
}

[[gnu::noinline]] Expected<u64> SvmVcpu::decode_next_instruction()
{
    u64 const rip = registers_.rip;
    auto const decoded = arch::next_instruction(virtual_cpu_);
    if (!decoded || !can_have_caused_exit(vmcb_, decoded->operation)) return failure(Error::BadAddress);
    lengths_.remember({rip, vmcb_.cr3, vmcb_.exit_code}, vmcb_.cpl, decoded->length);
    return rip + decoded->length;
}

// --- control registers ---

/// What is at RIP now may be another instruction than the one that exited, but it is the guest's kernel that runs it.
void SvmVcpu::access_control_register()
{
    auto const decoded = arch::next_instruction(virtual_cpu_);
    constexpr Gpr cr4{4};
    if (!decoded || !can_have_caused_exit(vmcb_, decoded->operation) || decoded->reg != cr4)
        return virtual_cpu_.inject_exception(exception::invalid_opcode);
    u64& operand = registers_[decoded->rm];
    u64 const mask = decoded->operand_bytes == sizeof(u64) ? ~u64{0} : u64{0xffff'ffff};
    if (decoded->operation == emulator::Operation::MovFromControl) {
        operand = cr4_ & mask;
    } else {
        auto const legal = arch::legal_cr4(virtual_cpu_.virtual_machine().policy);
        auto const after = arch::after_cr4_write(controls(), operand & mask, legal);
        if (!after) return virtual_cpu_.inject_exception(exception::general_protection, 0);
        set_controls(*after);
    }
    complete_instruction(registers_.rip + decoded->length);
}

// --- other state ---

void SvmVcpu::set_tsc_offset(u64 offset)
{
    vmcb_.tsc_offset = offset;
    changed<CleanBits::Intercepts>();
}

void SvmVcpu::set_second_stage(Hpa root)
{
    vmcb_.nested_cr3 = root.raw();
    changed<CleanBits::NestedPaging>();
    asid_ = {};
}

void SvmVcpu::set_port_bitmap(Hpa bitmap)
{
    vmcb_.port_map = bitmap.raw();
    changed<CleanBits::PermissionMaps>();
}

}
