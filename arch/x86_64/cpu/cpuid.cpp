// SPDX-License-Identifier: MIT
/// CPUID: the instruction, and which leaves exist.
#include "arch/x86_64/cpu/cpuid.hpp"

#include <array>
#include <bit>
#include <string_view>

namespace hospes {

CpuidLeaf read_cpuid(u32 leaf, u32 subleaf)
{
    CpuidLeaf result;
    asm volatile("cpuid"
                 : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                 : "a"(leaf), "c"(subleaf));
    return result;
}

u32 highest_leaf(CpuidSource source, u32 leaf)
{
    u32 const base = leaf & 0xffff'0000;
    u32 const highest = source(base, 0).eax;
    return highest >= base && highest <= base + 0xffff ? highest : 0;
}

CpuidLeaf read_existing_leaf(CpuidSource source, u32 leaf, u32 subleaf)
{
    if (leaf > highest_leaf(source, leaf)) return {};
    return source(leaf, subleaf);
}

CpuVendor cpu_vendor(CpuidSource source)
{
    CpuidLeaf const leaf = source(0, 0);
    auto const text = std::bit_cast<std::array<char, 12>>(std::array{leaf.ebx, leaf.edx, leaf.ecx});
    std::string_view const name{text.data(), text.size()};
    if (name == "GenuineIntel") return CpuVendor::Intel;
    if (name == "AuthenticAMD" || name == "HygonGenuine") return CpuVendor::Amd;
    return CpuVendor::Unknown;
}

}
