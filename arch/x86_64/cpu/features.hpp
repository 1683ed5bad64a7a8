// SPDX-License-Identifier: MIT
/// The CPU features that Hospes itself depends on or makes use of: one table.
/// What a guest gets to see is another table, the CPUID policy.
#pragma once

#include <array>
#include <string_view>

#include "arch/x86_64/cpu/cpuid.hpp"
#include "kernel/lib/bitmap.hpp"

namespace hospes {

enum class Feature : u8 {
    Vmx,
    X2Apic,
    Xsave,
    TscDeadline,
    Hypervisor,
    Apic,
    MachineCheck,
    MachineCheckArchitecture,
    GlobalPages,
    Pat,
    SupervisorExecutionPrevention,
    SupervisorAccessPrevention,
    TscAdjust,
    AlwaysRunningApicTimer,
    Svm,
    NoExecute,
    GibibytePages,
    LongMode,
    Rdtscp,
    InvariantTsc,
    NestedPaging,
    NextRipSave,
    VmcbCleanBits,
    FlushByAsid,
    DecodeAssists,
    VirtualGif,
    Count,
};

struct FeatureDescription {
    Feature feature;
    std::string_view name;
    u32 leaf;
    u32 subleaf;
    CpuidRegister where;
    unsigned bit;
};

inline constexpr size_t feature_count = static_cast<size_t>(Feature::Count);

/// In the order of `Feature`. (SDM volume 2, CPUID; APM volume 3, appendix E)
inline constexpr std::array<FeatureDescription, feature_count> feature_table{{
    {Feature::Vmx, "vmx", 1, 0, CpuidRegister::Ecx, 5},
    {Feature::X2Apic, "x2apic", 1, 0, CpuidRegister::Ecx, 21},
    {Feature::Xsave, "xsave", 1, 0, CpuidRegister::Ecx, 26},
    {Feature::TscDeadline, "tsc-deadline", 1, 0, CpuidRegister::Ecx, 24},
    {Feature::Hypervisor, "hypervisor", 1, 0, CpuidRegister::Ecx, 31},
    {Feature::Apic, "apic", 1, 0, CpuidRegister::Edx, 9},
    {Feature::MachineCheck, "mce", 1, 0, CpuidRegister::Edx, 7},
    {Feature::MachineCheckArchitecture, "mca", 1, 0, CpuidRegister::Edx, 14},
    {Feature::GlobalPages, "pge", 1, 0, CpuidRegister::Edx, 13},
    {Feature::Pat, "pat", 1, 0, CpuidRegister::Edx, 16},
    {Feature::SupervisorExecutionPrevention, "smep", 7, 0, CpuidRegister::Ebx, 7},
    {Feature::SupervisorAccessPrevention, "smap", 7, 0, CpuidRegister::Ebx, 20},
    {Feature::TscAdjust, "tsc-adjust", 7, 0, CpuidRegister::Ebx, 1},
    {Feature::AlwaysRunningApicTimer, "arat", 6, 0, CpuidRegister::Eax, 2},
    {Feature::Svm, "svm", 0x8000'0001, 0, CpuidRegister::Ecx, 2},
    {Feature::NoExecute, "nx", 0x8000'0001, 0, CpuidRegister::Edx, 20},
    {Feature::GibibytePages, "page1gb", 0x8000'0001, 0, CpuidRegister::Edx, 26},
    {Feature::LongMode, "lm", 0x8000'0001, 0, CpuidRegister::Edx, 29},
    {Feature::Rdtscp, "rdtscp", 0x8000'0001, 0, CpuidRegister::Edx, 27},
    {Feature::InvariantTsc, "invtsc", 0x8000'0007, 0, CpuidRegister::Edx, 8},
    {Feature::NestedPaging, "npt", 0x8000'000a, 0, CpuidRegister::Edx, 0},
    {Feature::NextRipSave, "nrip-save", 0x8000'000a, 0, CpuidRegister::Edx, 3},
    {Feature::VmcbCleanBits, "vmcb-clean", 0x8000'000a, 0, CpuidRegister::Edx, 5},
    {Feature::FlushByAsid, "flushbyasid", 0x8000'000a, 0, CpuidRegister::Edx, 6},
    {Feature::DecodeAssists, "decodeassists", 0x8000'000a, 0, CpuidRegister::Edx, 7},
    {Feature::VirtualGif, "vgif", 0x8000'000a, 0, CpuidRegister::Edx, 16},
}};

class CpuFeatures {
public:
    constexpr CpuFeatures() = default;
    /// Everything the table asks for, from `source`.
    [[nodiscard]] static CpuFeatures detect(CpuidSource source);

    [[nodiscard]] constexpr bool has(Feature feature) const { return present_.test(static_cast<unsigned>(feature)); }
    constexpr bool operator==(CpuFeatures const&) const = default;

    /// A feature that `other` has and this one lacks.
    [[nodiscard]] std::optional<Feature> first_missing_from(CpuFeatures const& other) const;

private:
    Bitmap<feature_count> present_;
};

[[nodiscard]] constexpr std::string_view name_of(Feature feature)
{
    return feature_table[static_cast<size_t>(feature)].name;
}

/// The booting CPU's features, read once.
[[nodiscard]] CpuFeatures const& cpu_features();

}
