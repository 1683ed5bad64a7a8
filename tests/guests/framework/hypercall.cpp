// SPDX-License-Identifier: MIT
/// The hypercall instruction and the argument structures of the operations.

#include "tests/guests/framework/hypercall.hpp"

#include "kernel/abi/xen/console.hpp"
#include "kernel/abi/xen/hvm_op.hpp"
#include "kernel/abi/xen/vcpu.hpp"
#include "tests/guests/framework/cpu.hpp"

namespace hospes::test {
namespace {

constinit bool vmmcall = false;

constexpr u32 amd_vendor_ebx = 0x68747541;   // "Auth"enticAMD
constexpr u32 hygon_vendor_ebx = 0x6f677948; // "Hygo"nGenuine

template <typename Argument>
s64 operation(xen::EventChannelCommand command, Argument& argument)
{
    return hypercall(xen::Hypercall::EventChannelOp, command, &argument);
}

template <typename Argument>
s64 operation(xen::MemoryCommand command, Argument& argument)
{
    return hypercall(xen::Hypercall::MemoryOp, command, &argument);
}

template <typename Argument>
s64 operation(xen::SchedCommand command, Argument& argument)
{
    return hypercall(xen::Hypercall::SchedOp, command, &argument);
}

template <typename Argument>
s64 operation(xen::HvmCommand command, Argument& argument)
{
    return hypercall(xen::Hypercall::HvmOp, command, &argument);
}

s64 operation(xen::VcpuCommand command, u32 vcpu, void const* argument = nullptr)
{
    return hypercall(xen::Hypercall::VcpuOp, command, vcpu, argument);
}

s64 reservation(xen::MemoryCommand command, u16 domain, u64 const* gfns, u64 count, u32 order)
{
    xen::MemoryReservation request{};
    request.extent_start = {address(gfns)};
    request.nr_extents = count;
    request.extent_order = order;
    request.domain = domain;
    return operation(command, request);
}

}

void choose_hypercall_instruction()
{
    auto vendor = cpuid(0).ebx;
    vmmcall = vendor == amd_vendor_ebx || vendor == hygon_vendor_ebx;
}

bool uses_vmmcall() { return vmmcall; }

s64 raw_hypercall(u64 number, u64 first, u64 second, u64 third, u64 fourth, u64 fifth)
{
    register u64 r10 asm("r10") = fourth;
    register u64 r8 asm("r8") = fifth;
    s64 result;
    if (vmmcall) {
        asm volatile("vmmcall"
                     : "=a"(result), "+D"(first), "+S"(second), "+d"(third), "+r"(r10), "+r"(r8)
                     : "0"(number)
                     : "memory");
    } else {
        asm volatile("vmcall"
                     : "=a"(result), "+D"(first), "+S"(second), "+d"(third), "+r"(r10), "+r"(r8)
                     : "0"(number)
                     : "memory");
    }
    return result;
}

namespace event_channel {

PortResult alloc_unbound(u16 domain, u16 remote)
{
    xen::EventAllocUnbound request{};
    request.domain = domain;
    request.remote_domain = remote;
    auto result = operation(xen::EventChannelCommand::AllocUnbound, request);
    return {result, request.port};
}

PortResult bind_interdomain(u16 remote, u32 remote_port)
{
    xen::EventBindInterdomain request{};
    request.remote_domain = remote;
    request.remote_port = remote_port;
    auto result = operation(xen::EventChannelCommand::BindInterdomain, request);
    return {result, request.local_port};
}

PortResult bind_virq(xen::VirtualInterrupt virq, u32 vcpu)
{
    xen::EventBindVirq request{};
    request.virq = static_cast<u32>(virq);
    request.vcpu = vcpu;
    auto result = operation(xen::EventChannelCommand::BindVirq, request);
    return {result, request.port};
}

PortResult bind_ipi(u32 vcpu)
{
    xen::EventBindIpi request{};
    request.vcpu = vcpu;
    auto result = operation(xen::EventChannelCommand::BindIpi, request);
    return {result, request.port};
}

s64 bind_vcpu(u32 port, u32 vcpu)
{
    xen::EventBindVcpu request{port, vcpu};
    return operation(xen::EventChannelCommand::BindVcpu, request);
}

s64 close(u32 port)
{
    xen::EventClose request{port};
    return operation(xen::EventChannelCommand::Close, request);
}

s64 send(u32 port)
{
    xen::EventSend request{port};
    return operation(xen::EventChannelCommand::Send, request);
}

s64 unmask(u32 port)
{
    xen::EventUnmask request{port};
    return operation(xen::EventChannelCommand::Unmask, request);
}

PortStatus status(u16 domain, u32 port)
{
    xen::EventStatus request{};
    request.domain = domain;
    request.port = port;
    auto result = operation(xen::EventChannelCommand::Status, request);
    return {result, request.status, request.vcpu, request.u.virq, request.u.interdomain.port};
}

}

namespace vcpu_operation {

s64 up(u32 vcpu) { return operation(xen::VcpuCommand::Up, vcpu); }
s64 down(u32 vcpu) { return operation(xen::VcpuCommand::Down, vcpu); }
s64 is_up(u32 vcpu) { return operation(xen::VcpuCommand::IsUp, vcpu); }
s64 stop_singleshot_timer(u32 vcpu) { return operation(xen::VcpuCommand::StopSingleshotTimer, vcpu); }
s64 stop_periodic_timer(u32 vcpu) { return operation(xen::VcpuCommand::StopPeriodicTimer, vcpu); }

s64 register_vcpu_info(u32 vcpu, u64 gfn, u32 offset)
{
    xen::VcpuRegisterVcpuInfo request{};
    request.gfn = gfn;
    request.offset = offset;
    return operation(xen::VcpuCommand::RegisterVcpuInfo, vcpu, &request);
}

s64 register_runstate(u32 vcpu, u64 linear_address)
{
    xen::VcpuRegisterRunstateMemoryArea request{{linear_address}};
    return operation(xen::VcpuCommand::RegisterRunstateMemoryArea, vcpu, &request);
}

s64 set_singleshot_timer(u32 vcpu, u64 absolute_ns, u32 flags)
{
    xen::VcpuSetSingleshotTimer request{};
    request.timeout_absolute_ns = absolute_ns;
    request.flags = flags;
    return operation(xen::VcpuCommand::SetSingleshotTimer, vcpu, &request);
}

}

namespace schedule {

s64 yield() { return hypercall(xen::Hypercall::SchedOp, xen::SchedCommand::Yield); }
s64 block() { return hypercall(xen::Hypercall::SchedOp, xen::SchedCommand::Block); }

s64 shutdown(xen::ShutdownReason reason)
{
    xen::SchedShutdown request{static_cast<u32>(reason)};
    return operation(xen::SchedCommand::Shutdown, request);
}

s64 poll(u32 const* ports, u32 count, u64 absolute_ns)
{
    xen::SchedPoll request{};
    request.ports = {address(ports)};
    request.nr_ports = count;
    request.timeout = absolute_ns;
    return operation(xen::SchedCommand::Poll, request);
}

s64 watchdog(u32 id, u32 seconds)
{
    xen::SchedWatchdog request{id, seconds};
    return static_cast<s32>(operation(xen::SchedCommand::Watchdog, request)); // Xen's ENOSPC has 32 bits
}

}

namespace memory_operation {

s64 add_to_physmap(u16 domain, xen::MapSpace space, u64 index, u64 gfn)
{
    xen::AddToPhysmap request{};
    request.domain = domain;
    request.space = static_cast<u32>(space);
    request.index = index;
    request.gfn = gfn;
    return operation(xen::MemoryCommand::AddToPhysmap, request);
}

s64 remove_from_physmap(u16 domain, u64 gfn)
{
    xen::RemoveFromPhysmap request{};
    request.domain = domain;
    request.gfn = gfn;
    return operation(xen::MemoryCommand::RemoveFromPhysmap, request);
}

s64 decrease_reservation(u16 domain, u64 const* gfns, u64 count, u32 order)
{
    return reservation(xen::MemoryCommand::DecreaseReservation, domain, gfns, count, order);
}

s64 populate_physmap(u16 domain, u64 const* gfns, u64 count, u32 order)
{
    return reservation(xen::MemoryCommand::PopulatePhysmap, domain, gfns, count, order);
}

s64 current_reservation(u16 domain) { return operation(xen::MemoryCommand::CurrentReservation, domain); }
s64 maximum_reservation(u16 domain) { return operation(xen::MemoryCommand::MaximumReservation, domain); }

}

namespace hvm_operation {

ParameterResult get_parameter(xen::HvmParamIndex index)
{
    xen::HvmParam request{};
    request.domain = xen::domid_self;
    request.index = static_cast<u32>(index);
    auto result = operation(xen::HvmCommand::GetParam, request);
    return {result, request.value};
}

s64 set_parameter(xen::HvmParamIndex index, u64 value)
{
    xen::HvmParam request{};
    request.domain = xen::domid_self;
    request.index = static_cast<u32>(index);
    request.value = value;
    return operation(xen::HvmCommand::SetParam, request);
}

s64 set_upcall_vector(u32 vcpu, u8 vector)
{
    xen::HvmEventUpcallVector request{};
    request.vcpu = vcpu;
    request.vector = vector;
    return operation(xen::HvmCommand::SetEventUpcallVector, request);
}

}

s64 console_write(char const* text, u64 length)
{
    return hypercall(xen::Hypercall::ConsoleIo, xen::ConsoleCommand::Write, length, text);
}

}
