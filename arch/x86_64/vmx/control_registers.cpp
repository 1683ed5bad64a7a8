// SPDX-License-Identifier: MIT
/// What CR0 and CR4 become after a write, or that the write is #GP.
#include "arch/x86_64/vmx/control_registers.hpp"

namespace hospes::vmx {

namespace {

constexpr u64 upper_half = ~u64{0xffff'ffff};

bool is_legal_cr0(Cr0 value)
{
    if ((value.raw() & upper_half) != 0) return false;
    if (value.get<Cr0::Paging>() && !value.get<Cr0::ProtectedMode>()) return false;
    return !value.get<Cr0::NotWriteThrough>() || value.get<Cr0::CacheDisable>();
}

}

u64 own_cr0_bits(u64 must_be_one, u64 may_be_one)
{
    return must_be_one | (~may_be_one & ~upper_half) | Cr0::CacheDisable::mask | Cr0::NotWriteThrough::mask;
}

std::optional<arch::ControlRegisters> after_cr0_write(arch::ControlRegisters before, u64 value, bool in_64_bit_code)
{
    Cr0 const wanted = Cr0{value}.with<Cr0::ExtensionType>(true);
    Cr4 const cr4{before.cr4};
    Efer efer{before.efer};
    bool const was_paging = Cr0{before.cr0}.get<Cr0::Paging>();
    bool const is_paging = wanted.get<Cr0::Paging>();
    if (!is_legal_cr0(wanted)) return std::nullopt;
    if (!is_paging && (in_64_bit_code || cr4.get<Cr4::ProcessContextId>())) return std::nullopt;
    if (!was_paging && is_paging && efer.get<Efer::LongModeEnable>() &&
        (!cr4.get<Cr4::PhysicalAddressExtension>() || in_64_bit_code))
        return std::nullopt;
    efer = efer.with<Efer::LongModeActive>(is_paging && efer.get<Efer::LongModeEnable>());
    before.cr0 = wanted.raw();
    before.efer = efer.raw();
    return before;
}

u64 cr0_after_lmsw(u64 cr0, u16 source)
{
    constexpr u64 writable =
        Cr0::ProtectedMode::mask | Cr0::MonitorCoprocessor::mask | Cr0::Emulation::mask | Cr0::TaskSwitched::mask;
    u64 const sticky = cr0 & Cr0::ProtectedMode::mask;
    return (cr0 & ~writable) | (source & writable) | sticky;
}

}
