// SPDX-License-Identifier: MIT
/// Searching the table of expected exceptions.
#include "arch/x86_64/cpu/exception_fixup.hpp"

#include <span>

// linker.ld
extern "C" {
extern hospes::ExceptionFixup const exception_fixups_start[];
extern hospes::ExceptionFixup const exception_fixups_end[];
}

namespace hospes {

namespace {

u64 resolve(s32 const& offset) { return reinterpret_cast<u64>(&offset) + static_cast<u64>(s64{offset}); }

}

std::optional<u64> find_exception_fixup(u64 instruction)
{
    for (ExceptionFixup const& fixup : std::span{exception_fixups_start, exception_fixups_end})
        if (resolve(fixup.faulting) == instruction) return resolve(fixup.landing);
    return std::nullopt;
}

}
