// SPDX-License-Identifier: MIT
/// bzImage → packed ELF → ELF → segments.
#include "kernel/dom0/kernel_image.hpp"

#include "kernel/arch/foreign_code.hpp"
#include "kernel/dom0/bzimage.hpp"
#include "kernel/dom0/decompress.hpp"
#include "kernel/log/log.hpp"

namespace hospes::dom0 {

namespace {

[[nodiscard]] Loaded<StagingArea> unpack(std::span<u8 const> bzimage)
{
    auto const payload = find_payload(bzimage);
    if (!payload) return cannot_load(payload.error());
    arch::ForeignCode const allowed;
    auto const needed = working_memory_for(payload->packed);
    if (!needed) return cannot_load(needed.error());
    auto const work = StagingArea::of(*needed);
    auto unpacked = StagingArea::of(payload->unpacked_bytes);
    if (!work || !unpacked) return cannot_load(LoadFailure::NotEnoughMemoryToUnpack);
    if (auto const done = decompress(payload->packed, unpacked->bytes(), work->bytes()); !done)
        return cannot_load(done.error());
    log_debug("dom0: kernel unpacked from {} to {} bytes", payload->packed.size(), unpacked->bytes().size());
    return std::move(*unpacked);
}

}

Loaded<KernelImage> understand_kernel(StagingArea file)
{
    if (!is_elf(file.bytes()) && is_bzimage(file.bytes())) {
        auto unpacked = unpack(file.bytes());
        if (!unpacked) return cannot_load(unpacked.error());
        file = std::move(*unpacked);
    }
    auto const elf = parse_elf(file.bytes());
    if (!elf) return cannot_load(elf.error());
    return KernelImage{.file = std::move(file), .elf = *elf};
}

void place_kernel(ElfImage const& elf)
{
    for (Segment const& segment : elf.segments) {
        Hpa const where{segment.where.raw()}; // dom0's memory is identity-mapped
        copy_to_physical(where, segment.content);
        clear_physical(where + segment.content.size(), segment.memory_bytes - segment.content.size());
    }
}

}
