// SPDX-License-Identifier: MIT
/// What a guest does with event channels.
#include <array>

#include "kernel/abi/xen/event_channel.hpp"
#include "tests/software/guest.hpp"

namespace hospes::software {

namespace {

using enum xen::EventChannelCommand;

template <typename T>
s64 event(Guest const& guest, xen::EventChannelCommand command, T request)
{
    return guest.processor().call_with(xen::Hypercall::EventChannelOp, command, request);
}

s64 init_control(Guest& guest)
{
    u32 const whose = guest.one_in(4) ? guest.any_vcpu() : guest.own_id();
    u64 const frame = guest.one_in(8) ? guest.any_frame() : first_area + guest.own_id();
    u32 const offset = guest.below(page_size / 64 + 1) * 64 + (guest.one_in(16) ? 4 : 0);
    s64 const done = event(guest, InitControl, xen::EventInitControl{frame, offset, whose, 0, {}});
    if (done == 0 && whose == guest.own_id()) guest.block_at = (frame << page_shift) + offset;
    return done;
}

s64 expand_array(Guest& guest)
{
    u64 const frame = guest.any_frame();
    s64 const done = event(guest, ExpandArray, xen::EventExpandArray{frame});
    if (done == 0) guest.words_at = frame << page_shift;
    return done;
}

std::array const actions{
    Action{"event: alloc_unbound", 3,
           [](Guest& guest) {
               xen::DomainId const whose = guest.one_in(8) ? guest.any_domain() : xen::domid_self;
               return event(guest, AllocUnbound, xen::EventAllocUnbound{whose, guest.any_domain(), 0});
           }},
    Action{"event: bind_interdomain", 4,
           [](Guest& guest) {
               return event(guest, BindInterdomain,
                            xen::EventBindInterdomain{guest.any_domain(), 0, guest.any_port(), 0});
           }},
    Action{
        "event: bind_virq", 2,
        [](Guest& guest) { return event(guest, BindVirq, xen::EventBindVirq{guest.below(4), guest.any_vcpu(), 0}); }},
    Action{"event: bind_ipi", 2,
           [](Guest& guest) { return event(guest, BindIpi, xen::EventBindIpi{guest.any_vcpu(), 0}); }},
    Action{"event: close", 3, [](Guest& guest) { return event(guest, Close, xen::EventClose{guest.any_port()}); }},
    Action{"event: bind_vcpu", 2,
           [](Guest& guest) { return event(guest, BindVcpu, xen::EventBindVcpu{guest.any_port(), guest.any_vcpu()}); }},
    Action{"event: unmask", 3, [](Guest& guest) { return event(guest, Unmask, xen::EventUnmask{guest.any_port()}); }},
    Action{"event: status", 1,
           [](Guest& guest) {
               return event(guest, Status, xen::EventStatus{guest.self_or_any(), 0, guest.any_port(), {}, 0, {}});
           }},
    Action{"event: send", 8, [](Guest& guest) { return event(guest, Send, xen::EventSend{guest.any_port()}); }},
    Action{"event: reset", 1,
           [](Guest& guest) {
               if (!guest.one_in(8)) return s64{-1};
               return event(guest, Reset, xen::EventReset{guest.self_or_any()});
           }},
    Action{"event: init_control", 1, init_control},
    Action{"event: expand_array", 1, expand_array},
    Action{"event: set_priority", 1,
           [](Guest& guest) {
               return event(guest, SetPriority, xen::EventSetPriority{guest.any_port(), guest.below(18)});
           }},
};

}

std::span<Action const> event_actions() { return actions; }

}
