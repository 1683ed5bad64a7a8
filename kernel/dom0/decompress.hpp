// SPDX-License-Identifier: MIT
/// Unpacks what Linux build scripts pack kernels with: xz (with the x86 filter), zstd, gzip. Used while booting only.
///
/// The work is done by liblzma, libzstd and zlib, given all their memory by the caller. They are ordinary x86-64 code:
/// the caller must have made SSE and the stack protector's canary usable (kernel/arch/foreign_code.hpp).
#pragma once

#include <span>

#include "kernel/dom0/load_failure.hpp"

namespace hospes::dom0 {

/// Bytes of working memory decompress() will need for `packed`.
/// UnknownCompression, UnsupportedCompression, CorruptPayload.
[[nodiscard]] Loaded<u64> working_memory_for(std::span<u8 const> packed);

/// Unpacks `packed` into exactly all of `out`.
/// WrongPayloadSize if it is longer or shorter, otherwise as above, and NotEnoughMemoryToUnpack if `work` is too small.
[[nodiscard]] Loaded<> decompress(std::span<u8 const> packed, std::span<u8> out, std::span<u8> work);

}
