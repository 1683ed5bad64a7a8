// SPDX-License-Identifier: MIT
/// The hypercall table: number, name, who may call, handler.
#pragma once

#include <array>
#include <string_view>

#include "kernel/abi/xen/hypercall_numbers.hpp"
#include "kernel/lib/error.hpp"

namespace hospes {

class Vcpu;

/// Arguments as they are in the guest's registers (abi.md 2.4). A handler that returns Error::Restart has put into them
/// what the next run of the same hypercall shall see; any other result leaves the guest's registers as they were.
struct HypercallArguments {
    std::array<u64, 5> value{};
    /// What earlier runs of this call have done, in the handler's own unit; 0 at first. It travels in the upper half of
    /// the hypercall's number, which stays in the guest's hands: a claim like any other argument.
    u32 progress = 0;
    [[nodiscard]] u64 operator[](size_t index) const { return value[index]; }
    u64& operator[](size_t index) { return value[index]; }
};

/// Who may make a call, or a command of one.
enum class Caller : u8 {
    AnyDomain,
    ControlDomain,
    NamedDomain, ///< the domain that the command's structure names, and the control domain
};

/// The value goes to the guest's RAX. `caller` is the vCPU that runs on this CPU.
using HypercallHandler = Expected<u64> (*)(Vcpu& caller, HypercallArguments& arguments);

struct Hypercall {
    xen::Hypercall number;
    std::string_view name;
    Caller allowed;
    HypercallHandler handler;
};

struct HypercallResult {
    u64 value = 0;
    bool restart = false; ///< leave the instruction pointer on the hypercall, load `arguments` into the registers

    /// How a guest sees an error.
    [[nodiscard]] static constexpr HypercallResult of(Error error)
    {
        return {.value = static_cast<u64>(-static_cast<s64>(error))};
    }
};

/// Runs one hypercall, with a budget of its own; the guest is known to be in kernel mode. Never fails: errors become
/// the result.
[[nodiscard]] HypercallResult dispatch_hypercall(Vcpu& caller, u64 number, HypercallArguments& arguments);
/// Runs a hypercall that is part of another, and spends that one's budget.
[[nodiscard]] HypercallResult dispatch_inner_hypercall(Vcpu& caller, u64 number, HypercallArguments& arguments);

// One handler a file, kernel/hypercall/<name>.cpp.
Expected<u64> platform_op(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> memory_op(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> multicall(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> set_timer_op(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> xen_version(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> console_io(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> grant_table_op(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> vm_assist(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> vcpu_op(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> sched_op(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> event_channel_op(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> physdev_op(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> hvm_op(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> sysctl(Vcpu& caller, HypercallArguments& arguments);
Expected<u64> domctl(Vcpu& caller, HypercallArguments& arguments);

}
