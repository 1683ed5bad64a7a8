// SPDX-License-Identifier: MIT
/// Rule: a guest that asks for the FIFO ABI finds its events in queues, on the vCPU that each is bound to, in the order
/// in which they came and the highest priority first; after reset all is as before.
/// Failure looks like a Linux that hangs when its first driver waits for an answer.

#include <array>
#include <atomic>
#include <bit>

#include "kernel/abi/xen/event_channel.hpp"
#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/per_cpu.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/smp.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {
namespace {

using enum xen::EventChannelCommand;

constexpr u32 pending = u32{1} << xen::event_fifo_pending_bit, masked = u32{1} << xen::event_fifo_masked_bit;
constexpr u32 linked = u32{1} << xen::event_fifo_linked_bit;
constexpr u32 cpus = 2;

struct Consumer {
    xen::EventFifoControlBlock* block;
    u32 ready;
    std::array<u32, xen::event_fifo_max_queues> heads;
    std::array<std::atomic<u32>, 8> taken; ///< ports, in the order in which they were
    std::atomic<u32> count;
    std::atomic<bool> is_up, stop;
};
constinit std::array<Consumer, cpus> consumers{};
constinit u32* words = nullptr;

template <typename T>
s64 event(xen::EventChannelCommand command, T& request)
{
    return hypercall(xen::Hypercall::EventChannelOp, command, &request);
}

s64 init_control(u32 vcpu, u64 gfn, u32 offset = 0)
{
    xen::EventInitControl request{.control_gfn = gfn, .offset = offset, .vcpu = vcpu, .link_bits = 0, .pad = {}};
    return event(InitControl, request);
}
s64 expand_array(u64 gfn)
{
    xen::EventExpandArray request{gfn};
    return event(ExpandArray, request);
}
s64 set_priority(u32 port, u32 priority)
{
    xen::EventSetPriority request{port, priority};
    return event(SetPriority, request);
}

std::atomic_ref<u32> word(u32 port) { return std::atomic_ref<u32>{words[port]}; }

/// Takes the first event of the highest queue.
void take_one(Consumer& self)
{
    u32 const priority = static_cast<u32>(std::countr_zero(self.ready));
    u32& head = self.heads[priority];
    if (head == 0) head = std::atomic_ref{self.block->head[priority]}.load();
    u32 const port = head;
    head = word(port).fetch_and(~(linked | xen::event_fifo_link_mask)) & xen::event_fifo_link_mask;
    if (head == 0) self.ready &= ~(u32{1} << priority);
    if ((word(port).load() & (pending | masked)) != pending) return;
    word(port).fetch_and(~pending);
    u32 const position = self.count;
    if (position < self.taken.size()) self.taken[position] = port;
    self.count = position + 1;
}

void upcall(TrapFrame&)
{
    apic::end_of_interrupt();
    u32 const cpu = this_cpu().index;
    Consumer& self = consumers[cpu];
    std::atomic_ref<u8>{vcpu_info(cpu).event_upcall_pending}.exchange(0);
    if (!self.block) return;
    while ((self.ready |= std::atomic_ref{self.block->ready}.exchange(0)) != 0) take_one(self);
}

bool arrive(u32 cpu, u32 count)
{
    return wait_until([=] { return consumers[cpu].count >= count; }, long_enough);
}

void set_up()
{
    report(fails_with(expand_array(1), Error::NotSupported), "no words without FIFO");
    auto* const block = allocate_pages();
    report(fails_with(init_control(77, gfn_of(block)), Error::NotFound), "no block for an unknown vCPU");
    report(fails_with(init_control(0, gfn_of(block), 4), Error::Invalid), "a block is aligned");
    report(fails_with(init_control(0, gfn_of(block), 4096 - 64), Error::Invalid), "and in one page");
    consumers[0].block = reinterpret_cast<xen::EventFifoControlBlock*>(block);
    report(succeeds(init_control(0, gfn_of(block))), "a block for vCPU 0");
    report(fails_with(init_control(0, gfn_of(block)), Error::Invalid), "once");
    auto* const page = allocate_pages();
    words = reinterpret_cast<u32*>(page);
    report(succeeds(expand_array(gfn_of(page))), "words for 1,024 ports");
}

void order()
{
    std::array<u32, 3> ports{};
    for (auto& port : ports) port = event_channel::bind_ipi(0).port;
    report(succeeds(set_priority(ports[2], 0)), "the last one gets the highest priority");
    report(fails_with(set_priority(ports[0], 16), Error::Invalid), "there is no priority 16");
    consumers[0].count = 0;
    for (u32 port : {ports[1], ports[0], ports[2], ports[1]}) (void)event_channel::send(port);
    report(arrive(0, 3), "three events arrive");
    auto& taken = consumers[0].taken;
    report(taken[0] == ports[2] && taken[1] == ports[1] && taken[2] == ports[0], "by priority, then in their order");
    word(ports[0]).fetch_or(masked);
    (void)event_channel::send(ports[0]);
    report(!wait_until([] { return consumers[0].count > 3; }, 5 * millisecond), "a masked event is not told of");
    report(succeeds(event_channel::unmask(ports[0])), "unmask");
    report(arrive(0, 4), "an unmasked event is");
    for (u32 port : ports) (void)event_channel::close(port);
}

/// What vCPU 1 does until told to stop: it takes its events.
void work(u32 cpu)
{
    enable_events();
    set_trap_handler(upcall_vector, upcall);
    consumers[cpu].is_up = true;
    enable_interrupts();
    while (!consumers[cpu].stop) pause();
    disable_interrupts();
}

void several_vcpus()
{
    if (cpu_count() < cpus) return skip("one vCPU only");
    u32 const port = event_channel::bind_ipi(1).port;
    (void)event_channel::send(port);
    report(start_cpu(1, work) && wait_until([] { return consumers[1].is_up.load(); }, long_enough), "vCPU 1 starts");
    report(equal(consumers[1].count.load(), 0), "it has no block, and hears of nothing");
    auto* const block = allocate_pages();
    consumers[1].block = reinterpret_cast<xen::EventFifoControlBlock*>(block);
    report(succeeds(init_control(1, gfn_of(block))), "a block for vCPU 1");
    // Xen forgets it.
    report(!on_hospes() || arrive(1, 1), "what came before is delivered");
    u32 const before = consumers[1].count;
    constexpr u32 rounds = 1000;
    bool all = true;
    for (u32 round = 0; all && round != rounds; ++round) {
        (void)event_channel::send(port);
        all = arrive(1, before + round + 1);
    }
    report(all && consumers[1].count == before + rounds, "each of a thousand events arrives, once");
    consumers[1].stop = true;
    (void)event_channel::close(port);
}

void back_to_two_levels()
{
    xen::EventReset request{xen::domid_self};
    report(succeeds(event(Reset, request)), "reset");
    u32 const port = event_channel::bind_ipi(0).port;
    mask_port(port);
    (void)event_channel::send(port);
    report(is_pending(port), "events are bits again");
    report(fails_with(expand_array(1), Error::NotSupported), "and FIFO is off");
}

void run()
{
    enable_events();
    set_trap_handler(upcall_vector, upcall);
    set_up();
    order();
    several_vcpus();
    back_to_two_levels();
}

}

constinit Guest const this_guest{"event_fifo", run};

}
