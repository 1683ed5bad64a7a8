// SPDX-License-Identifier: MIT
/// A Linux bzImage, as far as finding the compressed ELF in it. (Linux, Documentation/x86/boot.rst.)
///
///   0x000          0x1F1                    setup_bytes     + payload_offset
///   ├─ boot sector ┼─ setup header, setup code ─┼─ unpacker ─┼─ packed ELF, its last 4 bytes the size ─┼─ … ─┤
#pragma once

#include <span>

#include "kernel/dom0/load_failure.hpp"

namespace hospes::dom0 {

struct Payload {
    std::span<u8 const> packed; ///< the compressed file, without a size behind it
    u32 unpacked_bytes = 0;
};

/// Does it begin like one? Nothing else is checked.
[[nodiscard]] bool is_bzimage(std::span<u8 const> image);

/// ImageTruncated, ImageTooOld, ImageWithoutPayload, PayloadOutsideImage, NotAKernel.
[[nodiscard]] Loaded<Payload> find_payload(std::span<u8 const> image);

}
