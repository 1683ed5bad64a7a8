// SPDX-License-Identifier: MIT
/// Hypercalls: the instruction itself, and one function for each operation the tests use.
/// The functions pass on whatever they are given, right or wrong, and return what came back.
#pragma once

#include <type_traits>

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/hvm_params.hpp"
#include "kernel/abi/xen/hypercall_numbers.hpp"
#include "kernel/abi/xen/memory.hpp"
#include "kernel/abi/xen/sched.hpp"
#include "kernel/abi/xen/types.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/lib/integers.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {

/// VMMCALL on AMD and Hygon, VMCALL elsewhere: each CPU has only its own.
void choose_hypercall_instruction();
[[nodiscard]] bool uses_vmmcall();

s64 raw_hypercall(u64 number, u64 first = 0, u64 second = 0, u64 third = 0, u64 fourth = 0, u64 fifth = 0);

template <typename T>
[[nodiscard]] u64 address(T const* pointer)
{
    return reinterpret_cast<u64>(pointer);
}

/// Numbers, enumerators and pointers as they go into a register.
template <typename T>
[[nodiscard]] u64 register_value(T value)
{
    if constexpr (std::is_pointer_v<T>) {
        return address(value);
    } else {
        return static_cast<u64>(value);
    }
}

template <typename... Arguments>
s64 hypercall(xen::Hypercall number, Arguments... arguments)
{
    return raw_hypercall(static_cast<u64>(number), register_value(arguments)...);
}

/// `report(fails_with(result, Error::Invalid), "...")`
[[nodiscard]] constexpr Condition fails_with(s64 result, Error error)
{
    return equal(result, -static_cast<s64>(error));
}
[[nodiscard]] constexpr Condition succeeds(s64 result) { return equal(result, 0); }

/// What an event-channel operation that makes a port returned.
struct PortResult {
    s64 result;
    u32 port;
};

struct PortStatus {
    s64 result;
    xen::EventStatusKind status;
    u32 vcpu;
    u32 detail; ///< remote domain, or VIRQ
    u32 remote_port;
};

namespace event_channel {
PortResult alloc_unbound(u16 domain, u16 remote);
PortResult bind_interdomain(u16 remote, u32 remote_port);
PortResult bind_virq(xen::VirtualInterrupt virq, u32 vcpu);
PortResult bind_ipi(u32 vcpu);
s64 bind_vcpu(u32 port, u32 vcpu);
s64 close(u32 port);
s64 send(u32 port);
s64 unmask(u32 port);
PortStatus status(u16 domain, u32 port);
}

namespace vcpu_operation {
s64 up(u32 vcpu);
s64 down(u32 vcpu);
s64 is_up(u32 vcpu);
s64 register_vcpu_info(u32 vcpu, u64 gfn, u32 offset);
s64 register_runstate(u32 vcpu, u64 linear_address);
s64 set_singleshot_timer(u32 vcpu, u64 absolute_ns, u32 flags);
s64 stop_singleshot_timer(u32 vcpu);
s64 stop_periodic_timer(u32 vcpu);
}

namespace schedule {
s64 yield();
s64 block();
s64 shutdown(xen::ShutdownReason reason);
s64 poll(u32 const* ports, u32 count, u64 absolute_ns);
s64 watchdog(u32 id, u32 seconds);
}

namespace memory_operation {
s64 add_to_physmap(u16 domain, xen::MapSpace space, u64 index, u64 gfn);
s64 remove_from_physmap(u16 domain, u64 gfn);
s64 decrease_reservation(u16 domain, u64 const* gfns, u64 count, u32 order);
s64 populate_physmap(u16 domain, u64 const* gfns, u64 count, u32 order);
s64 current_reservation(u16 domain);
s64 maximum_reservation(u16 domain);
}

namespace hvm_operation {
struct ParameterResult {
    s64 result;
    u64 value;
};
ParameterResult get_parameter(xen::HvmParamIndex index);
s64 set_parameter(xen::HvmParamIndex index, u64 value);
s64 set_upcall_vector(u32 vcpu, u8 vector);
}

s64 console_write(char const* text, u64 length);

}
