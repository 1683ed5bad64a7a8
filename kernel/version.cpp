// SPDX-License-Identifier: MIT
/// The revision comes from the Makefile, the build id from the linker.
#include "kernel/version.hpp"

namespace hospes {

namespace {

/// An ELF note: three words of header and the name "GNU", then the hash. (System V ABI, "Note Section")
constexpr size_t note_header_bytes = 16;

extern "C" u8 const build_id_start[]; // linker.ld
extern "C" u8 const build_id_end[];

}

std::string_view revision() { return HOSPES_REVISION; }

std::span<u8 const> build_id() { return {build_id_start + note_header_bytes, build_id_end}; }

}
