// SPDX-License-Identifier: MIT
/// Reading the feature table from CPUID.
#include "arch/x86_64/cpu/features.hpp"

namespace hospes {

namespace {

consteval bool in_order()
{
    for (size_t i = 0; i < feature_table.size(); ++i)
        if (static_cast<size_t>(feature_table[i].feature) != i) return false;
    return true;
}
static_assert(in_order(), "the table is indexed by Feature");

}

CpuFeatures CpuFeatures::detect(CpuidSource source)
{
    CpuFeatures features;
    for (FeatureDescription const& row : feature_table) {
        CpuidLeaf const leaf = read_existing_leaf(source, row.leaf, row.subleaf);
        features.present_.assign(static_cast<unsigned>(row.feature), (select(leaf, row.where) >> row.bit & 1) != 0);
    }
    return features;
}

std::optional<Feature> CpuFeatures::first_missing_from(CpuFeatures const& other) const
{
    for (FeatureDescription const& row : feature_table)
        if (other.has(row.feature) && !has(row.feature)) return row.feature;
    return std::nullopt;
}

CpuFeatures const& cpu_features()
{
    static CpuFeatures const features =
        CpuFeatures::detect([](u32 leaf, u32 subleaf) { return read_cpuid(leaf, subleaf); });
    return features;
}

}
