// SPDX-License-Identifier: MIT
/// What else a guest asks, of what kind Hospes is for one, and what it must not: calls that are dom0's alone.
#include <array>

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/hvm_op.hpp"
#include "kernel/abi/xen/memory.hpp"
#include "kernel/abi/xen/multicall.hpp"
#include "kernel/abi/xen/version.hpp"
#include "tests/software/guest.hpp"

namespace hospes::software {

namespace {

s64 parameter(Guest& guest, xen::HvmCommand command)
{
    xen::HvmParam request{guest.self_or_any(), 0, guest.below(xen::nr_hvm_params), guest.below(6)};
    if (command == xen::HvmCommand::SetParam && guest.one_in(2)) {
        request.index = static_cast<u32>(xen::HvmParamIndex::CallbackIrq);
        request.value = u64{2} << xen::hvm_callback_type_shift | guest.below(256);
    }
    return guest.processor().call_with(xen::Hypercall::HvmOp, command, request);
}

/// Small calls, behind each other; their arguments lie on the list's page, the entries at its beginning.
s64 multicall(Guest& guest)
{
    constexpr u64 argument_offset = 2048;
    u64 const list = guest.processor().page(first_list);
    xen::EventSend const port{guest.any_port()};
    if (!guest.processor().put(list + argument_offset, port)) return Processor::no_memory;
    std::array const choices{
        std::pair{xen::Hypercall::XenVersion, u64{0}},
        std::pair{xen::Hypercall::EventChannelOp, static_cast<u64>(xen::EventChannelCommand::Send)},
        std::pair{xen::Hypercall::EventChannelOp, static_cast<u64>(xen::EventChannelCommand::Unmask)},
        std::pair{xen::Hypercall::MemoryOp, static_cast<u64>(xen::MemoryCommand::MaximumGpfn)},
        std::pair{xen::Hypercall::Multicall, u64{0}},
    };
    std::array<xen::MulticallEntry, 6> entries{};
    for (auto& entry : entries) {
        auto const [number, command] = choices[guest.below(choices.size())];
        entry.operation = static_cast<u64>(number);
        entry.arguments = {command, list + argument_offset};
    }
    if (!guest.processor().put(list, entries)) return Processor::no_memory;
    return guest.processor().call(xen::Hypercall::Multicall, list, guest.below(entries.size() + 1));
}

s64 what_is_not_allowed(Guest& guest)
{
    constexpr std::array numbers{xen::Hypercall::Domctl, xen::Hypercall::Sysctl, xen::Hypercall::PlatformOp,
                                 xen::Hypercall::PhysdevOp, xen::Hypercall::ConsoleIo};
    if (guest.processor().domain().is_control_domain()) return -1;
    return guest.processor().call(numbers[guest.below(numbers.size())], guest.processor().page(first_argument));
}

std::array const actions{
    Action{"hvm: set_param", 2, [](Guest& guest) { return parameter(guest, xen::HvmCommand::SetParam); }},
    Action{"hvm: get_param", 2, [](Guest& guest) { return parameter(guest, xen::HvmCommand::GetParam); }},
    Action{"hvm: upcall vector", 1,
           [](Guest& guest) {
               xen::HvmEventUpcallVector request{guest.any_vcpu(), static_cast<u8>(guest.below(256)), {}};
               return guest.processor().call_with(xen::Hypercall::HvmOp, xen::HvmCommand::SetEventUpcallVector,
                                                  request);
           }},
    Action{"hvm: get_time", 1,
           [](Guest& guest) {
               xen::HvmGetTime request{};
               return guest.processor().call_with(xen::Hypercall::HvmOp, xen::HvmCommand::GetTime, request);
           }},
    Action{"vm_assist", 1,
           [](Guest& guest) {
               return guest.processor().call(xen::Hypercall::VmAssist, guest.below(2),
                                             static_cast<u64>(xen::VmAssistType::RunstateUpdateFlag));
           }},
    Action{"xen_version", 2,
           [](Guest& guest) {
               return guest.processor().call(xen::Hypercall::XenVersion, guest.below(12),
                                             guest.processor().page(first_list));
           }},
    Action{"multicall", 2, multicall},
    Action{"dom0's calls", 1, what_is_not_allowed},
};

}

std::span<Action const> question_actions() { return actions; }

}
