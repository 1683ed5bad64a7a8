// SPDX-License-Identifier: MIT
/// Which CPU features guests may have: one table. What is not in it does not exist for them.
/// (SDM vol. 2, CPUID; APM vol. 3, appendix E; names as in xen/include/public/arch-x86/cpufeatureset.h)
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes::arch {

/// The toolstack's feature set, in its order (abi.md 3.14).
enum class FeatureWord : u8 {
    Leaf1Edx,
    Leaf1Ecx,
    Extended1Edx,
    Extended1Ecx,
    Xstate1Eax,
    Leaf7Ebx,
    Leaf7Ecx,
    Extended7Edx,
    Extended8Ebx,
    Leaf7Edx,
    Leaf7Sub1Eax,
    Extended21Eax,
    Leaf7Sub1Ebx,
    Leaf7Sub2Edx,
    Leaf7Sub1Ecx,
    Leaf7Sub1Edx,
    ArchCapabilitiesLow,
    ArchCapabilitiesHigh,
    Extended21Ecx,
};
inline constexpr size_t feature_word_count = static_cast<size_t>(FeatureWord::Extended21Ecx) + 1;
using FeatureSet = std::array<u32, feature_word_count>;

enum class Exposure : u8 {
    Default,   ///< every guest gets it if the CPU has it
    OnRequest, ///< only if the toolstack asks: it ties the guest to this machine, or is about topology
    Synthetic, ///< the hypervisor makes it: every guest has it
};

struct GuestFeature {
    FeatureWord word;
    u8 bit;
    Exposure exposure;
    std::string_view name;
};

namespace detail {
using enum FeatureWord;
using enum Exposure;
// clang-format off
inline constexpr auto guest_features = std::to_array<GuestFeature>({
    {Leaf1Edx, 0, Default, "fpu"}, {Leaf1Edx, 1, Default, "vme"}, {Leaf1Edx, 2, Default, "de"},
    {Leaf1Edx, 3, Default, "pse"}, {Leaf1Edx, 4, Default, "tsc"}, {Leaf1Edx, 5, Default, "msr"},
    {Leaf1Edx, 6, Default, "pae"}, {Leaf1Edx, 7, Default, "mce"}, {Leaf1Edx, 8, Default, "cx8"},
    {Leaf1Edx, 9, Synthetic, "apic"}, {Leaf1Edx, 11, Default, "sep"}, {Leaf1Edx, 12, Synthetic, "mtrr"},
    {Leaf1Edx, 13, Default, "pge"}, {Leaf1Edx, 14, Default, "mca"}, {Leaf1Edx, 15, Default, "cmov"},
    {Leaf1Edx, 16, Default, "pat"}, {Leaf1Edx, 17, Default, "pse36"}, {Leaf1Edx, 19, Default, "clflush"},
    {Leaf1Edx, 23, Default, "mmx"}, {Leaf1Edx, 24, Default, "fxsr"}, {Leaf1Edx, 25, Default, "sse"},
    {Leaf1Edx, 26, Default, "sse2"}, {Leaf1Edx, 28, OnRequest, "htt"},

    {Leaf1Ecx, 0, Default, "sse3"}, {Leaf1Ecx, 1, Default, "pclmulqdq"}, {Leaf1Ecx, 9, Default, "ssse3"},
    {Leaf1Ecx, 12, Default, "fma"}, {Leaf1Ecx, 13, Default, "cx16"}, {Leaf1Ecx, 17, Default, "pcid"},
    {Leaf1Ecx, 19, Default, "sse4-1"}, {Leaf1Ecx, 20, Default, "sse4-2"}, {Leaf1Ecx, 21, Synthetic, "x2apic"},
    {Leaf1Ecx, 22, Default, "movbe"}, {Leaf1Ecx, 23, Default, "popcnt"}, {Leaf1Ecx, 24, Default, "tsc-deadline"},
    {Leaf1Ecx, 25, Default, "aesni"}, {Leaf1Ecx, 26, Default, "xsave"}, {Leaf1Ecx, 28, Default, "avx"},
    {Leaf1Ecx, 29, Default, "f16c"}, {Leaf1Ecx, 30, Default, "rdrnd"}, {Leaf1Ecx, 31, Synthetic, "hypervisor"},

    {Extended1Edx, 11, Default, "syscall"}, {Extended1Edx, 20, Default, "nx"}, {Extended1Edx, 22, Default, "mmxext"},
    {Extended1Edx, 25, Default, "ffxsr"}, {Extended1Edx, 26, Default, "pg1g"}, {Extended1Edx, 27, Default, "rdtscp"},
    {Extended1Edx, 29, Default, "lm"}, {Extended1Edx, 30, Default, "3dnowext"}, {Extended1Edx, 31, Default, "3dnow"},

    {Extended1Ecx, 0, Default, "lahf-lm"}, {Extended1Ecx, 1, OnRequest, "cmp-legacy"},
    {Extended1Ecx, 4, Default, "cr8-legacy"}, {Extended1Ecx, 5, Default, "abm"}, {Extended1Ecx, 6, Default, "sse4a"},
    {Extended1Ecx, 7, Default, "misalignsse"}, {Extended1Ecx, 8, Default, "3dnowprefetch"},
    {Extended1Ecx, 11, Default, "xop"}, {Extended1Ecx, 16, Default, "fma4"}, {Extended1Ecx, 21, Default, "tbm"},

    {Xstate1Eax, 0, Default, "xsaveopt"}, {Xstate1Eax, 1, Default, "xsavec"}, {Xstate1Eax, 2, Default, "xgetbv1"},

    {Leaf7Ebx, 0, Default, "fsgsbase"}, {Leaf7Ebx, 1, Synthetic, "tsc-adjust"}, {Leaf7Ebx, 3, Default, "bmi1"},
    {Leaf7Ebx, 5, Default, "avx2"}, {Leaf7Ebx, 6, Default, "fdp-excp-only"}, {Leaf7Ebx, 7, Default, "smep"},
    {Leaf7Ebx, 8, Default, "bmi2"}, {Leaf7Ebx, 9, Default, "erms"}, {Leaf7Ebx, 10, Default, "invpcid"},
    {Leaf7Ebx, 13, Default, "depfpp"}, {Leaf7Ebx, 16, Default, "avx512f"}, {Leaf7Ebx, 17, Default, "avx512dq"},
    {Leaf7Ebx, 18, Default, "rdseed"}, {Leaf7Ebx, 19, Default, "adx"}, {Leaf7Ebx, 20, Default, "smap"},
    {Leaf7Ebx, 21, Default, "avx512-ifma"}, {Leaf7Ebx, 23, Default, "clflushopt"}, {Leaf7Ebx, 24, Default, "clwb"},
    {Leaf7Ebx, 26, Default, "avx512pf"}, {Leaf7Ebx, 27, Default, "avx512er"}, {Leaf7Ebx, 28, Default, "avx512cd"},
    {Leaf7Ebx, 29, Default, "sha"}, {Leaf7Ebx, 30, Default, "avx512bw"}, {Leaf7Ebx, 31, Default, "avx512vl"},

    {Leaf7Ecx, 0, Default, "prefetchwt1"}, {Leaf7Ecx, 1, Default, "avx512-vbmi"}, {Leaf7Ecx, 2, Default, "umip"},
    {Leaf7Ecx, 3, Default, "pku"}, {Leaf7Ecx, 6, Default, "avx512-vbmi2"}, {Leaf7Ecx, 8, Default, "gfni"},
    {Leaf7Ecx, 9, Default, "vaes"}, {Leaf7Ecx, 10, Default, "vpclmulqdq"}, {Leaf7Ecx, 11, Default, "avx512-vnni"},
    {Leaf7Ecx, 12, Default, "avx512-bitalg"}, {Leaf7Ecx, 14, Default, "avx512-vpopcntdq"},
    {Leaf7Ecx, 22, Default, "rdpid"}, {Leaf7Ecx, 25, Default, "cldemote"}, {Leaf7Ecx, 27, Default, "movdiri"},
    {Leaf7Ecx, 28, Default, "movdir64b"},

    {Extended7Edx, 8, OnRequest, "itsc"},

    {Extended8Ebx, 0, Default, "clzero"}, {Extended8Ebx, 2, Default, "rstr-fp-err-ptrs"},
    {Extended8Ebx, 9, Default, "wbnoinvd"}, {Extended8Ebx, 12, Default, "ibpb"},
    {Extended8Ebx, 26, Default, "ssb-no"},

    {Leaf7Edx, 2, Default, "avx512-4vnniw"}, {Leaf7Edx, 3, Default, "avx512-4fmaps"}, {Leaf7Edx, 4, Default, "fsrm"},
    {Leaf7Edx, 8, Default, "avx512-vp2intersect"}, {Leaf7Edx, 10, Default, "md-clear"},
    {Leaf7Edx, 14, Default, "serialize"},

    {Leaf7Sub1Eax, 4, Default, "avx-vnni"}, {Leaf7Sub1Eax, 5, Default, "avx512-bf16"},
    {Leaf7Sub1Eax, 10, Default, "fzrm"}, {Leaf7Sub1Eax, 11, Default, "fsrs"}, {Leaf7Sub1Eax, 12, Default, "fsrcs"},

    {Extended21Eax, 2, Default, "lfence+"}, {Extended21Eax, 6, Default, "nscb"},
});
// clang-format on
}
using detail::guest_features;

/// One bit of a feature set.
struct FeatureBit {
    FeatureWord word;
    u32 mask;
};

/// A guest's feature by its name in the table. An unknown name does not compile.
[[nodiscard]] consteval FeatureBit feature(std::string_view name)
{
    auto const found = std::ranges::find(guest_features, name, &GuestFeature::name);
    return {found->word, 1U << found->bit};
}

[[nodiscard]] constexpr u32& word_of(FeatureSet& set, FeatureWord word) { return set[static_cast<size_t>(word)]; }
[[nodiscard]] constexpr bool has(FeatureSet const& set, FeatureBit bit)
{
    return (set[static_cast<size_t>(bit.word)] & bit.mask) != 0;
}

/// All features with one of these exposures, as masks.
template <typename... E>
[[nodiscard]] constexpr FeatureSet features_exposed(E... wanted)
{
    FeatureSet set{};
    for (GuestFeature const& feature : guest_features)
        if (((feature.exposure == wanted) || ...)) word_of(set, feature.word) |= 1U << feature.bit;
    return set;
}

}
