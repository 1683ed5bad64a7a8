// SPDX-License-Identifier: MIT
/// The guest's way to the local APIC: the page, the MSRs, and which registers exist in which mode.
#include <algorithm>
#include <cstring>

#include "arch/x86_64/virtual_apic/apic_register_rules.hpp"
#include "arch/x86_64/virtual_apic/virtual_local_apic.hpp"

namespace hospes::arch {

namespace {

constexpr u8 index_of(ApicRegister which) { return static_cast<u8>(which); }

using Rule = ApicRegisterRule;

}

u32 VirtualLocalApic::read_register(u8 index)
{
    switch (static_cast<ApicRegister>(index)) {
    case ApicRegister::ProcessorPriority:
    case ApicRegister::ArbitrationPriority: return processor_priority();
    case ApicRegister::CurrentCount: return current_count();
    default: return page_.get(index);
    }
}

void VirtualLocalApic::write_register(u8 index, u32 value)
{
    auto const which = static_cast<ApicRegister>(index);
    switch (which) {
    case ApicRegister::TaskPriority: return set_task_priority(static_cast<u8>(value));
    case ApicRegister::EndOfInterrupt: return end_of_interrupt();
    case ApicRegister::SpuriousVector: return write_spurious_vector(value);
    case ApicRegister::ErrorStatus: set(which, pending_errors_.exchange(0)); return;
    case ApicRegister::SelfInterrupt:
        return send_command(ApicCommand{value & 0xff}.with<ApicCommand::Shorthand>(ApicShorthand::Self));
    case ApicRegister::CommandLow:
        set(which, value);
        return send_command(ApicCommand{u64{get(ApicRegister::CommandHigh)} << 32 | value});
    case ApicRegister::InitialCount: set(which, value); return restart_timer();
    case ApicRegister::DivideConfiguration:
        set(which, value);
        if (deadline_ != 0) restart_timer();
        return;
    default: break;
    }
    bool const is_vector = index >= index_of(ApicRegister::TimerVector) && index <= index_of(ApicRegister::ErrorVector);
    if (is_vector)
        write_local_vector(index, value);
    else
        set(which, value);
}

void VirtualLocalApic::write_spurious_vector(u32 value)
{
    bool const was_enabled = is_enabled();
    set(ApicRegister::SpuriousVector, value);
    ask_for_attention();
    if (was_enabled && !is_enabled()) { // (SDM vol. 3, 11.4.7.2)
        for (u8 i = index_of(ApicRegister::TimerVector); i <= index_of(ApicRegister::ErrorVector); ++i)
            page_.set(i, page_.get(i) | static_cast<u32>(LocalVector::Masked::mask));
        arm_timer();
    }
    if (!was_enabled && is_enabled()) surroundings_.local_apic_enabled();
}

void VirtualLocalApic::write_local_vector(u8 index, u32 value)
{
    if (!is_enabled()) value |= static_cast<u32>(LocalVector::Masked::mask);
    bool const is_timer = index == index_of(ApicRegister::TimerVector);
    auto const old_mode = timer_vector().get<LocalVector::TimerMode>();
    if (is_timer) catch_up_timer(); // what expired until now did so by the old entry
    page_.set(index, value);
    if (!is_timer) return;
    if (timer_vector().get<LocalVector::TimerMode>() == old_mode) return arm_timer();
    tsc_deadline_ = 0;
    restart_timer();
}

// --- MSRs ---

Expected<> VirtualLocalApic::write_base(u64 value)
{
    ApicBase const wanted{value};
    bool const same_place = wanted.get<ApicBase::Frame>() == apic_page >> 12;
    u64 const known = ApicBase::Frame::mask | ApicBase::GlobalEnable::mask | ApicBase::X2ApicEnable::mask |
                      ApicBase::BootstrapProcessor::mask;
    if (!same_place || (value & ~known) != 0) return failure(Error::Invalid);
    bool const enable = wanted.get<ApicBase::GlobalEnable>();
    bool const extended = wanted.get<ApicBase::X2ApicEnable>();
    bool const was_enabled = base_.get<ApicBase::GlobalEnable>();
    if (extended && !enable) return failure(Error::Invalid);                // (SDM vol. 3, table 11-5)
    if (is_x2apic() && enable && !extended) return failure(Error::Invalid); // only by way of disabled
    if (!was_enabled && extended) return failure(Error::Invalid);
    bool const stays_boot_cpu = is_boot_cpu_;
    if (was_enabled && !enable) reset(false);
    base_ = wanted.with<ApicBase::BootstrapProcessor>(stays_boot_cpu);
    write_identity();
    ask_for_attention();
    return {};
}

Expected<u64> VirtualLocalApic::read_msr(u32 number)
{
    u32 const index = number - x2apic_first_msr;
    if (!is_x2apic() || index >= apic_register_count) return failure(Error::Invalid);
    Rule const& rule = apic_register_rules[index];
    if (!rule.has(Rule::readable) || rule.has(Rule::only_in_page)) return failure(Error::Invalid);
    u64 const low = read_register(static_cast<u8>(index));
    if (index != index_of(ApicRegister::CommandLow)) return low;
    return u64{get(ApicRegister::CommandHigh)} << 32 | low;
}

Expected<> VirtualLocalApic::write_msr(u32 number, u64 value)
{
    u32 const index = number - x2apic_first_msr;
    if (!is_x2apic() || index >= apic_register_count) return failure(Error::Invalid);
    Rule const& rule = apic_register_rules[index];
    bool const read_only = index == index_of(ApicRegister::LogicalDestination);
    if (!rule.has(Rule::writable) || rule.has(Rule::only_in_page) || read_only) return failure(Error::Invalid);
    if (index == index_of(ApicRegister::CommandLow)) {
        set(ApicRegister::CommandHigh, static_cast<u32>(value >> 32));
        value &= 0xffff'ffff;
    }
    if ((value & ~u64{rule.writable_bits}) != 0) return failure(Error::Invalid);
    write_register(static_cast<u8>(index), static_cast<u32>(value));
    return {};
}

// --- the page ---

bool VirtualLocalApic::answers_in_page() const { return base_.get<ApicBase::GlobalEnable>() && !is_x2apic(); }

u32 VirtualLocalApic::read_page(u32 offset)
{
    u32 const index = offset / apic_register_bytes;
    if (index >= apic_register_count) return 0;
    Rule const& rule = apic_register_rules[index];
    return rule.has(Rule::readable) ? read_register(static_cast<u8>(index)) : 0;
}

void VirtualLocalApic::write_page(u32 offset, u32 value)
{
    u32 const index = offset / apic_register_bytes;
    if (index >= apic_register_count) return;
    Rule const& rule = apic_register_rules[index];
    if (rule.has(Rule::writable) && !rule.has(Rule::only_as_msr))
        write_register(static_cast<u8>(index), value & rule.writable_bits);
}

void VirtualLocalApic::finish_write(u32 offset)
{
    u32 const index = offset / apic_register_bytes;
    if (index < apic_register_count) write_register(static_cast<u8>(index), page_.get(index));
}

// --- migration records (xen/include/public/arch-x86/hvm/save.h) ---

xen::HvmLocalApic VirtualLocalApic::save() const
{
    return {.apic_base_msr = base_.raw(),
            .disabled = is_enabled() ? 0U : 1U,
            .timer_divisor = static_cast<u32>(count_ns() / tick_ns),
            .tsc_deadline_msr = tsc_deadline_,
            .pending_errors = pending_errors_.load(),
            .pad = 0};
}

Expected<> VirtualLocalApic::load(xen::HvmLocalApic const& state)
{
    ApicBase const base{state.apic_base_msr};
    if (base.get<ApicBase::Frame>() != apic_page >> 12) return failure(Error::Invalid);
    if (base.get<ApicBase::X2ApicEnable>() && !base.get<ApicBase::GlobalEnable>()) return failure(Error::Invalid);
    base_ = base;
    write_identity();
    pending_errors_.store(state.pending_errors & apic_error::all);
    tsc_deadline_ = state.tsc_deadline_msr;
    restart_timer();
    ask_for_attention();
    return {};
}

/// An expiry that the vCPU, which does not run, has not taken in yet is in the record as requested.
xen::HvmLocalApicRegisters VirtualLocalApic::save_registers() const
{
    xen::HvmLocalApicRegisters out{};
    auto const put = [&out](size_t index, u32 value) {
        std::memcpy(&out.data[index * apic_register_bytes], &value, sizeof value);
    };
    for (size_t i = 0; i < apic_register_count; ++i) put(i, page_.get(i));
    for (size_t i = 0; i < word_count; ++i) {
        Requests const all = with_arrived(i, arrived_[i].load());
        put(index_of(ApicRegister::Request) + i, all.request);
        put(index_of(ApicRegister::TriggerMode) + i, all.trigger);
    }
    if (LocalVector const entry = timer_vector(); has_expired() && is_enabled() && !entry.get<LocalVector::Masked>()) {
        size_t const word = entry.get<LocalVector::Vector>() / 32U + index_of(ApicRegister::Request);
        u32 requests = 0;
        std::memcpy(&requests, &out.data[word * apic_register_bytes], sizeof requests);
        put(word, requests | 1U << entry.get<LocalVector::Vector>() % 32);
    }
    return out;
}

Expected<> VirtualLocalApic::load_registers(xen::HvmLocalApicRegisters const& state)
{
    auto const take = [&state](size_t index) {
        u32 value = 0;
        std::memcpy(&value, &state.data[index * apic_register_bytes], sizeof value);
        return value;
    };
    // First: what arrives while the record is loaded is not of the time before it, and must not be lost.
    for (auto& word : arrived_) word.store(0);
    for (size_t i = 0; i < apic_register_count; ++i) {
        Rule const& rule = apic_register_rules[i];
        bool const is_command = i == index_of(ApicRegister::CommandHigh); // all its bits count in x2APIC mode
        if (rule.has(Rule::writable)) page_.set(i, is_command ? take(i) : take(i) & rule.writable_bits);
    }
    set(ApicRegister::ErrorStatus, take(index_of(ApicRegister::ErrorStatus)));
    for (size_t i = 0; i < word_count; ++i) {
        u32 const legal = i == 0 ? 0xffff'0000 : 0xffff'ffff;
        for (ApicRegister const first : {ApicRegister::InService, ApicRegister::TriggerMode, ApicRegister::Request})
            set_word(first, i, take(index_of(first) + i) & legal);
    }
    ++trigger_generation_;
    write_identity();
    restart_timer();
    ask_for_attention();
    return {};
}

}
