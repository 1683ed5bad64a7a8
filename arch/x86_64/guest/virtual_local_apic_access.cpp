// SPDX-License-Identifier: MIT
/// The guest's way to the local APIC: the page, the MSRs, and which registers exist in which mode.
#include <algorithm>
#include <cstring>

#include "arch/x86_64/guest/virtual_local_apic.hpp"

namespace hospes::arch {

namespace {

constexpr u8 index_of(ApicRegister which) { return static_cast<u8>(which); }

constexpr u8 readable = 1;
constexpr u8 writable = 2;
constexpr u8 only_in_page = 4; ///< not an MSR in x2APIC mode
constexpr u8 only_as_msr = 8;

struct Row {
    ApicRegister first;
    u8 count;
    u8 access;
    u32 writable_bits; ///< others must be 0 in an MSR write, and are ignored in the page
};

/// (SDM vol. 3, table 11-6)
constexpr auto rows = std::to_array<Row>({
    {ApicRegister::Id, 1, readable, 0},
    {ApicRegister::Version, 1, readable, 0},
    {ApicRegister::TaskPriority, 1, readable | writable, 0xff},
    {ApicRegister::ArbitrationPriority, 1, readable | only_in_page, 0},
    {ApicRegister::ProcessorPriority, 1, readable, 0},
    {ApicRegister::EndOfInterrupt, 1, writable, 0},
    {ApicRegister::LogicalDestination, 1, readable | writable, 0xff00'0000}, // read-only as MSR, see write_msr()
    {ApicRegister::DestinationFormat, 1, readable | writable | only_in_page, 0xffff'ffff},
    {ApicRegister::SpuriousVector, 1, readable | writable, 0x1ff},
    {ApicRegister::InService, 8, readable, 0},
    {ApicRegister::TriggerMode, 8, readable, 0},
    {ApicRegister::Request, 8, readable, 0},
    {ApicRegister::ErrorStatus, 1, readable | writable, 0},
    {ApicRegister::CorrectedError, 1, readable | writable, 0x1'07ff},
    {ApicRegister::CommandLow, 1, readable | writable, 0xc'cfff},
    {ApicRegister::CommandHigh, 1, readable | writable | only_in_page, 0xff00'0000},
    {ApicRegister::TimerVector, 1, readable | writable, 0x7'00ff},
    {ApicRegister::ThermalVector, 2, readable | writable, 0x1'07ff},
    {ApicRegister::Line0Vector, 2, readable | writable, 0x1'a7ff},
    {ApicRegister::ErrorVector, 1, readable | writable, 0x1'00ff},
    {ApicRegister::InitialCount, 1, readable | writable, 0xffff'ffff},
    {ApicRegister::CurrentCount, 1, readable, 0},
    {ApicRegister::DivideConfiguration, 1, readable | writable, 0xb},
    {ApicRegister::SelfInterrupt, 1, writable | only_as_msr, 0xff},
});

constexpr auto registers_by_index = [] {
    std::array<Row, apic_register_count> table{};
    for (Row const& row : rows)
        for (u8 i = 0; i < row.count; ++i) table[index_of(row.first) + i] = row;
    return table;
}();

constexpr unsigned page_register_shift = 4;

constexpr bool has(Row const& row, u8 bits) { return (row.access & bits) == bits; }

}

u32 VirtualLocalApic::read_register(u8 index)
{
    auto const word_of = [index](VectorWords const& words, ApicRegister first) {
        return words[index - index_of(first)].load(std::memory_order_relaxed);
    };
    if (index >= index_of(ApicRegister::InService) && index < index_of(ApicRegister::ErrorStatus)) {
        if (index < index_of(ApicRegister::TriggerMode)) return word_of(in_service_, ApicRegister::InService);
        if (index < index_of(ApicRegister::Request)) return word_of(trigger_, ApicRegister::TriggerMode);
        return word_of(request_, ApicRegister::Request);
    }
    constexpr u32 version = 0x5'0014; // integrated APIC, six local vectors
    switch (static_cast<ApicRegister>(index)) {
    case ApicRegister::Id: return identity_register();
    case ApicRegister::Version: return version;
    case ApicRegister::LogicalDestination: return logical_identity();
    case ApicRegister::ProcessorPriority:
    case ApicRegister::ArbitrationPriority: return processor_priority();
    case ApicRegister::CurrentCount: return current_count();
    default: return registers_[index].load(std::memory_order_relaxed);
    }
}

void VirtualLocalApic::write_register(u8 index, u32 value)
{
    auto const which = static_cast<ApicRegister>(index);
    switch (which) {
    case ApicRegister::TaskPriority: return set_task_priority(static_cast<u8>(value));
    case ApicRegister::EndOfInterrupt: return end_of_interrupt();
    case ApicRegister::SpuriousVector: return write_spurious_vector(value);
    case ApicRegister::ErrorStatus:
        set(which, pending_errors_);
        pending_errors_ = 0;
        return;
    case ApicRegister::SelfInterrupt:
        return send_command(ApicCommand{value & 0xff}.with<ApicCommand::Shorthand>(ApicShorthand::Self));
    case ApicRegister::CommandLow:
        set(which, value);
        return send_command(ApicCommand{u64{get(ApicRegister::CommandHigh)} << 32 | value});
    case ApicRegister::InitialCount: set(which, value); return restart_timer();
    case ApicRegister::DivideConfiguration:
        set(which, value);
        if (deadline_.load() != 0) restart_timer();
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
    if (was_enabled && !is_enabled()) // (SDM vol. 3, 11.4.7.2)
        for (u8 i = index_of(ApicRegister::TimerVector); i <= index_of(ApicRegister::ErrorVector); ++i)
            registers_[i].fetch_or(static_cast<u32>(LocalVector::Masked::mask));
    if (!was_enabled && is_enabled()) {
        ask_for_attention();
        surroundings_.local_apic_enabled();
    }
}

void VirtualLocalApic::write_local_vector(u8 index, u32 value)
{
    if (!is_enabled()) value |= static_cast<u32>(LocalVector::Masked::mask);
    bool const is_timer = index == index_of(ApicRegister::TimerVector);
    auto const old_mode = timer_vector().get<LocalVector::TimerMode>();
    registers_[index].store(value, std::memory_order_relaxed);
    if (!is_timer || timer_vector().get<LocalVector::TimerMode>() == old_mode) return;
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
    ask_for_attention();
    return {};
}

Expected<u64> VirtualLocalApic::read_msr(u32 number)
{
    u32 const index = number - x2apic_first_msr;
    if (!is_x2apic() || index >= apic_register_count) return failure(Error::Invalid);
    Row const& row = registers_by_index[index];
    if (!has(row, readable) || has(row, only_in_page)) return failure(Error::Invalid);
    u64 const low = read_register(static_cast<u8>(index));
    if (index != index_of(ApicRegister::CommandLow)) return low;
    return u64{get(ApicRegister::CommandHigh)} << 32 | low;
}

Expected<> VirtualLocalApic::write_msr(u32 number, u64 value)
{
    u32 const index = number - x2apic_first_msr;
    if (!is_x2apic() || index >= apic_register_count) return failure(Error::Invalid);
    Row const& row = registers_by_index[index];
    bool const read_only = index == index_of(ApicRegister::LogicalDestination);
    if (!has(row, writable) || has(row, only_in_page) || read_only) return failure(Error::Invalid);
    if (index == index_of(ApicRegister::CommandLow)) {
        set(ApicRegister::CommandHigh, static_cast<u32>(value >> 32));
        value &= 0xffff'ffff;
    }
    if ((value & ~u64{row.writable_bits}) != 0) return failure(Error::Invalid);
    write_register(static_cast<u8>(index), static_cast<u32>(value));
    return {};
}

// --- the page ---

bool VirtualLocalApic::answers_in_page() const { return base_.get<ApicBase::GlobalEnable>() && !is_x2apic(); }

u32 VirtualLocalApic::read_page(u32 offset)
{
    u32 const index = offset >> page_register_shift;
    if (index >= apic_register_count) return 0;
    Row const& row = registers_by_index[index];
    return has(row, readable) ? read_register(static_cast<u8>(index)) : 0;
}

void VirtualLocalApic::write_page(u32 offset, u32 value)
{
    u32 const index = offset >> page_register_shift;
    if (index >= apic_register_count) return;
    Row const& row = registers_by_index[index];
    if (has(row, writable) && !has(row, only_as_msr)) write_register(static_cast<u8>(index), value & row.writable_bits);
}

// --- migration records (xen/include/public/arch-x86/hvm/save.h) ---

xen::HvmLocalApic VirtualLocalApic::save() const
{
    return {.apic_base_msr = base_.raw(),
            .disabled = is_enabled() ? 0U : 1U,
            .timer_divisor = static_cast<u32>(count_ns() / tick_ns),
            .tsc_deadline_msr = tsc_deadline_};
}

Expected<> VirtualLocalApic::load(xen::HvmLocalApic const& state)
{
    ApicBase const base{state.apic_base_msr};
    if (base.get<ApicBase::Frame>() != apic_page >> 12) return failure(Error::Invalid);
    if (base.get<ApicBase::X2ApicEnable>() && !base.get<ApicBase::GlobalEnable>()) return failure(Error::Invalid);
    base_ = base;
    tsc_deadline_ = state.tsc_deadline_msr;
    if (tsc_deadline_ != 0) surroundings_.arm_timer(surroundings_.time_of_guest_tsc(tsc_deadline_));
    ask_for_attention();
    return {};
}

xen::HvmLocalApicRegisters VirtualLocalApic::save_registers() const
{
    xen::HvmLocalApicRegisters out{};
    auto const put = [&out](size_t index, u32 value) { std::memcpy(&out.data[index * 16], &value, sizeof value); };
    for (size_t i = 0; i < registers_.size(); ++i) put(i, registers_[i].load());
    for (size_t i = 0; i < request_.size(); ++i) {
        put(index_of(ApicRegister::InService) + i, in_service_[i].load());
        put(index_of(ApicRegister::TriggerMode) + i, trigger_[i].load());
        put(index_of(ApicRegister::Request) + i, request_[i].load());
    }
    put(index_of(ApicRegister::Id), identity_register());
    put(index_of(ApicRegister::LogicalDestination), logical_identity());
    return out;
}

Expected<> VirtualLocalApic::load_registers(xen::HvmLocalApicRegisters const& state)
{
    auto const take = [&state](size_t index) {
        u32 value = 0;
        std::memcpy(&value, &state.data[index * 16], sizeof value);
        return value;
    };
    for (size_t i = 0; i < registers_.size(); ++i) {
        Row const& row = registers_by_index[i];
        bool const is_command = i == index_of(ApicRegister::CommandHigh); // all its bits count in x2APIC mode
        if (has(row, writable)) registers_[i].store(is_command ? take(i) : take(i) & row.writable_bits);
    }
    set(ApicRegister::ErrorStatus, take(index_of(ApicRegister::ErrorStatus)));
    for (size_t i = 0; i < request_.size(); ++i) {
        u32 const legal = i == 0 ? 0xffff'0000 : 0xffff'ffff;
        in_service_[i].store(take(index_of(ApicRegister::InService) + i) & legal);
        trigger_[i].store(take(index_of(ApicRegister::TriggerMode) + i) & legal);
        request_[i].store(take(index_of(ApicRegister::Request) + i) & legal);
    }
    restart_timer();
    ask_for_attention();
    return {};
}

}
