// SPDX-License-Identifier: MIT
/// What a 32-bit caller may call, and what its arguments are. A call or a command that is not named here is refused to
/// it (NotImplemented), whatever a 64-bit caller gets: the toolstack's calls and dom0's, which is a 64-bit domain.
#pragma once

#include <span>

#include "kernel/abi/compat/layouts.hpp"
#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/hvm_op.hpp"
#include "kernel/abi/xen/hypercall_numbers.hpp"

namespace hospes::compat {

/// One command, and how the structure lies that its argument points to.
struct CommandRule {
    u32 command = 0;
    Layout const* structure = nullptr; ///< null: the same for both, or none

    template <typename Command>
    constexpr CommandRule(Command its_command) : command{static_cast<u32>(its_command)}
    {}
    template <typename Command>
    constexpr CommandRule(Command its_command, Layout const& its_structure)
        : command{static_cast<u32>(its_command)}, structure{&its_structure}
    {}
};

/// What the arguments of a call are.
enum class Arguments : u8 {
    Numbers,   ///< numbers, and pointers to bytes
    Command,   ///< the first is a command, which says what the structure is
    TwoHalves, ///< the first two are one number of 64 bits, the low half first
    Entries,   ///< the first points to multicall entries
};

struct CallRule {
    xen::Hypercall number;
    Arguments arguments;
    std::span<CommandRule const> commands{};
    u8 structure_at = 1;        ///< which argument points to the structure
    u32 command_mask = ~u32{0}; ///< the bits of the first argument that are the command
};

inline constexpr auto memory_commands = [] {
    using enum xen::MemoryCommand;
    return std::array{
        CommandRule{DecreaseReservation, memory_reservation},
        CommandRule{MaximumRamPage},
        CommandRule{CurrentReservation},
        CommandRule{MaximumReservation},
        CommandRule{PopulatePhysmap, memory_reservation},
        CommandRule{AddToPhysmap, add_to_physmap},
        CommandRule{MemoryMap, memory_map},
        CommandRule{SetMemoryMap, foreign_memory_map},
        CommandRule{MaximumGpfn},
        CommandRule{RemoveFromPhysmap, remove_from_physmap},
        CommandRule{AddToPhysmapBatch, add_to_physmap_batch},
        CommandRule{GetVnumaInfo},
        CommandRule{ReservedDeviceMemoryMap, reserved_device_memory_map},
    };
}();

inline constexpr auto grant_table_commands = [] {
    using enum xen::GrantTableCommand;
    return std::array{
        CommandRule{MapGrantRef},      CommandRule{UnmapGrantRef}, CommandRule{SetupTable, grant_setup_table},
        CommandRule{Copy, grant_copy}, CommandRule{QuerySize},     CommandRule{SetVersion},
        CommandRule{GetVersion},       CommandRule{SwapGrantRef},
    };
}();

inline constexpr auto event_channel_commands = [] {
    using enum xen::EventChannelCommand;
    return std::array{
        CommandRule{BindInterdomain}, CommandRule{BindVirq},    CommandRule{BindPirq},
        CommandRule{Close},           CommandRule{Send},        CommandRule{Status},
        CommandRule{AllocUnbound},    CommandRule{BindIpi},     CommandRule{BindVcpu},
        CommandRule{Unmask},          CommandRule{Reset},       CommandRule{InitControl},
        CommandRule{ExpandArray},     CommandRule{SetPriority},
    };
}();

inline constexpr auto sched_commands = [] {
    using enum xen::SchedCommand;
    return std::array{
        CommandRule{Yield},          CommandRule{Block},    CommandRule{Shutdown}, CommandRule{Poll, sched_poll},
        CommandRule{RemoteShutdown}, CommandRule{Watchdog},
    };
}();

inline constexpr auto vcpu_commands = [] {
    using enum xen::VcpuCommand;
    return std::array{
        CommandRule{Up},
        CommandRule{Down},
        CommandRule{IsUp},
        CommandRule{GetRunstateInfo, runstate_info},
        CommandRule{RegisterRunstateMemoryArea, register_runstate_area},
        CommandRule{StopPeriodicTimer},
        CommandRule{SetSingleshotTimer, set_singleshot_timer},
        CommandRule{StopSingleshotTimer},
        CommandRule{RegisterVcpuInfo},
        CommandRule{SendNmi},
        CommandRule{GetPhysid},
        CommandRule{RegisterVcpuTimeMemoryArea, register_time_area},
    };
}();

inline constexpr auto hvm_commands = [] {
    using enum xen::HvmCommand;
    return std::array{
        CommandRule{SetParam},
        CommandRule{GetParam},
        CommandRule{PagetableDying},
        CommandRule{GetTime},
        CommandRule{SetEventUpcallVector},
    };
}();

inline constexpr auto version_commands = [] {
    using enum xen::VersionCommand;
    return std::array{
        CommandRule{Version},       CommandRule{ExtraVersion}, CommandRule{CompileInfo},
        CommandRule{Capabilities},  CommandRule{Changeset},    CommandRule{PlatformParameters, platform_parameters},
        CommandRule{GetFeatures},   CommandRule{PageSize},     CommandRule{GuestHandle},
        CommandRule{CommandLine},   CommandRule{BuildId},      CommandRule{ExtraVersion2},
        CommandRule{Capabilities2}, CommandRule{Changeset2},   CommandRule{CommandLine2},
    };
}();

inline constexpr std::array calls{
    CallRule{xen::Hypercall::MemoryOp, Arguments::Command, memory_commands, 1, xen::memory_command_mask},
    CallRule{xen::Hypercall::Multicall, Arguments::Entries},
    CallRule{xen::Hypercall::SetTimerOp, Arguments::TwoHalves},
    CallRule{xen::Hypercall::XenVersion, Arguments::Command, version_commands},
    CallRule{xen::Hypercall::ConsoleIo, Arguments::Numbers},
    CallRule{xen::Hypercall::GrantTableOp, Arguments::Command, grant_table_commands},
    CallRule{xen::Hypercall::VmAssist, Arguments::Numbers},
    CallRule{xen::Hypercall::VcpuOp, Arguments::Command, vcpu_commands, 2},
    CallRule{xen::Hypercall::SchedOp, Arguments::Command, sched_commands},
    CallRule{xen::Hypercall::EventChannelOp, Arguments::Command, event_channel_commands},
    CallRule{xen::Hypercall::HvmOp, Arguments::Command, hvm_commands},
};

}
