// SPDX-License-Identifier: MIT
#include "arch/x86_64/guest/virtual_local_apic.hpp"

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

VirtualLocalApic::VirtualLocalApic(ApicSurroundings& surroundings, u32 id, bool is_boot_cpu)
    : surroundings_{surroundings}, id_{id}, is_boot_cpu_{is_boot_cpu}
{
    reset(true);
}

void VirtualLocalApic::reset(bool power_on)
{
    surroundings_.disarm_timer();
    if (power_on)
        base_ = ApicBase{apic_page}.with<ApicBase::GlobalEnable>(true).with<ApicBase::BootstrapProcessor>(is_boot_cpu_);
    for (auto& value : registers_) value.store(0, std::memory_order_relaxed);
    for (size_t i = 0; i < request_.size(); ++i) {
        request_[i].store(0);
        in_service_[i].store(0);
        trigger_[i].store(0);
    }
    set(ApicRegister::DestinationFormat, flat_format);
    set(ApicRegister::SpuriousVector, 0xff);
    for (u8 index = index_of(ApicRegister::TimerVector); index <= index_of(ApicRegister::ErrorVector); ++index)
        registers_[index].store(masked_vector, std::memory_order_relaxed);
    set(ApicRegister::CorrectedError, masked_vector);
    pending_errors_ = 0;
    tsc_deadline_ = 0;
    deadline_.store(0);
    ask_for_attention();
}

void VirtualLocalApic::set(ApicRegister which, u32 value)
{
    registers_[index_of(which)].store(value, std::memory_order_relaxed);
}

bool VirtualLocalApic::is_enabled() const
{
    return base_.get<ApicBase::GlobalEnable>() &&
           SpuriousVectorRegister{get(ApicRegister::SpuriousVector)}.get<SpuriousVectorRegister::Enabled>();
}

// --- priorities ---

std::optional<u8> VirtualLocalApic::highest(VectorWords const& words)
{
    for (size_t i = words.size(); i-- > 0;)
        if (u32 const word = words[i].load(std::memory_order_acquire); word != 0)
            return static_cast<u8>(i * 32 + static_cast<size_t>(std::bit_width(word)) - 1);
    return std::nullopt;
}

bool VirtualLocalApic::accept(u8 vector, bool level)
{
    if (!is_enabled() || vector < first_legal_vector) return false;
    u32 const bit = bit_of(vector);
    if (level)
        trigger_[word_of(vector)].fetch_or(bit);
    else
        trigger_[word_of(vector)].fetch_and(~bit);
    request_[word_of(vector)].fetch_or(bit, std::memory_order_seq_cst);
    ask_for_attention();
    surroundings_.attract_attention();
    return true;
}

u8 VirtualLocalApic::processor_priority() const
{
    u8 const task = task_priority();
    u8 const service = highest(in_service_).value_or(0);
    return priority_class(task) >= priority_class(service) ? task : static_cast<u8>(service & 0xf0);
}

std::optional<u8> VirtualLocalApic::highest_deliverable() const
{
    if (!is_enabled()) return std::nullopt;
    auto const vector = highest(request_);
    if (!vector || priority_class(*vector) <= priority_class(processor_priority())) return std::nullopt;
    return vector;
}

std::optional<u8> VirtualLocalApic::held_by_task_priority() const
{
    if (!is_enabled()) return std::nullopt;
    auto const vector = highest(request_);
    if (!vector || priority_class(*vector) <= priority_class(highest(in_service_).value_or(0))) return std::nullopt;
    return priority_class(*vector);
}

void VirtualLocalApic::begin_service(u8 vector)
{
    u32 const bit = bit_of(vector);
    request_[word_of(vector)].fetch_and(~bit, std::memory_order_acq_rel);
    in_service_[word_of(vector)].fetch_or(bit, std::memory_order_relaxed);
}

void VirtualLocalApic::end_of_interrupt()
{
    auto const vector = highest(in_service_);
    if (!vector) return;
    u32 const bit = bit_of(*vector);
    in_service_[word_of(*vector)].fetch_and(~bit, std::memory_order_relaxed);
    ask_for_attention();
    if ((trigger_[word_of(*vector)].load() & bit) != 0) surroundings_.end_of_interrupt(*vector);
}

void VirtualLocalApic::set_task_priority(u8 value)
{
    set(ApicRegister::TaskPriority, value);
    ask_for_attention();
}

// --- addressing (SDM vol. 3, 11.6.2 and 11.12.10) ---

u32 VirtualLocalApic::logical_identity() const
{
    if (is_x2apic()) return (id_ & ~0xfU) << 12 | 1U << (id_ & 0xf);
    return get(ApicRegister::LogicalDestination);
}

bool VirtualLocalApic::is_addressed_by(u32 destination, bool logical) const
{
    if (destination == all_of_xapic || destination == all_of_x2apic) return true;
    if (!logical) return destination == id_;
    u32 const own = logical_identity();
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

void VirtualLocalApic::raise_error(u32 bits)
{
    pending_errors_ |= bits;
    LocalVector const entry{get(ApicRegister::ErrorVector)};
    if (!entry.get<LocalVector::Masked>()) accept(entry.get<LocalVector::Vector>(), false);
}

// --- timer ---

u64 VirtualLocalApic::count_ns() const
{
    u32 const setting = get(ApicRegister::DivideConfiguration); // bits 3, 1 and 0 (SDM vol. 3, figure 11-10)
    unsigned const code = (setting & 3) | (setting >> 1 & 4);
    return tick_ns << ((code + 1) & 7);
}

u32 VirtualLocalApic::current_count()
{
    u64 const deadline = deadline_.load();
    u64 const now = surroundings_.now();
    if (deadline == 0 || timer_vector().get<LocalVector::TimerMode>() == ApicTimerMode::TscDeadline || deadline <= now)
        return 0;
    return static_cast<u32>((deadline - now) / count_ns());
}

void VirtualLocalApic::restart_timer()
{
    surroundings_.disarm_timer();
    deadline_.store(0);
    u64 const count = get(ApicRegister::InitialCount);
    if (count == 0 || timer_vector().get<LocalVector::TimerMode>() == ApicTimerMode::TscDeadline) return;
    u64 const deadline = surroundings_.now() + count * count_ns();
    deadline_.store(deadline);
    surroundings_.arm_timer(deadline);
}

void VirtualLocalApic::write_tsc_deadline(u64 value)
{
    if (timer_vector().get<LocalVector::TimerMode>() != ApicTimerMode::TscDeadline) return; // (SDM vol. 3, 11.5.4.1)
    surroundings_.disarm_timer();
    tsc_deadline_ = value;
    if (value != 0) surroundings_.arm_timer(surroundings_.time_of_guest_tsc(value));
}

void VirtualLocalApic::timer_expired()
{
    constexpr u64 shortest_period_ns = 50'000; // a guest cannot make the hypervisor do nothing but its ticks
    LocalVector const entry = timer_vector();
    if (entry.get<LocalVector::TimerMode>() == ApicTimerMode::Periodic) {
        u64 const period = std::max(get(ApicRegister::InitialCount) * count_ns(), shortest_period_ns);
        u64 const now = surroundings_.now();
        u64 deadline = deadline_.load() + period;
        if (deadline <= now) deadline = now + period;
        deadline_.store(deadline);
        surroundings_.arm_timer(deadline);
    } else {
        deadline_.store(0);
        tsc_deadline_ = 0;
    }
    if (!entry.get<LocalVector::Masked>()) accept(entry.get<LocalVector::Vector>(), false);
}

}
