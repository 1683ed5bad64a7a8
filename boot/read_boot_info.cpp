// SPDX-License-Identifier: MIT
/// Picks the protocol by its magic. Runs on the early page tables, which reach the first 4 GiB.
#include "boot/read_boot_info.hpp"

#include "boot/multiboot1.hpp"
#include "boot/multiboot2.hpp"
#include "kernel/arch/memory.hpp"

namespace hospes::boot {
namespace {

/// The first 4 GiB, where Multiboot loaders put everything.
class FirstFourGib final : public LoaderMemory {
public:
    [[nodiscard]] std::span<u8 const> view(Hpa where, u64 bytes) const override
    {
        constexpr u64 limit = 4 * gib;
        if (where.raw() >= limit) return {};
        return {arch::reach_as<u8>(where), std::min(bytes, limit - where.raw())};
    }
};

}

bool read_boot_info(u32 magic, u32 information, StringStore& strings, BootInfo& out)
{
    FirstFourGib const memory;
    switch (magic) {
    case multiboot1_magic: read_multiboot1(memory, Hpa{information}, strings, out); return true;
    case multiboot2_magic: read_multiboot2(memory, Hpa{information}, strings, out); return true;
    default: return false;
    }
}

}
