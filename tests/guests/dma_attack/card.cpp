// SPDX-License-Identifier: MIT
#include "tests/guests/dma_attack/card.hpp"

#include "tests/guests/framework/memory.hpp"

namespace hospes::test {
namespace {

constexpr u32 identity = 0x100e'8086;
constexpr u32 transmit_control = 0x400, enable = 1 << 1;
constexpr u32 ring_low = 0x3800, ring_high = 0x3804, ring_bytes = 0x3808, ring_head = 0x3810, ring_tail = 0x3818;
constexpr u8 end_of_packet = 1 << 0, report_status = 1 << 3, done = 1 << 0;
constexpr u16 packet_bytes = 64;

}

std::optional<Card> Card::find()
{
    auto const function = PciFunction::find(identity);
    if (!function) return std::nullopt;
    function->switch_on();
    Card card{*function, allocate_page_as<Descriptor volatile>()};
    auto const ring = reinterpret_cast<u64>(card.ring_);
    card.set(ring_low, static_cast<u32>(ring));
    card.set(ring_high, static_cast<u32>(ring >> 32));
    card.set(ring_bytes, descriptors * sizeof(Descriptor));
    card.set(ring_head, 0);
    card.set(ring_tail, 0);
    card.set(transmit_control, enable);
    return card;
}

/// The emulated card is done when the write to the tail returns.
bool Card::send(u64 where)
{
    Descriptor volatile& next = ring_[tail_];
    next.buffer = where;
    next.length = packet_bytes;
    next.command = end_of_packet | report_status;
    next.status = 0;
    tail_ = (tail_ + 1) % descriptors;
    set(ring_tail, tail_);
    return (next.status & done) != 0;
}

void Card::set(u32 offset, u32 value) const
{
    *reinterpret_cast<u32 volatile*>(function_.registers() + offset) = value;
}

}
