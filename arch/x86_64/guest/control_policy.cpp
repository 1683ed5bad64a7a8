// SPDX-License-Identifier: MIT
/// Control register bits by the features that bring them: what CPUID does not show a guest, it cannot switch on.
#include "arch/x86_64/guest/control_policy.hpp"

#include <span>

namespace hospes::arch {

namespace {

struct Row {
    u64 bits;
    FeatureBit feature;
};

/// (SDM vol. 4, table 2-2, IA32_EFER; APM vol. 2, 3.1.7)
constexpr auto efer_rows = std::to_array<Row>({
    {Efer::SystemCallExtensions::mask, feature("syscall")},
    {Efer::LongModeEnable::mask | Efer::LongModeActive::mask, feature("lm")},
    {Efer::NoExecuteEnable::mask, feature("nx")},
    {Efer::FastFxsave::mask, feature("ffxsr")},
});

/// (SDM vol. 3, 2.5; APM vol. 2, 3.1.3) CR4.LA57, VMXE, SMXE, CET and the like are in no row: guests have none of it.
constexpr auto cr4_rows = std::to_array<Row>({
    {Cr4::VirtualMode8086::mask | Cr4::ProtectedVirtualInterrupts::mask, feature("vme")},
    {Cr4::TimeStampDisable::mask, feature("tsc")},
    {Cr4::DebuggingExtensions::mask, feature("de")},
    {Cr4::PageSizeExtensions::mask, feature("pse")},
    {Cr4::PhysicalAddressExtension::mask, feature("pae")},
    {Cr4::MachineCheckEnable::mask, feature("mce")},
    {Cr4::PageGlobalEnable::mask, feature("pge")},
    {Cr4::FxsaveSupport::mask, feature("fxsr")},
    {Cr4::SimdExceptions::mask, feature("sse")},
    {Cr4::UserModeInstructionPrevention::mask, feature("umip")},
    {Cr4::FsGsBase::mask, feature("fsgsbase")},
    {Cr4::ProcessContextId::mask, feature("pcid")},
    {Cr4::XsaveEnable::mask, feature("xsave")},
    {Cr4::SupervisorExecutionPrevention::mask, feature("smep")},
    {Cr4::SupervisorAccessPrevention::mask, feature("smap")},
    {Cr4::ProtectionKeys::mask, feature("pku")},
});
constexpr u64 cr4_for_all = Cr4::PerformanceCounterEnable::mask; ///< RDPMC is refused all the same

u64 bits_of(CpuidPolicy const& policy, std::span<Row const> rows)
{
    FeatureSet const features = policy.feature_set();
    u64 bits = 0;
    for (Row const& row : rows)
        if (has(features, row.feature)) bits |= row.bits;
    return bits;
}

constexpr u64 process_context_mask = 0xfff; ///< CR3 bits 11..0 with CR4.PCIDE

}

u64 legal_efer(CpuidPolicy const& policy) { return bits_of(policy, efer_rows); }
u64 legal_cr4(CpuidPolicy const& policy) { return bits_of(policy, cr4_rows) | cr4_for_all; }

std::optional<ControlRegisters> after_cr4_write(ControlRegisters before, u64 value, u64 legal)
{
    Cr4 const wanted{value};
    bool const long_mode = Efer{before.efer}.get<Efer::LongModeActive>();
    if ((value & ~legal) != 0) return std::nullopt;
    if (long_mode && !wanted.get<Cr4::PhysicalAddressExtension>()) return std::nullopt;
    bool const turns_on_contexts = wanted.get<Cr4::ProcessContextId>() && !Cr4{before.cr4}.get<Cr4::ProcessContextId>();
    if (turns_on_contexts && (!long_mode || (before.cr3 & process_context_mask) != 0)) return std::nullopt;
    before.cr4 = value;
    return before;
}

}
