// SPDX-License-Identifier: MIT
/// The hypercall instruction and the argument structures of the operations.

#include "tests/guests/framework/hypercall.hpp"

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/hvm_params.hpp"
#include "kernel/abi/xen/memory.hpp"
#include "kernel/abi/xen/sched.hpp"
#include "kernel/abi/xen/vcpu.hpp"
#include "kernel/abi/xen/xen.hpp"
#include "tests/guests/framework/cpu.hpp"

namespace hospes::test {
namespace {

constinit bool vmmcall = false;

constexpr u32 amd_vendor_ebx = 0x68747541;   // "Auth"enticAMD
constexpr u32 hygon_vendor_ebx = 0x6f677948; // "Hygo"nGenuine

template <typename Argument>
s64 operation(u64 number, u64 command, Argument& argument)
{
    return hypercall(number, command, address(&argument));
}

template <typename Argument>
s64 event_operation(u64 command, Argument argument)
{
    return operation(xen::hypercall_event_channel_op, command, argument);
}

s64 vcpu_call(u64 command, u32 vcpu, void const* argument = nullptr)
{
    return hypercall(xen::hypercall_vcpu_op, command, vcpu, address(argument));
}

s64 reservation(u64 command, u16 domain, u64 const* gfns, u64 count, u32 order)
{
    xen::MemoryReservation request{};
    request.extent_start = address(gfns);
    request.nr_extents = count;
    request.extent_order = order;
    request.domid = domain;
    return operation(xen::hypercall_memory_op, command, request);
}

}

void choose_hypercall_instruction()
{
    auto vendor = cpuid(0).ebx;
    vmmcall = vendor == amd_vendor_ebx || vendor == hygon_vendor_ebx;
}

bool uses_vmmcall() { return vmmcall; }

s64 hypercall(u64 number, u64 first, u64 second, u64 third, u64 fourth, u64 fifth)
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
    xen::EvtchnAllocUnbound request{};
    request.dom = domain;
    request.remote_dom = remote;
    auto result = operation(xen::hypercall_event_channel_op, xen::evtchn_alloc_unbound, request);
    return {result, request.port};
}

PortResult bind_interdomain(u16 remote, u32 remote_port)
{
    xen::EvtchnBindInterdomain request{};
    request.remote_dom = remote;
    request.remote_port = remote_port;
    auto result = operation(xen::hypercall_event_channel_op, xen::evtchn_bind_interdomain, request);
    return {result, request.local_port};
}

PortResult bind_virq(u32 virq, u32 vcpu)
{
    xen::EvtchnBindVirq request{};
    request.virq = virq;
    request.vcpu = vcpu;
    auto result = operation(xen::hypercall_event_channel_op, xen::evtchn_bind_virq, request);
    return {result, request.port};
}

PortResult bind_ipi(u32 vcpu)
{
    xen::EvtchnBindIpi request{};
    request.vcpu = vcpu;
    auto result = operation(xen::hypercall_event_channel_op, xen::evtchn_bind_ipi, request);
    return {result, request.port};
}

s64 bind_vcpu(u32 port, u32 vcpu) { return event_operation(xen::evtchn_bind_vcpu, xen::EvtchnBindVcpu{port, vcpu}); }
s64 close(u32 port) { return event_operation(xen::evtchn_close, xen::EvtchnClose{port}); }
s64 send(u32 port) { return event_operation(xen::evtchn_send, xen::EvtchnSend{port}); }
s64 unmask(u32 port) { return event_operation(xen::evtchn_unmask, xen::EvtchnUnmask{port}); }

PortStatus status(u16 domain, u32 port)
{
    xen::EvtchnStatus request{};
    request.dom = domain;
    request.port = port;
    auto result = operation(xen::hypercall_event_channel_op, xen::evtchn_status, request);
    return {result, request.status, request.vcpu, request.detail, request.remote_port};
}

}

namespace vcpu_operation {

s64 up(u32 vcpu) { return vcpu_call(xen::vcpu_up, vcpu); }
s64 down(u32 vcpu) { return vcpu_call(xen::vcpu_down, vcpu); }
s64 is_up(u32 vcpu) { return vcpu_call(xen::vcpu_is_up, vcpu); }
s64 stop_singleshot_timer(u32 vcpu) { return vcpu_call(xen::vcpu_stop_singleshot_timer, vcpu); }
s64 stop_periodic_timer(u32 vcpu) { return vcpu_call(xen::vcpu_stop_periodic_timer, vcpu); }

s64 register_vcpu_info(u32 vcpu, u64 gfn, u32 offset)
{
    xen::VcpuRegisterInfo request{};
    request.mfn = gfn;
    request.offset = offset;
    return vcpu_call(xen::vcpu_register_vcpu_info, vcpu, &request);
}

s64 register_runstate(u32 vcpu, u64 linear_address)
{
    return vcpu_call(xen::vcpu_register_runstate_memory_area, vcpu, &linear_address);
}

s64 set_singleshot_timer(u32 vcpu, u64 absolute_ns, u32 flags)
{
    xen::VcpuSetSingleshotTimer request{};
    request.timeout_abs_ns = absolute_ns;
    request.flags = flags;
    return vcpu_call(xen::vcpu_set_singleshot_timer, vcpu, &request);
}

}

namespace schedule {

s64 yield() { return hypercall(xen::hypercall_sched_op, xen::sched_yield); }
s64 block() { return hypercall(xen::hypercall_sched_op, xen::sched_block); }

s64 shutdown(u32 reason)
{
    xen::SchedShutdown request{reason};
    return operation(xen::hypercall_sched_op, xen::sched_shutdown, request);
}

s64 poll(u32 const* ports, u32 count, u64 absolute_ns)
{
    xen::SchedPoll request{};
    request.ports = address(ports);
    request.nr_ports = count;
    request.timeout = absolute_ns;
    return operation(xen::hypercall_sched_op, xen::sched_poll, request);
}

}

namespace memory_operation {

s64 add_to_physmap(u16 domain, u32 space, u64 index, u64 gfn)
{
    xen::AddToPhysmap request{};
    request.domid = domain;
    request.space = space;
    request.idx = index;
    request.gpfn = gfn;
    return operation(xen::hypercall_memory_op, xen::add_to_physmap, request);
}

s64 remove_from_physmap(u16 domain, u64 gfn)
{
    xen::RemoveFromPhysmap request{};
    request.domid = domain;
    request.gpfn = gfn;
    return operation(xen::hypercall_memory_op, xen::remove_from_physmap, request);
}

s64 decrease_reservation(u16 domain, u64 const* gfns, u64 count, u32 order)
{
    return reservation(xen::decrease_reservation, domain, gfns, count, order);
}

s64 populate_physmap(u16 domain, u64 const* gfns, u64 count, u32 order)
{
    return reservation(xen::populate_physmap, domain, gfns, count, order);
}

s64 current_reservation(u16 domain) { return operation(xen::hypercall_memory_op, xen::current_reservation, domain); }
s64 maximum_reservation(u16 domain) { return operation(xen::hypercall_memory_op, xen::maximum_reservation, domain); }

}

namespace hvm_operation {

ParameterResult get_parameter(u32 index)
{
    xen::HvmParam request{};
    request.domid = xen::domid_self;
    request.index = index;
    auto result = operation(xen::hypercall_hvm_op, xen::hvm_get_param, request);
    return {result, request.value};
}

s64 set_parameter(u32 index, u64 value)
{
    xen::HvmParam request{};
    request.domid = xen::domid_self;
    request.index = index;
    request.value = value;
    return operation(xen::hypercall_hvm_op, xen::hvm_set_param, request);
}

s64 set_upcall_vector(u32 vcpu, u8 vector)
{
    xen::HvmUpcallVector request{};
    request.vcpu = vcpu;
    request.vector = vector;
    return operation(xen::hypercall_hvm_op, xen::hvm_set_evtchn_upcall_vector, request);
}

}

s64 console_write(char const* text, u64 length)
{
    return hypercall(xen::hypercall_console_io, xen::console_io_write, length, address(text));
}

}
