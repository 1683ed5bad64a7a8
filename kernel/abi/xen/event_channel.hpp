// SPDX-License-Identifier: MIT
/// event_channel_op, and the words of the two-level and FIFO event ABIs.
/// (xen/include/public/event_channel.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// (EVTCHNOP_*)
enum class EventChannelCommand : u32 {
    BindInterdomain = 0,
    BindVirq = 1,
    BindPirq = 2,
    Close = 3,
    Send = 4,
    Status = 5,
    AllocUnbound = 6,
    BindIpi = 7,
    BindVcpu = 8,
    Unmask = 9,
    Reset = 10,
    InitControl = 11,
    ExpandArray = 12,
    SetPriority = 13,
};

/// Out: port.
struct EventAllocUnbound {
    DomainId domain;
    DomainId remote_domain;
    EventPort port;
};
static_assert(sizeof(EventAllocUnbound) == 8 && has_no_hidden_bytes<EventAllocUnbound>);
static_assert(offsetof(EventAllocUnbound, remote_domain) == 2 && offsetof(EventAllocUnbound, port) == 4);

/// Out: local_port.
struct EventBindInterdomain {
    DomainId remote_domain;
    u16 pad;
    EventPort remote_port;
    EventPort local_port;
};
static_assert(sizeof(EventBindInterdomain) == 12 && has_no_hidden_bytes<EventBindInterdomain>);
static_assert(offsetof(EventBindInterdomain, remote_port) == 4 && offsetof(EventBindInterdomain, local_port) == 8);

/// Out: port.
struct EventBindVirq {
    u32 virq;
    u32 vcpu;
    EventPort port;
};
static_assert(sizeof(EventBindVirq) == 12 && has_no_hidden_bytes<EventBindVirq>);
static_assert(offsetof(EventBindVirq, vcpu) == 4 && offsetof(EventBindVirq, port) == 8);

/// Out: port. Never works for a guest without PIRQs.
struct EventBindPirq {
    u32 pirq;
    u32 flags;
    EventPort port;
};
static_assert(sizeof(EventBindPirq) == 12 && has_no_hidden_bytes<EventBindPirq>);
static_assert(offsetof(EventBindPirq, flags) == 4 && offsetof(EventBindPirq, port) == 8);

/// Out: port.
struct EventBindIpi {
    u32 vcpu;
    EventPort port;
};
static_assert(sizeof(EventBindIpi) == 8 && has_no_hidden_bytes<EventBindIpi>);
static_assert(offsetof(EventBindIpi, port) == 4);

struct EventClose {
    EventPort port;
};
static_assert(sizeof(EventClose) == 4 && has_no_hidden_bytes<EventClose>);

struct EventSend {
    EventPort port;
};
static_assert(sizeof(EventSend) == 4 && has_no_hidden_bytes<EventSend>);

/// EventStatus::status. (EVTCHNSTAT_*)
enum class EventStatusKind : u32 {
    Closed = 0,
    Unbound = 1,
    Interdomain = 2,
    Pirq = 3,
    Virq = 4,
    Ipi = 5,
};

/// In: domain and port; out: the rest. Which members of `u` speak depends on `status`.
struct EventStatus {
    DomainId domain;
    u16 pad;
    EventPort port;
    EventStatusKind status;
    u32 vcpu;
    union Detail {
        struct Interdomain {
            DomainId domain;
            u16 pad;
            EventPort port;
        } interdomain;
        struct Unbound {
            DomainId domain;
        } unbound;
        u32 pirq;
        u32 virq;
    } u;
};
static_assert(sizeof(EventStatus) == 24);
static_assert(offsetof(EventStatus, port) == 4 && offsetof(EventStatus, status) == 8 &&
              offsetof(EventStatus, vcpu) == 12 && offsetof(EventStatus, u) == 16);

struct EventBindVcpu {
    EventPort port;
    u32 vcpu;
};
static_assert(sizeof(EventBindVcpu) == 8 && has_no_hidden_bytes<EventBindVcpu>);
static_assert(offsetof(EventBindVcpu, vcpu) == 4);

struct EventUnmask {
    EventPort port;
};
static_assert(sizeof(EventUnmask) == 4 && has_no_hidden_bytes<EventUnmask>);

struct EventReset {
    DomainId domain;
};
static_assert(sizeof(EventReset) == 2 && has_no_hidden_bytes<EventReset>);

/// Out: link_bits.
struct EventInitControl {
    u64 control_gfn;
    u32 offset;
    u32 vcpu;
    u8 link_bits;
    std::array<u8, 7> pad;
};
static_assert(sizeof(EventInitControl) == 24 && has_no_hidden_bytes<EventInitControl>);
static_assert(offsetof(EventInitControl, offset) == 8 && offsetof(EventInitControl, vcpu) == 12 &&
              offsetof(EventInitControl, link_bits) == 16);

struct EventExpandArray {
    u64 array_gfn;
};
static_assert(sizeof(EventExpandArray) == 8 && has_no_hidden_bytes<EventExpandArray>);

struct EventSetPriority {
    EventPort port;
    u32 priority;
};
static_assert(sizeof(EventSetPriority) == 8 && has_no_hidden_bytes<EventSetPriority>);
static_assert(offsetof(EventSetPriority, priority) == 4);

/// The reach of the two-level ABI, and of the FIFO ABI: its priorities and the bits of its event words.
inline constexpr u32 event_two_level_channels = 4096;
inline constexpr u32 event_fifo_channels = 131072;
inline constexpr u32 event_fifo_priority_max = 0;
inline constexpr u32 event_fifo_priority_default = 7;
inline constexpr u32 event_fifo_priority_min = 15;
inline constexpr u32 event_fifo_max_queues = 16;
inline constexpr u32 event_fifo_pending_bit = 31;
inline constexpr u32 event_fifo_masked_bit = 30;
inline constexpr u32 event_fifo_linked_bit = 29;
inline constexpr u32 event_fifo_busy_bit = 28;
inline constexpr u32 event_fifo_link_bits = 17;
inline constexpr u32 event_fifo_link_mask = 0x0001'FFFF;

/// One for each vCPU: which queues hold events, and their first event.
struct EventFifoControlBlock {
    u32 ready;
    u32 reserved;
    std::array<u32, 16> head;
};
static_assert(sizeof(EventFifoControlBlock) == 72 && has_no_hidden_bytes<EventFifoControlBlock>);
static_assert(offsetof(EventFifoControlBlock, reserved) == 4 && offsetof(EventFifoControlBlock, head) == 8);

}
