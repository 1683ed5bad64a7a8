// SPDX-License-Identifier: MIT
/// xen_version: who the hypervisor is and what it offers. (xen/include/public/version.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// (XENVER_*)
enum class VersionCommand : u32 {
    Version = 0,
    ExtraVersion = 1,
    CompileInfo = 2,
    Capabilities = 3,
    Changeset = 4,
    PlatformParameters = 5,
    GetFeatures = 6,
    PageSize = 7,
    GuestHandle = 8,
    CommandLine = 9,
    BuildId = 10,
    // The same as a VariableBuffer, since 4.20.
    ExtraVersion2 = 11,
    Capabilities2 = 12,
    Changeset2 = 13,
    CommandLine2 = 14,
};

/// The text after "major.minor".
struct ExtraVersion {
    std::array<char, 16> text;
};
static_assert(sizeof(ExtraVersion) == 16 && has_no_hidden_bytes<ExtraVersion>);

/// Who built it, with what and when.
struct CompileInfo {
    std::array<char, 64> compiler;
    std::array<char, 16> compiled_by;
    std::array<char, 32> compile_domain;
    std::array<char, 32> compile_date;
};
static_assert(sizeof(CompileInfo) == 144 && has_no_hidden_bytes<CompileInfo>);
static_assert(offsetof(CompileInfo, compiled_by) == 64 && offsetof(CompileInfo, compile_domain) == 80 &&
              offsetof(CompileInfo, compile_date) == 112);

/// The kinds of guest that can run, separated by spaces.
struct CapabilitiesInfo {
    std::array<char, 1024> text;
};
static_assert(sizeof(CapabilitiesInfo) == 1024 && has_no_hidden_bytes<CapabilitiesInfo>);

/// Where the sources came from.
struct ChangesetInfo {
    std::array<char, 64> text;
};
static_assert(sizeof(ChangesetInfo) == 64 && has_no_hidden_bytes<ChangesetInfo>);

/// Where a PV guest's address space ends.
struct PlatformParameters {
    u64 virt_start;
};
static_assert(sizeof(PlatformParameters) == 8 && has_no_hidden_bytes<PlatformParameters>);

/// In: which submap; out: its bits (Feature).
struct FeatureInfo {
    u32 submap_index;
    u32 submap;
};
static_assert(sizeof(FeatureInfo) == 8 && has_no_hidden_bytes<FeatureInfo>);
static_assert(offsetof(FeatureInfo, submap) == 4);

/// The hypervisor's own command line.
struct CommandLine {
    std::array<char, 1024> text;
};
static_assert(sizeof(CommandLine) == 1024 && has_no_hidden_bytes<CommandLine>);

/// In: the size of the buffer; out: that of the identifier, the bytes of which follow.
struct BuildId {
    u32 length;
};
static_assert(sizeof(BuildId) == 4 && has_no_hidden_bytes<BuildId>);

/// In: the size of the buffer behind it, to which text without a final zero is written. How much that is, the call
/// returns.
struct VariableBuffer {
    u32 length;
};
static_assert(sizeof(VariableBuffer) == 4 && has_no_hidden_bytes<VariableBuffer>);

}
