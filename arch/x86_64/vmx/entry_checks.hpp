// SPDX-License-Identifier: MIT
/// Why the CPU refused an entry, in words: the manual's rules about guest state, tried one by one.
/// (SDM vol. 3, 27.3 and 31.4)
#pragma once

#include <array>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes::vmx {

/// What the rules are about.
struct GuestState {
    struct Segment {
        u16 selector = 0;
        u32 limit = 0;
        u32 rights = 0;
        u64 base = 0;
    };
    u64 cr0 = 0, cr3 = 0, cr4 = 0, efer = 0, pat = 0;
    u64 dr7 = 0, debug_control = 0;
    u64 rip = 0, rflags = 0;
    u64 sysenter_esp = 0, sysenter_eip = 0;
    std::array<Segment, 8> segments{}; ///< by arch::SegmentName
    u64 gdtr_base = 0, idtr_base = 0;
    u32 gdtr_limit = 0, idtr_limit = 0;
    u32 activity_state = 0;
    u32 interruptibility = 0;
    u64 pending_debug = 0;
    u32 entry_event = 0;
    u64 link_pointer = ~u64{0};
    bool long_mode = false; ///< the entry control
    // The CPU's
    u64 cr0_must_be_one = 0, cr0_may_be_one = ~u64{0};
    u64 cr4_must_be_one = 0, cr4_may_be_one = ~u64{0};
    unsigned physical_bits = 46;
};

/// The first rule that the state breaks, or a text saying that none was found.
[[nodiscard]] std::string_view describe_bad_state(GuestState const& state);
/// (SDM vol. 3, 31.4)
[[nodiscard]] std::string_view describe_instruction_error(u32 number);

}
