// SPDX-License-Identifier: MIT
/// Where a linear address of the code that a vCPU runs leads. All for the vCPU that this CPU runs.
#pragma once

#include "arch/x86_64/guest/virtual_cpu.hpp"

namespace hospes::arch {

/// For data, with the rights of the code: its CPL, and SMAP. BadAddress if it leads nowhere.
[[nodiscard]] Expected<Gpa> translate_own(VirtualCpu& cpu, Gva linear, bool write);

/// For the code's own bytes. BadAddress.
[[nodiscard]] Expected<Gpa> translate_code(VirtualCpu& cpu, Gva linear);

/// Raises in the guest what a CPU raises where an access to `linear` leads nowhere.
void raise_page_fault(VirtualCpu& cpu, Gva linear, bool write);

}
