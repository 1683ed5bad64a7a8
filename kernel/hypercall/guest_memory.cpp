// SPDX-License-Identifier: MIT
/// Copies piece by piece, a piece for each page, under one look at the guest's memory.
#include "kernel/hypercall/guest_memory.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/guest_presence.hpp"
#include "kernel/hypercall/narrow_call.hpp"

namespace hospes {

namespace {

enum class Way : u8 { FromGuest, ToGuest };

/// Where the guest has no memory: there a 32-bit caller's structures are, as handlers know them. False: they are not.
template <Way way>
[[gnu::noinline, gnu::cold]] bool copy_elsewhere(Vcpu& vcpu, u64 guest, u8* own, size_t bytes)
{
    NarrowCall* const call = vcpu.narrow_call;
    if (!call) return false;
    return (way == Way::FromGuest ? call->read({own, bytes}, guest) : call->write(guest, {own, bytes})).has_value();
}

/// `own` is the hypervisor's side. Each piece is copied while its frame cannot go away.
template <Way way>
Expected<> copy(Vcpu& vcpu, u64 guest, u8* own, size_t bytes)
{
    while (bytes != 0) {
        GuestLook const look{vcpu};
        auto const physical = arch::translate(look, Gva{guest}, {.write = way == Way::ToGuest});
        if (!physical) break;
        u8* const host = look.reach(*physical, way == Way::ToGuest);
        if (!host) break;
        size_t const length = std::min<size_t>(bytes, page_size - offset_in_page(*physical));
        std::memcpy(way == Way::ToGuest ? host : own, way == Way::ToGuest ? own : host, length);
        own += length;
        bytes -= length;
        if (__builtin_add_overflow(guest, length, &guest) && bytes != 0) return failure(Error::BadAddress);
    }
    if (bytes == 0 || copy_elsewhere<way>(vcpu, guest, own, bytes)) return {};
    return failure(Error::BadAddress);
}

}

Expected<> copy_from_guest(Vcpu& vcpu, std::span<u8> out, Gva from)
{
    return copy<Way::FromGuest>(vcpu, from.raw(), out.data(), out.size());
}

Expected<> copy_to_guest(Vcpu& vcpu, Gva to, std::span<u8 const> bytes)
{
    return copy<Way::ToGuest>(vcpu, to.raw(), const_cast<u8*>(bytes.data()), bytes.size());
}

}
