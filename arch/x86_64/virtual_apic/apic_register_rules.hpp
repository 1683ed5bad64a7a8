// SPDX-License-Identifier: MIT
/// Which local APIC registers exist in which mode, and which of their bits a guest may write: one table.
#pragma once

#include "arch/x86_64/virtual_apic/apic_registers.hpp"

namespace hospes::arch {

struct ApicRegisterRule {
    static constexpr u8 readable = 1;
    static constexpr u8 writable = 2;
    static constexpr u8 only_in_page = 4; ///< not an MSR in x2APIC mode
    static constexpr u8 only_as_msr = 8;
    static constexpr u8 computed = 16; ///< reading the page does not tell it, or not as the MSR would

    ApicRegister first;
    u8 count;
    u8 access;
    u32 writable_bits; ///< others must be 0 in an MSR write, and are ignored in the page

    [[nodiscard]] constexpr bool has(u8 bits) const { return (access & bits) == bits; }
};

/// (SDM vol. 3, table 11-6)
inline constexpr auto apic_register_rows = [] {
    using enum ApicRegister;
    constexpr u8 readable = ApicRegisterRule::readable, writable = ApicRegisterRule::writable,
                 only_in_page = ApicRegisterRule::only_in_page, computed = ApicRegisterRule::computed;
    return std::to_array<ApicRegisterRule>({
        {Id, 1, readable, 0},
        {Version, 1, readable, 0},
        {TaskPriority, 1, readable | writable, 0xff},
        {ArbitrationPriority, 1, readable | only_in_page | computed, 0},
        {ProcessorPriority, 1, readable, 0},
        {EndOfInterrupt, 1, writable, 0},
        {LogicalDestination, 1, readable | writable, 0xff00'0000}, // read-only as MSR, see write_msr()
        {DestinationFormat, 1, readable | writable | only_in_page, 0xffff'ffff},
        {SpuriousVector, 1, readable | writable,
         0x3ff}, // bit 9, focus checking: Xen's own shim sets it, it does nothing
        {InService, 8, readable, 0},
        {TriggerMode, 8, readable, 0},
        {Request, 8, readable, 0},
        {ErrorStatus, 1, readable | writable, 0},
        {CorrectedError, 1, readable | writable, 0x1'07ff},
        {CommandLow, 1, readable | writable | computed, 0xc'cfff},
        {CommandHigh, 1, readable | writable | only_in_page, 0xff00'0000},
        {TimerVector, 1, readable | writable, 0x7'00ff},
        {ThermalVector, 2, readable | writable, 0x1'07ff},
        {Line0Vector, 2, readable | writable, 0x1'a7ff},
        {ErrorVector, 1, readable | writable, 0x1'00ff},
        {InitialCount, 1, readable | writable, 0xffff'ffff},
        {CurrentCount, 1, readable | computed, 0},
        {DivideConfiguration, 1, readable | writable, 0xb},
        {SelfInterrupt, 1, writable | ApicRegisterRule::only_as_msr, 0xff},
    });
}();

/// By register; the empty rule where there is none.
inline constexpr auto apic_register_rules = [] {
    std::array<ApicRegisterRule, apic_register_count> table{};
    for (ApicRegisterRule const& row : apic_register_rows)
        for (u8 i = 0; i < row.count; ++i) table[std::to_underlying(row.first) + i] = row;
    return table;
}();

/// In x2APIC mode: does a read of the register's MSR give what the page holds?
[[nodiscard]] constexpr bool is_msr_in_page(u8 index)
{
    ApicRegisterRule const& rule = apic_register_rules[index];
    return rule.has(ApicRegisterRule::readable) && !rule.has(ApicRegisterRule::only_in_page) &&
           !rule.has(ApicRegisterRule::computed);
}

}
