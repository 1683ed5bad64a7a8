// SPDX-License-Identifier: MIT
/// One instruction of a guest, carried out in software: fetched, decoded, executed, completed.
#pragma once

#include "arch/x86_64/emulator/execute.hpp"
#include "arch/x86_64/guest/guest_access.hpp"
#include "kernel/lib/function_ref.hpp"

namespace hospes::arch {

/// Executes an instruction on a copy of the registers, with the memory of emulate_next_instruction(). What is to be
/// left to the CPU is Progress::Repeating with nothing changed: the CPU executes what is there now.
using Executor = FunctionRef<Expected<emulator::Progress>(emulator::Instruction const&, emulator::GuestRegisters&)>;

/// The vCPU has the registers that the executor leaves, and has stepped over a completed instruction. Where `memory`
/// could not be reached the guest has its page fault. Otherwise nothing has changed: NotSupported if what is at RIP
/// cannot be decoded, or an error of `execute`. For the vCPU that this CPU runs.
[[nodiscard]] Expected<> emulate_next_instruction(VirtualCpu& cpu, GuestMemory const& memory, Executor execute);

}
