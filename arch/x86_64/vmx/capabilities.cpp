// SPDX-License-Identifier: MIT
/// Which controls Hospes wants, must have, or can do without, resolved against this CPU's capability MSRs.
#include "arch/x86_64/vmx/capabilities.hpp"

#include "arch/x86_64/cpu/control_registers.hpp"

namespace hospes::vmx {

namespace {

constexpr u32 basic_msr = 0x480;
constexpr u32 cr0_fixed0_msr = 0x486; ///< bits that must be 1
constexpr u32 cr0_fixed1_msr = 0x487; ///< bits that may be 1
constexpr u32 cr4_fixed0_msr = 0x488;
constexpr u32 cr4_fixed1_msr = 0x489;
constexpr u32 ept_vpid_msr = 0x48c;

/// By ControlWord: the old MSR, and the one that tells the truth about bits older CPUs wanted to be 1.
struct LimitsMsr {
    u32 old;
    u32 truth;
};
constexpr std::array<LimitsMsr, control_word_count> limits_msrs{{
    {0x481, 0x48d},
    {0x482, 0x48e},
    {0x48b, 0x48b},
    {0x483, 0x48f},
    {0x484, 0x490},
}};

ControlLimits limits_of(MsrSource source, Basic basic, ControlWord word)
{
    LimitsMsr const& row = limits_msrs[std::to_underlying(word)];
    return ControlLimits{source(basic.get<Basic::HasTrueControls>() ? row.truth : row.old)};
}

bool is_met(Demand demand, bool must_be_one, bool may_be_one)
{
    switch (demand) {
    case Demand::Needed: return may_be_one;
    case Demand::Available: return may_be_one && !must_be_one;
    case Demand::Optional:
    case Demand::Refused: return !must_be_one;
    case Demand::Wanted: return true;
    }
    return false;
}

/// The value of one word of controls; names the first demand that the CPU does not meet.
u32 resolve(ControlWord word, ControlLimits limits, std::string_view& missing)
{
    u32 const must_be_one = limits.get<ControlLimits::MustBeOne>();
    u32 const may_be_one = limits.get<ControlLimits::MayBeOne>();
    u32 value = must_be_one;
    for (ControlDemand const& row : control_demands) {
        if (row.word != word) continue;
        u32 const mask = static_cast<u32>(row.mask);
        if (!is_met(row.demand, (must_be_one & mask) != 0, (may_be_one & mask) != 0) && missing.empty())
            missing = row.name;
        if (row.demand == Demand::Needed || row.demand == Demand::Wanted) value |= mask & may_be_one;
    }
    return value;
}

bool suffices(EptAndVpid ept)
{
    bool const can_invalidate =
        ept.get<EptAndVpid::Invept>() && (ept.get<EptAndVpid::InveptSingle>() || ept.get<EptAndVpid::InveptAll>());
    return ept.get<EptAndVpid::FourLevels>() && ept.get<EptAndVpid::Pages2M>() && can_invalidate &&
           (ept.get<EptAndVpid::WriteBack>() || ept.get<EptAndVpid::Uncacheable>());
}

}

void Capabilities::virtualize_apic()
{
    controls[std::to_underlying(ControlWord::Secondary)] |=
        apic_controls & ~static_cast<u32>(SecondaryControls::VirtualizeX2Apic::mask);
}

Verdict discover(MsrSource source, Capabilities& found)
{
    found = {};
    found.basic = Basic{source(basic_msr)};
    for (ControlWord word : {ControlWord::Pin, ControlWord::Primary, ControlWord::Exit, ControlWord::Entry})
        found.controls[std::to_underlying(word)] = resolve(word, limits_of(source, found.basic, word), found.missing);
    // The MSRs for the rest exist only with these. (SDM vol. 3, A.3.3 and A.10)
    if (!found.uses<PrimaryControls::Secondary>(ControlWord::Primary)) return Verdict::ControlMissing;
    ControlLimits const secondary = limits_of(source, found.basic, ControlWord::Secondary);
    found.may_be_one_secondary = secondary.get<ControlLimits::MayBeOne>();
    found.controls[std::to_underlying(ControlWord::Secondary)] =
        resolve(ControlWord::Secondary, secondary, found.missing);
    if (!found.missing.empty()) return Verdict::ControlMissing;

    found.ept = EptAndVpid{source(ept_vpid_msr)};
    // An unrestricted guest is free from the demand for protected mode and paging. (SDM vol. 3, A.7)
    found.cr0_must_be_one = source(cr0_fixed0_msr) & ~(Cr0::ProtectedMode::mask | Cr0::Paging::mask);
    found.cr0_may_be_one = source(cr0_fixed1_msr);
    found.cr4_must_be_one = source(cr4_fixed0_msr);
    found.cr4_may_be_one = source(cr4_fixed1_msr);
    return suffices(found.ept) ? Verdict::Usable : Verdict::EptUnsuitable;
}

}
