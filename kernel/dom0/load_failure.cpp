// SPDX-License-Identifier: MIT
/// The sentences, one a failure.
#include "kernel/dom0/load_failure.hpp"

#include <array>

namespace hospes::dom0 {

namespace {

struct Description {
    LoadFailure failure;
    std::string_view text;
};

using enum LoadFailure;

constexpr std::array descriptions{
    Description{NotAKernel, "it is neither an ELF with a Xen PHYS32_ENTRY note nor a Linux bzImage; "
                            "name a kernel as the first module"},
    Description{ElfTruncated, "the ELF ends before its headers do; the file is damaged"},
    Description{ElfWrongMachine, "the ELF is not for x86"},
    Description{ElfNotExecutable, "the ELF is not an executable with fixed load addresses"},
    Description{ElfSegmentOutsideFile, "an ELF segment reaches beyond the end of the file; the file is damaged"},
    Description{ElfSegmentTooHigh, "an ELF segment is to be loaded above 4 GiB, where a 32-bit entry cannot reach it"},
    Description{ElfSegmentsOverlap, "two ELF segments are to be loaded to the same place; the file is damaged"},
    Description{ElfTooManySegments, "the ELF has more segments than any kernel"},
    Description{ElfNoSegments, "the ELF has nothing to load"},
    Description{ElfNoEntryNote, "the ELF has no Xen PHYS32_ENTRY note; Linux needs CONFIG_PVH=y (or CONFIG_XEN_PVH=y)"},
    Description{ElfBadEntryNote,
                "the Xen PHYS32_ENTRY note is neither 4 nor 8 bytes long, or names an address above 4 GiB"},
    Description{ElfEntryOutside, "the Xen PHYS32_ENTRY note points outside of what the ELF loads"},
    Description{ImageTruncated, "the bzImage ends inside its setup code; the file is damaged"},
    Description{ImageTooOld, "the bzImage has a boot protocol older than 2.08 (Linux 2.6.26)"},
    Description{ImageWithoutPayload, "the bzImage does not say where its compressed kernel is"},
    Description{PayloadOutsideImage,
                "the compressed kernel reaches beyond the end of the bzImage; the file is damaged"},
    Description{UnknownCompression,
                "the kernel inside the bzImage is compressed in an unknown way, or the file is damaged"},
    Description{UnsupportedCompression, "the kernel inside the bzImage is compressed with LZ4, LZO, LZMA or bzip2; "
                                        "supported are xz, zstd and gzip"},
    Description{CorruptPayload, "the kernel inside the bzImage does not unpack; the file is damaged"},
    Description{WrongPayloadSize,
                "the kernel inside the bzImage unpacks to another size than announced; the file is damaged"},
    Description{NotEnoughMemoryToUnpack, "there is not enough memory to unpack it; use a machine with more"},
    Description{KernelOutsideMemory, "the memory it must be loaded to is not RAM that dom0 gets; raise dom0_mem="},
    Description{NoRoomForInitrd, "dom0's memory has no room for the initial RAM disk; raise dom0_mem="},
    Description{NoRoomForStartInfo, "dom0's memory has no room for the start information; raise dom0_mem="},
    Description{NoRoomForAcpiTables, "dom0's memory has no room for its ACPI tables; raise dom0_mem="},
};

consteval bool is_complete()
{
    for (size_t i = 0; i < descriptions.size(); ++i)
        if (descriptions[i].failure != static_cast<LoadFailure>(i)) return false;
    return descriptions.back().failure == NoRoomForAcpiTables;
}
static_assert(is_complete());

}

std::string_view describe(LoadFailure failure) { return descriptions[static_cast<size_t>(failure)].text; }

}
