// SPDX-License-Identifier: MIT
/// Rule: a hypercall from a 32-bit code segment is a 32-bit caller's, also in a 64-bit kernel: its registers and
/// structures, whatever stands in the upper halves of the registers. What the domain shares stays as 64-bit code has
/// it. Failure looks like a 64-bit kernel whose 32-bit boot code, or firmware, gets nonsense.

#include <array>
#include <utility>

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {

struct Registers {
    u64 rax, rbx, rcx, rdx, rsi, rdi, rbp;
};
extern "C" void compatibility_call(Registers&);
extern "C" bool compatibility_call_is_vmmcall;

namespace {

constexpr u64 garbage = 0xdead'beef'0000'0000;
constexpr u32 guard = 0x5a5a'5a5a;
constexpr u32 last_word = 0xffff'fffc; // the last that a pointer can name

constinit Registers last_call{};

s32 call(xen::Hypercall number, u64 first = 0, u64 second = 0, u64 third = 0)
{
    last_call = {garbage | std::to_underlying(number),
                 garbage | first,
                 garbage | second,
                 garbage | third,
                 garbage | guard,
                 1,
                 2};
    compatibility_call(last_call);
    return static_cast<s32>(last_call.rax);
}

template <typename Command, typename T>
s32 call(xen::Hypercall number, Command command, T& structure)
{
    return call(number, static_cast<u64>(command), address(&structure));
}

Condition narrow_fails_with(s32 result, Error error)
{
    return equal(static_cast<s64>(result), -static_cast<s64>(error));
}

void registers()
{
    report(call(xen::Hypercall::XenVersion) >> 16 == 4, "xen_version");
    constexpr u64 low = ~u32{0};
    report((last_call.rbx & low) == 0 && (last_call.rsi & low) == guard && (last_call.rdi & low) == 1 &&
               (last_call.rbp & low) == 2,
           "arguments stay in their registers");
    report(narrow_fails_with(call(xen::Hypercall::XenVersion, 99), Error::NotImplemented), "a command that is none");
    report(narrow_fails_with(call(xen::Hypercall::XenVersion, 5, last_word + 2), Error::BadAddress),
           "a pointer that wraps");
    report(narrow_fails_with(call(static_cast<xen::Hypercall>(63)), Error::NotImplemented), "a hypercall that is none");
}

/// xen/memory.h as 32-bit code has it.
struct NarrowMemoryMap {
    u32 entries, buffer, behind;
};

void structures()
{
    static constinit std::array<u8, 20 * 64> entries{};
    NarrowMemoryMap map{64, static_cast<u32>(address(entries.data())), guard};
    report(call(xen::Hypercall::MemoryOp, xen::MemoryCommand::MemoryMap, map) == 0 && map.entries > 0, "memory_map");
    report(map.behind == guard, "and not a byte more");
    struct {
        u32 value, behind;
    } self{xen::domid_self, guard};
    report(call(xen::Hypercall::MemoryOp, xen::MemoryCommand::CurrentReservation, self) > 0, "current_reservation");
    // Xen answers.
    if (on_hospes())
        report(narrow_fails_with(call(xen::Hypercall::Domctl, 0), Error::NotImplemented),
               "domctl is for 64-bit callers");
}

/// Both modes speak of the same ports, and of bits where 64-bit code has them.
void events()
{
    enable_events();
    auto const ipi = event_channel::bind_ipi(0);
    report(succeeds(ipi.result), "a port");
    mask_port(ipi.port);
    xen::EventSend send{ipi.port};
    report(call(xen::Hypercall::EventChannelOp, xen::EventChannelCommand::Send, send) == 0 && is_pending(ipi.port),
           "an event from 32-bit code is pending in the 64-bit layout");
    report(succeeds(event_channel::close(ipi.port)), "64-bit calls work as before");
}

void run()
{
    compatibility_call_is_vmmcall = uses_vmmcall();
    registers();
    structures();
    events();
}

}

constinit Guest const this_guest{"compatibility_mode", run};

}
