// SPDX-License-Identifier: MIT
/// Which interrupt is accepted, which is delivered, and when one ends: the rules of ISR, IRR and priorities.
#include "arch/x86_64/virtual_apic/virtual_local_apic.hpp"

#include <algorithm>
#include <bit>

namespace hospes::arch {

namespace {

constexpr u32 masked_vector = 1 << 16;
constexpr u32 flat_format = 0xffff'ffff;
constexpr u32 all_of_xapic = 0xff;
constexpr u32 all_of_x2apic = 0xffff'ffff;
constexpr u8 first_legal_vector = 16;

constexpr u8 index_of(ApicRegister which) { return static_cast<u8>(which); }
constexpr u8 priority_class(u8 vector) { return vector >> 4; }
constexpr size_t word_of(u8 vector) { return vector / 32U; }
constexpr u32 bit_of(u8 vector) { return 1U << vector % 32; }

}

VirtualLocalApic::VirtualLocalApic(ApicSurroundings& surroundings, ApicPage& page, u32 id, bool is_boot_cpu)
    : surroundings_{surroundings}, id_{id}, is_boot_cpu_{is_boot_cpu}, page_{page}
{
    reset(true);
}

void VirtualLocalApic::reset(bool power_on)
{
    constexpr u32 version = 0x5'0014; // integrated APIC, six local vectors
    surroundings_.disarm_timer();
    if (power_on)
        base_ = ApicBase{apic_page}.with<ApicBase::GlobalEnable>(true).with<ApicBase::BootstrapProcessor>(is_boot_cpu_);
    for (size_t i = 0; i < apic_register_count; ++i) page_.set(i, 0);
    for (auto& word : arrived_) word.store(0);
    ++trigger_generation_;
    set(ApicRegister::Version, version);
    write_identity();
    set(ApicRegister::DestinationFormat, flat_format);
    set(ApicRegister::SpuriousVector, 0xff);
    for (u8 index = index_of(ApicRegister::TimerVector); index <= index_of(ApicRegister::ErrorVector); ++index)
        page_.set(index, masked_vector);
    set(ApicRegister::CorrectedError, masked_vector);
    pending_errors_ = 0;
    tsc_deadline_ = 0;
    deadline_ = 0;
    ask_for_attention();
}

ApicMode VirtualLocalApic::mode() const
{
    if (!base_.get<ApicBase::GlobalEnable>()) return ApicMode::Disabled;
    return is_x2apic() ? ApicMode::Msrs : ApicMode::Page;
}

bool VirtualLocalApic::is_enabled() const
{
    return base_.get<ApicBase::GlobalEnable>() &&
           SpuriousVectorRegister{get(ApicRegister::SpuriousVector)}.get<SpuriousVectorRegister::Enabled>();
}

// --- arriving ---

bool VirtualLocalApic::accept(u8 vector, bool level)
{
    if (!is_enabled()) return false;
    if (vector < first_legal_vector) {
        raise_error(apic_error::receive_illegal_vector);
        return false;
    }
    size_t const i = word_of(vector);
    u32 const bit = bit_of(vector);
    if (level)
        arrived_as_level_[i].fetch_or(bit);
    else
        arrived_as_level_[i].fetch_and(~bit);
    arrived_[i].fetch_or(bit);
    attention_.fetch_or(1U << i, std::memory_order_seq_cst);
    surroundings_.attract_attention();
    return true;
}

VirtualLocalApic::Requests VirtualLocalApic::with_arrived(size_t i, u32 arrived) const
{
    u32 const level = arrived_as_level_[i].load(std::memory_order_relaxed);
    return {.request = word(ApicRegister::Request, i) | arrived,
            .trigger = (word(ApicRegister::TriggerMode, i) & ~arrived) | (level & arrived)};
}

void VirtualLocalApic::settle()
{
    u32 words = attention_.exchange(0, std::memory_order_acquire) & ~look;
    for (; words != 0; words &= words - 1) {
        size_t const i = static_cast<size_t>(std::countr_zero(words));
        Requests const now = with_arrived(i, arrived_[i].exchange(0, std::memory_order_acquire));
        set_word(ApicRegister::Request, i, now.request);
        if (now.trigger == word(ApicRegister::TriggerMode, i)) continue;
        set_word(ApicRegister::TriggerMode, i, now.trigger);
        ++trigger_generation_;
    }
}

// --- priorities ---

/// 0 if no bit is set: vectors below 16 do not exist.
u8 VirtualLocalApic::highest(ApicRegister first) const
{
    for (size_t i = word_count; i-- > 0;)
        if (u32 const bits = word(first, i); bits != 0)
            return static_cast<u8>(i * 32 + static_cast<size_t>(std::bit_width(bits)) - 1);
    return 0;
}

u8 VirtualLocalApic::highest_request() const { return is_enabled() ? highest(ApicRegister::Request) : u8{0}; }
u8 VirtualLocalApic::highest_in_service() const { return highest(ApicRegister::InService); }

u64 VirtualLocalApic::level_triggered(unsigned quarter) const
{
    size_t const low = size_t{2} * quarter;
    return u64{word(ApicRegister::TriggerMode, low + 1)} << 32 | word(ApicRegister::TriggerMode, low);
}

u8 VirtualLocalApic::processor_priority() const
{
    u8 const task = task_priority();
    u8 const service = highest_in_service();
    return priority_class(task) >= priority_class(service) ? task : static_cast<u8>(service & 0xf0);
}

bool VirtualLocalApic::is_deliverable(u8 vector) const
{
    return vector != 0 && priority_class(vector) > priority_class(processor_priority());
}

std::optional<u8> VirtualLocalApic::highest_deliverable() const
{
    u8 const vector = highest_request();
    return is_deliverable(vector) ? std::optional{vector} : std::nullopt;
}

bool VirtualLocalApic::has_deliverable() const
{
    if (!is_enabled()) return false;
    for (size_t i = word_count; i-- > 0;)
        if (u32 const bits = word(ApicRegister::Request, i) | arrived_[i].load(); bits != 0)
            return is_deliverable(static_cast<u8>(i * 32 + static_cast<size_t>(std::bit_width(bits)) - 1));
    return false;
}

std::optional<u8> VirtualLocalApic::held_by_task_priority() const
{
    u8 const vector = highest_request();
    if (vector == 0 || priority_class(vector) <= priority_class(highest_in_service())) return std::nullopt;
    return priority_class(vector);
}

void VirtualLocalApic::begin_service(u8 vector)
{
    size_t const i = word_of(vector);
    set_word(ApicRegister::Request, i, word(ApicRegister::Request, i) & ~bit_of(vector));
    set_word(ApicRegister::InService, i, word(ApicRegister::InService, i) | bit_of(vector));
}

bool VirtualLocalApic::undo_service(u8 vector)
{
    size_t const i = word_of(vector);
    u32 const in_service = word(ApicRegister::InService, i);
    if ((in_service & bit_of(vector)) == 0) return false;
    set_word(ApicRegister::InService, i, in_service & ~bit_of(vector));
    set_word(ApicRegister::Request, i, word(ApicRegister::Request, i) | bit_of(vector));
    ask_for_attention();
    return true;
}

void VirtualLocalApic::end_of_interrupt()
{
    u8 const vector = highest_in_service();
    if (vector == 0) return;
    size_t const i = word_of(vector);
    set_word(ApicRegister::InService, i, word(ApicRegister::InService, i) & ~bit_of(vector));
    ask_for_attention();
    if ((word(ApicRegister::TriggerMode, i) & bit_of(vector)) != 0) finish_interrupt(vector);
}

void VirtualLocalApic::set_task_priority(u8 value)
{
    set(ApicRegister::TaskPriority, value);
    ask_for_attention();
}

// --- addressing (SDM vol. 3, 11.6.2 and 11.12.10) ---

/// In x2APIC mode both are made of the CPU's number, for good.
void VirtualLocalApic::write_identity()
{
    set(ApicRegister::Id, is_x2apic() ? id_ : id_ << 24);
    if (is_x2apic()) set(ApicRegister::LogicalDestination, (id_ & ~0xfU) << 12 | 1U << (id_ & 0xf));
}

bool VirtualLocalApic::is_addressed_by(u32 destination, bool logical) const
{
    if (destination == all_of_xapic || destination == all_of_x2apic) return true;
    if (!logical) return destination == id_;
    u32 const own = get(ApicRegister::LogicalDestination);
    if (is_x2apic()) return destination >> 16 == own >> 16 && (destination & own & 0xffff) != 0;
    u32 const bits = own >> 24;
    bool const flat = get(ApicRegister::DestinationFormat) >> 28 == 0xf;
    if (flat) return (destination & bits) != 0;
    return destination >> 4 == bits >> 4 && (destination & bits & 0xf) != 0;
}

// --- commands ---

void VirtualLocalApic::send_command(ApicCommand command)
{
    ApicMessage const message{
        .destination =
            is_x2apic() ? command.get<ApicCommand::Destination>() : command.get<ApicCommand::ShortDestination>(),
        .logical = command.get<ApicCommand::Logical>(),
        .mode = command.get<ApicCommand::Mode>(),
        .vector = command.get<ApicCommand::Vector>(),
        .level = false,
    };
    bool const has_vector = message.mode == ApicDeliveryMode::Fixed || message.mode == ApicDeliveryMode::LowestPriority;
    if (has_vector && message.vector < first_legal_vector) return raise_error(apic_error::send_illegal_vector);
    // INIT with the level bit clear is a de-assertion, which integrated APICs ignore.
    bool const deassert = message.mode == ApicDeliveryMode::Init && command.get<ApicCommand::Level>() &&
                          !command.get<ApicCommand::Assert>();
    if (!deassert) surroundings_.send(message, command.get<ApicCommand::Shorthand>());
}

/// An illegal vector in the error's own entry is one more error, and nobody is interrupted. (SDM vol. 3, 11.5.3)
void VirtualLocalApic::raise_error(u32 bits)
{
    LocalVector const entry{get(ApicRegister::ErrorVector)};
    u8 const vector = entry.get<LocalVector::Vector>();
    bool const masked = entry.get<LocalVector::Masked>();
    bool const legal = vector >= first_legal_vector;
    pending_errors_.fetch_or(masked || legal ? bits : bits | apic_error::receive_illegal_vector);
    if (!masked && legal) accept(vector, false);
}

// --- timer ---

u64 VirtualLocalApic::count_ns() const
{
    u32 const setting = get(ApicRegister::DivideConfiguration); // bits 3, 1 and 0 (SDM vol. 3, figure 11-10)
    unsigned const code = (setting & 3) | (setting >> 1 & 4);
    return tick_ns << ((code + 1) & 7);
}

u64 VirtualLocalApic::period_ns() const
{
    return std::max(get(ApicRegister::InitialCount) * count_ns(), shortest_period_ns);
}

u32 VirtualLocalApic::current_count()
{
    catch_up_timer();
    if (deadline_ == 0 || timer_vector().get<LocalVector::TimerMode>() == ApicTimerMode::TscDeadline) return 0;
    u64 const left = (deadline_ - surroundings_.now()) / count_ns();
    return static_cast<u32>(std::min<u64>(left, get(ApicRegister::InitialCount)));
}

/// When a timer expires that starts to count now. A time that has passed is not 0, which means never.
u64 VirtualLocalApic::deadline_by_registers()
{
    switch (timer_vector().get<LocalVector::TimerMode>()) {
    case ApicTimerMode::TscDeadline:
        return tsc_deadline_ == 0 ? 0 : std::max<u64>(surroundings_.time_of_guest_tsc(tsc_deadline_), 1);
    case ApicTimerMode::Periodic: return get(ApicRegister::InitialCount) == 0 ? 0 : surroundings_.now() + period_ns();
    default: break;
    }
    u64 const count = get(ApicRegister::InitialCount);
    return count == 0 ? 0 : surroundings_.now() + count * count_ns();
}

void VirtualLocalApic::restart_timer()
{
    deadline_ = deadline_by_registers();
    arm_timer();
}

/// While its entry is masked nobody can notice when it expires, so nothing needs to happen then.
void VirtualLocalApic::arm_timer()
{
    surroundings_.disarm_timer();
    if (deadline_ != 0 && !timer_vector().get<LocalVector::Masked>()) surroundings_.arm_timer(deadline_);
}

bool VirtualLocalApic::has_expired() const { return deadline_ != 0 && surroundings_.now() >= deadline_; }

/// The phase of a periodic timer stays, however many periods were missed.
void VirtualLocalApic::take_expiry()
{
    LocalVector const entry = timer_vector();
    if (entry.get<LocalVector::TimerMode>() == ApicTimerMode::Periodic) {
        u64 const period = period_ns();
        deadline_ += ((surroundings_.now() - deadline_) / period + 1) * period;
    } else {
        deadline_ = 0;
        tsc_deadline_ = 0;
    }
    if (!entry.get<LocalVector::Masked>()) accept(entry.get<LocalVector::Vector>(), false);
}

void VirtualLocalApic::resume_timer()
{
    if (has_expired()) take_expiry();
    arm_timer();
}

/// Before the guest reads or changes what an expiry that nobody has looked at yet would have changed.
void VirtualLocalApic::catch_up_timer()
{
    if (has_expired()) resume_timer();
}

void VirtualLocalApic::tsc_has_changed()
{
    if (timer_vector().get<LocalVector::TimerMode>() == ApicTimerMode::TscDeadline) restart_timer();
}

u64 VirtualLocalApic::read_tsc_deadline()
{
    catch_up_timer();
    return tsc_deadline_;
}

void VirtualLocalApic::write_tsc_deadline(u64 value)
{
    if (timer_vector().get<LocalVector::TimerMode>() != ApicTimerMode::TscDeadline) return; // (SDM vol. 3, 11.5.4.1)
    tsc_deadline_ = value;
    deadline_ = deadline_by_registers();
    resume_timer(); // at once, if that time has passed
}

}
