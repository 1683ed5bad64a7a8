// SPDX-License-Identifier: MIT
/// Rule: event channels move through their states exactly as the ABI says, each wrong argument has its error,
/// and a bit set by the hypervisor reaches the handler once (abi.md, 3.3 and 4.4).
/// Failure looks like a guest that waits for ever on a device, a daemon or another CPU.

#include "tests/guests/framework/events.hpp"

#include <atomic>

#include "kernel/abi/xen/event_channel.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u16 self = xen::domid_self;
constexpr u16 nobody = 0x1234;
constexpr u32 no_vcpu = 77;
constexpr u32 far_port = 0x7fff'ffff;

constinit std::atomic<u32> last_port{0};
constinit std::atomic<u32> deliveries{0};

void note(u32 port)
{
    last_port = port;
    ++deliveries;
}

bool arrives(u32 count)
{
    return wait_until([=] { return deliveries >= count; }, long_enough);
}

void pair_of_ports()
{
    auto offered = event_channel::alloc_unbound(self, self);
    report(succeeds(offered.result), "alloc_unbound for ourselves");
    report(offered.port != 0, "port 0 is never given out");
    auto before = event_channel::status(self, offered.port);
    report(equal(before.status, xen::EventStatusKind::Unbound), "an offered port is unbound");

    auto bound = event_channel::bind_interdomain(self, offered.port);
    report(succeeds(bound.result), "bind_interdomain");
    report(is_pending(bound.port), "the new local port is pending at once");
    clear_pending(bound.port);
    auto after = event_channel::status(self, offered.port);
    report(equal(after.status, xen::EventStatusKind::Interdomain), "both ends are interdomain");
    report(equal(after.remote_port, bound.port), "and know each other");
    report(fails_with(event_channel::bind_interdomain(self, offered.port).result, Error::Invalid), "bound only once");

    set_event_handler(offered.port, note);
    deliveries = 0;
    report(succeeds(event_channel::send(bound.port)), "send");
    report(arrives(1) && last_port == offered.port, "the other end's handler runs");
    set_event_handler(offered.port, nullptr);

    report(succeeds(event_channel::close(bound.port)), "close one end");
    report(equal(event_channel::status(self, offered.port).status, xen::EventStatusKind::Unbound),
           "the other is unbound again");
    report(succeeds(event_channel::send(offered.port)), "sending to nobody succeeds silently");
    report(equal(event_channel::status(self, bound.port).status, xen::EventStatusKind::Closed),
           "the closed one is free");
    auto again = event_channel::alloc_unbound(self, self);
    report(equal(again.port, bound.port), "the lowest free port is used next");
    (void)event_channel::close(again.port);
    (void)event_channel::close(offered.port);
}

void wrong_arguments()
{
    report(fails_with(event_channel::send(0), Error::Invalid), "send to port 0");
    report(fails_with(event_channel::send(far_port), Error::Invalid), "send to a port past the end");
    report(fails_with(event_channel::send(1000), Error::Invalid), "send to a free port");
    report(fails_with(event_channel::close(0), Error::Invalid), "close port 0");
    report(fails_with(event_channel::close(1000), Error::Invalid), "close a free port");
    report(fails_with(event_channel::close(far_port), Error::Invalid), "close past the end");
    report(fails_with(event_channel::unmask(far_port), Error::Invalid), "unmask past the end");
    report(fails_with(event_channel::status(self, far_port).result, Error::Invalid), "status past the end");
    report(fails_with(event_channel::alloc_unbound(nobody, self).result, Error::NoSuchDomain),
           "alloc for an unknown domain");
    report(fails_with(event_channel::bind_interdomain(nobody, 1).result, Error::NoSuchDomain),
           "bind to an unknown domain");
    report(fails_with(event_channel::bind_interdomain(self, 0).result, Error::Invalid), "bind to port 0");
    report(fails_with(event_channel::bind_interdomain(self, far_port).result, Error::Invalid), "bind past the end");
    report(fails_with(event_channel::bind_ipi(no_vcpu).result, Error::NotFound), "IPI to an unknown vCPU");
    report(fails_with(hypercall(xen::Hypercall::EventChannelOp, 99u, 0u), Error::NotImplemented),
           "undefined operation");
    report(fails_with(hypercall(xen::Hypercall::EventChannelOp, xen::EventChannelCommand::Send, unmapped_address),
                      Error::BadAddress),
           "argument at a bad address");
}

void interrupts()
{
    auto timer = event_channel::bind_virq(xen::VirtualInterrupt::Timer, 0);
    report(succeeds(timer.result), "bind VIRQ_TIMER");
    report(fails_with(event_channel::bind_virq(xen::VirtualInterrupt::Timer, 0).result, Error::Exists),
           "a VIRQ is bound once");
    report(fails_with(event_channel::bind_virq(xen::VirtualInterrupt{xen::nr_virtual_interrupts}, 0).result,
                      Error::Invalid),
           "no VIRQ 24");
    report(fails_with(event_channel::bind_virq(xen::VirtualInterrupt::Timer, no_vcpu).result, Error::NotFound),
           "VIRQ on an unknown vCPU");
    report(fails_with(event_channel::bind_virq(xen::VirtualInterrupt::Console, 1).result, Error::Invalid),
           "a global VIRQ on vCPU 1");
    auto state = event_channel::status(self, timer.port);
    report(equal(state.status, xen::EventStatusKind::Virq), "status says VIRQ");
    report(equal(state.detail, xen::VirtualInterrupt::Timer), "and which");
    report(fails_with(event_channel::send(timer.port), Error::Invalid), "nobody sends a VIRQ");
    report(fails_with(event_channel::bind_vcpu(timer.port, 0), Error::Invalid), "a per-vCPU VIRQ does not move");
    report(succeeds(event_channel::close(timer.port)), "close it");
    auto second_timer = event_channel::bind_virq(xen::VirtualInterrupt::Timer, 0);
    report(succeeds(second_timer.result), "and bind it again");
    (void)event_channel::close(second_timer.port);

    auto ipi = event_channel::bind_ipi(0);
    report(succeeds(ipi.result), "bind IPI");
    report(equal(event_channel::status(self, ipi.port).status, xen::EventStatusKind::Ipi), "status says IPI");
    report(fails_with(event_channel::bind_vcpu(ipi.port, 0), Error::Invalid), "an IPI does not move");
    set_event_handler(ipi.port, note);
    deliveries = 0;
    report(succeeds(event_channel::send(ipi.port)), "send to ourselves");
    report(arrives(1) && last_port == ipi.port, "IPI arrives");
    set_event_handler(ipi.port, nullptr);
    (void)event_channel::close(ipi.port);
}

void masks()
{
    auto ipi = event_channel::bind_ipi(0);
    set_event_handler(ipi.port, note);
    mask_port(ipi.port);
    deliveries = 0;
    (void)event_channel::send(ipi.port);
    (void)event_channel::send(ipi.port);
    report(!wait_until([] { return deliveries != 0; }, 5 * millisecond), "a masked port stays quiet");
    report(is_pending(ipi.port), "but is pending");
    report(succeeds(event_channel::unmask(ipi.port)), "unmask");
    report(arrives(1), "unmasking delivers it");
    (void)wait_until([] { return deliveries > 1; }, 5 * millisecond);
    report(equal(deliveries.load(), 1), "two sends while masked are one event");
    report(!is_masked(ipi.port), "the mask bit is clear");
    (void)event_channel::close(ipi.port);
    report(!is_pending(ipi.port), "closing clears pending");
    report(fails_with(event_channel::bind_vcpu(ipi.port, 0), Error::Invalid), "a closed port has no vCPU");
}

void moving()
{
    auto offered = event_channel::alloc_unbound(self, self);
    report(succeeds(event_channel::bind_vcpu(offered.port, 0)), "an interdomain port moves");
    report(fails_with(event_channel::bind_vcpu(offered.port, no_vcpu), Error::NotFound), "but not to an unknown vCPU");
    if (cpu_count() > 1) {
        report(succeeds(event_channel::bind_vcpu(offered.port, 1)), "to vCPU 1");
        report(equal(event_channel::status(self, offered.port).vcpu, 1), "status says so");
    } else {
        skip("one vCPU only");
    }
    (void)event_channel::close(offered.port);
}

void exhaustion()
{
    static constinit std::array<u32, 4096> ports{};
    u32 count = 0;
    PortResult last{};
    while (count != ports.size()) {
        last = event_channel::alloc_unbound(self, self);
        if (last.result != 0) break;
        ports[count++] = last.port;
    }
    print("  ", count, " ports were free\n");
    report(fails_with(last.result, Error::NoSpace), "ports run out with ENOSPC");
    report(count > 900 && count < 4096, "after about as many as the two-level ABI has");
    bool closed = true;
    for (u32 i = 0; i != count; ++i) closed &= event_channel::close(ports[i]) == 0;
    report(closed, "all close again");
}

void run()
{
    enable_events();
    pair_of_ports();
    wrong_arguments();
    interrupts();
    masks();
    moving();
    exhaustion();
}

}

constinit Guest const this_guest{"event_channel", run};

}
