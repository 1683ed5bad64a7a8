// SPDX-License-Identifier: MIT
/// What this CPU's VMX can do, and the control settings that follow: one table. Pure, given the MSRs.
/// (SDM vol. 3, appendix A)
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "arch/x86_64/cpu/msr.hpp"

namespace hospes::vmx {

/// (SDM vol. 3, A.1)
struct Basic : Register<Basic> {
    using Register::Register;
    using Revision = Field<Basic, 30, 0, u32>;
    using RegionBytes = Field<Basic, 44, 32, u16>;
    using MemoryType = Field<Basic, 53, 50, u8>;
    using HasTrueControls = Field<Basic, 55>;
};

/// (SDM vol. 3, A.10)
struct EptAndVpid : Register<EptAndVpid> {
    using Register::Register;
    using FourLevels = Field<EptAndVpid, 6>;
    using Uncacheable = Field<EptAndVpid, 8>;
    using WriteBack = Field<EptAndVpid, 14>;
    using Pages2M = Field<EptAndVpid, 16>;
    using Pages1G = Field<EptAndVpid, 17>;
    using Invept = Field<EptAndVpid, 20>;
    using InveptSingle = Field<EptAndVpid, 25>;
    using InveptAll = Field<EptAndVpid, 26>;
    using Invvpid = Field<EptAndVpid, 32>;
    using InvvpidSingle = Field<EptAndVpid, 41>;
    using InvvpidAll = Field<EptAndVpid, 42>;
};

/// (SDM vol. 3, table 25-5)
struct PinControls : Register<PinControls, u32> {
    using Register::Register;
    using ExternalInterruptExiting = Field<PinControls, 0>;
    using NmiExiting = Field<PinControls, 3>;
    using VirtualNmis = Field<PinControls, 5>;
};

/// (SDM vol. 3, table 25-6)
struct PrimaryControls : Register<PrimaryControls, u32> {
    using Register::Register;
    using InterruptWindow = Field<PrimaryControls, 2>;
    using TscOffsetting = Field<PrimaryControls, 3>;
    using HltExiting = Field<PrimaryControls, 7>;
    using InvlpgExiting = Field<PrimaryControls, 9>;
    using MwaitExiting = Field<PrimaryControls, 10>;
    using RdpmcExiting = Field<PrimaryControls, 11>;
    using RdtscExiting = Field<PrimaryControls, 12>;
    using Cr3LoadExiting = Field<PrimaryControls, 15>;
    using Cr3StoreExiting = Field<PrimaryControls, 16>;
    using Cr8LoadExiting = Field<PrimaryControls, 19>;
    using Cr8StoreExiting = Field<PrimaryControls, 20>;
    using TprShadow = Field<PrimaryControls, 21>;
    using NmiWindow = Field<PrimaryControls, 22>;
    using DebugRegisterExiting = Field<PrimaryControls, 23>;
    using AllPortsExiting = Field<PrimaryControls, 24>;
    using PortBitmaps = Field<PrimaryControls, 25>;
    using MsrBitmaps = Field<PrimaryControls, 28>;
    using MonitorExiting = Field<PrimaryControls, 29>;
    using Secondary = Field<PrimaryControls, 31>;
};

/// (SDM vol. 3, table 25-7)
struct SecondaryControls : Register<SecondaryControls, u32> {
    using Register::Register;
    using Ept = Field<SecondaryControls, 1>;
    using Rdtscp = Field<SecondaryControls, 3>;
    using VirtualizeX2Apic = Field<SecondaryControls, 4>;
    using Vpid = Field<SecondaryControls, 5>;
    using WbinvdExiting = Field<SecondaryControls, 6>;
    using UnrestrictedGuest = Field<SecondaryControls, 7>;
    using ApicRegisters = Field<SecondaryControls, 8>;
    using VirtualInterruptDelivery = Field<SecondaryControls, 9>;
    using Invpcid = Field<SecondaryControls, 12>;
};

/// (SDM vol. 3, table 25-13)
struct ExitControls : Register<ExitControls, u32> {
    using Register::Register;
    using SaveDebug = Field<ExitControls, 2>;
    using HostIsLong = Field<ExitControls, 9>;
    using AcknowledgeInterrupt = Field<ExitControls, 15>;
    using LoadPat = Field<ExitControls, 19>;
    using SaveEfer = Field<ExitControls, 20>;
    using LoadEfer = Field<ExitControls, 21>;
};

/// (SDM vol. 3, table 25-15)
struct EntryControls : Register<EntryControls, u32> {
    using Register::Register;
    using LoadDebug = Field<EntryControls, 2>;
    using GuestIsLong = Field<EntryControls, 9>;
    using LoadPat = Field<EntryControls, 14>;
    using LoadEfer = Field<EntryControls, 15>;
};

/// A capability MSR for one word of controls: which must be 1, which may be. (SDM vol. 3, A.3.1)
struct ControlLimits : Register<ControlLimits> {
    using Register::Register;
    using MustBeOne = Field<ControlLimits, 31, 0, u32>;
    using MayBeOne = Field<ControlLimits, 63, 32, u32>;
};

enum class ControlWord : u8 { Pin, Primary, Secondary, Exit, Entry };
inline constexpr size_t control_word_count = 5;

enum class Demand : u8 {
    Needed,    ///< 1, or Hospes cannot run
    Wanted,    ///< 1 if possible
    Available, ///< 0 at first, 1 at times
    Optional,  ///< 0, or 1 where it is possible and somebody wants it
    Refused,   ///< 0: the CPU must not insist on 1
};

struct ControlDemand {
    ControlWord word;
    u64 mask;
    Demand demand;
    std::string_view name;
};

template <typename F>
[[nodiscard]] constexpr ControlDemand demand(ControlWord word, Demand what, std::string_view name)
{
    return {word, F::mask, what, name};
}

// clang-format off
inline constexpr auto control_demands = std::to_array<ControlDemand>({
    demand<PinControls::ExternalInterruptExiting>(ControlWord::Pin, Demand::Needed, "external-interrupt exiting"),
    demand<PinControls::NmiExiting>(ControlWord::Pin, Demand::Needed, "NMI exiting"),
    demand<PinControls::VirtualNmis>(ControlWord::Pin, Demand::Needed, "virtual NMIs"),
    demand<PrimaryControls::InterruptWindow>(ControlWord::Primary, Demand::Available, "interrupt-window exiting"),
    demand<PrimaryControls::NmiWindow>(ControlWord::Primary, Demand::Available, "NMI-window exiting"),
    demand<PrimaryControls::TscOffsetting>(ControlWord::Primary, Demand::Needed, "TSC offsetting"),
    demand<PrimaryControls::HltExiting>(ControlWord::Primary, Demand::Needed, "HLT exiting"),
    demand<PrimaryControls::MwaitExiting>(ControlWord::Primary, Demand::Needed, "MWAIT exiting"),
    demand<PrimaryControls::MonitorExiting>(ControlWord::Primary, Demand::Needed, "MONITOR exiting"),
    demand<PrimaryControls::RdpmcExiting>(ControlWord::Primary, Demand::Needed, "RDPMC exiting"),
    demand<PrimaryControls::TprShadow>(ControlWord::Primary, Demand::Needed, "TPR shadow"),
    demand<PrimaryControls::PortBitmaps>(ControlWord::Primary, Demand::Needed, "I/O bitmaps"),
    demand<PrimaryControls::MsrBitmaps>(ControlWord::Primary, Demand::Needed, "MSR bitmaps"),
    demand<PrimaryControls::Secondary>(ControlWord::Primary, Demand::Needed, "secondary controls"),
    demand<PrimaryControls::InvlpgExiting>(ControlWord::Primary, Demand::Refused, "INVLPG exiting"),
    demand<PrimaryControls::RdtscExiting>(ControlWord::Primary, Demand::Refused, "RDTSC exiting"),
    demand<PrimaryControls::Cr3LoadExiting>(ControlWord::Primary, Demand::Refused, "CR3-load exiting"),
    demand<PrimaryControls::Cr3StoreExiting>(ControlWord::Primary, Demand::Refused, "CR3-store exiting"),
    demand<PrimaryControls::Cr8LoadExiting>(ControlWord::Primary, Demand::Refused, "CR8-load exiting"),
    demand<PrimaryControls::Cr8StoreExiting>(ControlWord::Primary, Demand::Refused, "CR8-store exiting"),
    demand<PrimaryControls::DebugRegisterExiting>(ControlWord::Primary, Demand::Refused, "MOV-DR exiting"),
    demand<SecondaryControls::Ept>(ControlWord::Secondary, Demand::Needed, "extended page tables (EPT)"),
    demand<SecondaryControls::UnrestrictedGuest>(ControlWord::Secondary, Demand::Needed, "unrestricted guest"),
    demand<SecondaryControls::Vpid>(ControlWord::Secondary, Demand::Wanted, "VPID"),
    demand<SecondaryControls::Rdtscp>(ControlWord::Secondary, Demand::Wanted, "RDTSCP"),
    demand<SecondaryControls::Invpcid>(ControlWord::Secondary, Demand::Wanted, "INVPCID"),
    demand<SecondaryControls::ApicRegisters>(ControlWord::Secondary, Demand::Optional, "APIC-register virtualization"),
    demand<SecondaryControls::VirtualInterruptDelivery>(ControlWord::Secondary, Demand::Optional,
                                                        "virtual-interrupt delivery"),
    demand<SecondaryControls::VirtualizeX2Apic>(ControlWord::Secondary, Demand::Optional, "virtualize x2APIC mode"),
    demand<SecondaryControls::WbinvdExiting>(ControlWord::Secondary, Demand::Wanted, "WBINVD exiting"),
    demand<ExitControls::SaveDebug>(ControlWord::Exit, Demand::Needed, "save debug controls"),
    demand<ExitControls::HostIsLong>(ControlWord::Exit, Demand::Needed, "64-bit host"),
    demand<ExitControls::LoadPat>(ControlWord::Exit, Demand::Needed, "load PAT at exit"),
    demand<ExitControls::SaveEfer>(ControlWord::Exit, Demand::Needed, "save EFER"),
    demand<ExitControls::LoadEfer>(ControlWord::Exit, Demand::Needed, "load EFER at exit"),
    demand<ExitControls::AcknowledgeInterrupt>(ControlWord::Exit, Demand::Refused, "acknowledge interrupt on exit"),
    demand<EntryControls::LoadDebug>(ControlWord::Entry, Demand::Needed, "load debug controls"),
    demand<EntryControls::GuestIsLong>(ControlWord::Entry, Demand::Available, "64-bit guest"),
    demand<EntryControls::LoadPat>(ControlWord::Entry, Demand::Needed, "load PAT at entry"),
    demand<EntryControls::LoadEfer>(ControlWord::Entry, Demand::Needed, "load EFER at entry"),
});
// clang-format on

enum class Verdict : u8 {
    Usable,
    Absent, ///< CPUID does not show VMX
    LockedByFirmware,
    ControlMissing, ///< see `missing`
    EptUnsuitable,  ///< 4-level walks, INVEPT or uncached mappings are missing
};

struct Capabilities {
    Basic basic;
    std::array<u32, control_word_count> controls{}; ///< by ControlWord, as every vCPU starts with
    EptAndVpid ept;
    u64 cr0_must_be_one = 0, cr0_may_be_one = 0;
    u64 cr4_must_be_one = 0, cr4_may_be_one = 0;
    u32 may_be_one_secondary = 0; ///< for what is optional
    std::string_view missing;     ///< of control_demands

    /// With all of these the CPU takes the virtual local APIC over; some alone are of no use. (SDM vol. 3, chapter 30)
    static constexpr u32 apic_controls =
        static_cast<u32>(SecondaryControls::ApicRegisters::mask | SecondaryControls::VirtualInterruptDelivery::mask |
                         SecondaryControls::VirtualizeX2Apic::mask);
    [[nodiscard]] bool can_virtualize_apic() const { return (may_be_one_secondary & apic_controls) == apic_controls; }
    /// From now on vCPUs start like that, with x2APIC mode off.
    void virtualize_apic();
    [[nodiscard]] bool virtualizes_apic() const
    {
        return uses<SecondaryControls::VirtualInterruptDelivery>(ControlWord::Secondary);
    }

    [[nodiscard]] u32 control(ControlWord word) const { return controls[std::to_underlying(word)]; }
    template <typename F>
    [[nodiscard]] bool uses(ControlWord word) const
    {
        return (control(word) & F::mask) != 0;
    }
};

using MsrSource = u64 (*)(u32 number);

/// ControlMissing or EptUnsuitable if this CPU's VMX does not suffice.
[[nodiscard]] Verdict discover(MsrSource source, Capabilities& found);

}
