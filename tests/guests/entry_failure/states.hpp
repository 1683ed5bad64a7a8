// SPDX-License-Identifier: MIT
/// Registers that a toolstack may load into a vCPU, good and bad, and what must become of each.
#pragma once

#include <span>
#include <string_view>

#include "kernel/abi/xen/hvm_save.hpp"

namespace hospes::test {

/// What is in the other domain's memory, all of it in one large page.
namespace place {
inline constexpr u64 halt = 0x0;         ///< HLT; with interrupts off, that is the domain's regular end
inline constexpr u64 load_cr0 = 0x40;    ///< loads CR0 from EAX
inline constexpr u64 top_table = 0x1000; ///< for long mode: maps all of the above where it is
inline constexpr u64 second_table = 0x2000;
inline constexpr u64 third_table = 0x3000;
inline constexpr u64 bad_pointers = 0x4000; ///< for PAE paging: four entries full of reserved bits
}

enum class Mode { Protected32, Long };

/// How far a state comes.
struct Fate {
    enum class Kind {
        Runs,    ///< it is as good as any
        Refused, ///< EINVAL when it is loaded
        Ends,    ///< the CPU refuses the entry; the log says `rule`, and the domain has crashed
        Unknown, ///< the CPU does not look at it here; what the domain does is its own affair
    };
    Kind kind;
    std::string_view rule = {};
};

struct State {
    std::string_view what;
    Mode mode;
    void (*change)(xen::HvmCpu&); ///< of what otherwise runs
    Fate on_vmx;
    Fate on_svm;
};

[[nodiscard]] xen::HvmCpu good_registers(Mode mode);
[[nodiscard]] std::span<State const> states();

}
