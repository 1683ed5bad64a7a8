// SPDX-License-Identifier: MIT
/// Who owns each of the 256 interrupt vectors of a CPU. A higher vector has the higher priority.
///
///     0x00 … 0x1f   the CPU's exceptions
///     0x20 … 0x2f   the legacy interrupt controllers: masked, but a spurious interrupt may still come from them
///     0x30 … 0xdf   devices, handed out by irq::allocate_vector()
///     0xe0 … 0xef   unused
///     0xf0 … 0xff   the hypervisor's own, below
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes {

inline constexpr unsigned vector_count = 256;

/// (AMD64 APM volume 2, table 8-1; SDM volume 3, table 6-1)
namespace exception {
inline constexpr u8 divide_error = 0;
inline constexpr u8 debug = 1;
inline constexpr u8 non_maskable_interrupt = 2;
inline constexpr u8 breakpoint = 3;
inline constexpr u8 overflow = 4;
inline constexpr u8 bound_range = 5;
inline constexpr u8 invalid_opcode = 6;
inline constexpr u8 device_not_available = 7;
inline constexpr u8 double_fault = 8;
inline constexpr u8 invalid_task_state = 10;
inline constexpr u8 segment_not_present = 11;
inline constexpr u8 stack_fault = 12;
inline constexpr u8 general_protection = 13;
inline constexpr u8 page_fault = 14;
inline constexpr u8 x87_error = 16;
inline constexpr u8 alignment_check = 17;
inline constexpr u8 machine_check = 18;
inline constexpr u8 simd_error = 19;
inline constexpr u8 virtualization = 20;
inline constexpr u8 control_protection = 21;
inline constexpr u8 count = 32;
}

namespace vectors {
inline constexpr u8 legacy_controllers = 0x20;
inline constexpr u8 first_device = 0x30;
inline constexpr u8 last_device = 0xdf;
inline constexpr u8 kick = 0xfb;       ///< another CPU wants this one to look around
inline constexpr u8 timer = 0xfc;      ///< the local APIC's one-shot timer
inline constexpr u8 apic_error = 0xfe; ///< the local APIC refused something
inline constexpr u8 spurious = 0xff;   ///< an interrupt that went away; never acknowledged
}

}
