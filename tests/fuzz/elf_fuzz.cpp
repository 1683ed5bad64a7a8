// SPDX-License-Identifier: MIT
/// Arbitrary and damaged ELF files: whatever is accepted must be safe to load.
/// Input: one byte (0: the rest is a file; else damage to a valid 64- or 32-bit kernel).
// sources: kernel/dom0/elf_image.cpp kernel/dom0/load_failure.cpp
#include "kernel/dom0/elf_image.hpp"
#include "tests/fuzz/patched.hpp"
#include "tests/unit/kernel/dom0/kernel_maker.hpp"

namespace {

using namespace hospes;
using namespace hospes::dom0;
namespace kernels = hospes::dom0::test;

void require(bool condition)
{
    if (!condition) __builtin_trap();
}

void check(std::span<u8 const> file)
{
    auto const image = parse_elf(file);
    if (!image) return require(!describe(image.error()).empty());
    bool entry_is_loaded = false;
    for (size_t i = 0; i < image->segments.size(); ++i) {
        Segment const& segment = image->segments[i];
        require(segment.content.data() >= file.data());
        require(segment.content.data() + segment.content.size() <= file.data() + file.size());
        require(segment.content.size() <= segment.memory_bytes && segment.end() <= Gpa{4 * gib});
        require(i == 0 || image->segments[i - 1].end() <= segment.where);
        entry_is_loaded |= segment.where.raw() <= image->entry && image->entry < segment.end().raw();
    }
    require(entry_is_loaded);
}

std::vector<kernels::SegmentPlan> const plan{{16 * mib, 0x40, 0x100}, {17 * mib, 0x30, 0x30}};

}

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, size_t size)
{
    static auto const wide = kernels::make_elf(plan, u64{16 * mib});
    static auto const in_section = kernels::make_elf(plan, u64{16 * mib}, true);
    static auto const narrow = kernels::make_elf<elf::Elf32>(plan, u32{16 * mib});
    if (size == 0) return 0;
    std::span const rest{data + 1, size - 1};
    if (data[0] == 0)
        check(rest);
    else
        check(hospes::test::patched(data[0] % 3 == 0 ? wide : data[0] % 3 == 1 ? in_section : narrow, rest));
    return 0;
}
