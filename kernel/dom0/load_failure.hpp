// SPDX-License-Identifier: MIT
/// Everything that can be wrong with the control domain's kernel, each with a sentence for the administrator.
#pragma once

#include <expected>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes::dom0 {

enum class LoadFailure : u8 {
    NotAKernel,
    ElfTruncated,
    ElfWrongMachine,
    ElfNotExecutable,
    ElfSegmentOutsideFile,
    ElfSegmentTooHigh,
    ElfSegmentsOverlap,
    ElfTooManySegments,
    ElfNoSegments,
    ElfNoEntryNote,
    ElfBadEntryNote,
    ElfEntryOutside,
    ImageTruncated,
    ImageTooOld,
    ImageWithoutPayload,
    PayloadOutsideImage,
    UnknownCompression,
    UnsupportedCompression,
    CorruptPayload,
    WrongPayloadSize,
    NotEnoughMemoryToUnpack,
    KernelOutsideMemory,
    NoRoomForInitrd,
    NoRoomForStartInfo,
    NoRoomForAcpiTables,
};

template <typename T = void>
using Loaded = std::expected<T, LoadFailure>;

[[nodiscard]] constexpr std::unexpected<LoadFailure> cannot_load(LoadFailure reason) { return std::unexpected{reason}; }

/// A clause that completes "module 0 (the dom0 kernel) cannot be used: ".
[[nodiscard]] std::string_view describe(LoadFailure failure);

}
