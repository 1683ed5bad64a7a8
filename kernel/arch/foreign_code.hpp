// SPDX-License-Identifier: MIT
/// Running code that was compiled for ordinary programs, while booting. Defined in arch/x86_64/cpu/foreign_code.cpp.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::arch {

/// While it lives, code on this CPU may use SSE registers and check its stack frames against a canary. No guest's
/// registers may be in the CPU: they would be lost.
class [[nodiscard]] ForeignCode {
public:
    ForeignCode();
    ~ForeignCode();
    ForeignCode(ForeignCode const&) = delete;
    ForeignCode& operator=(ForeignCode const&) = delete;

private:
    u64 control_0_;
    u64 control_4_;
    u64 fs_base_;
};

}
