// SPDX-License-Identifier: MIT
/// Copies piece by piece, a piece for each page, under one look at the guest's memory.
#include "kernel/hypercall/guest_memory.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/guest_presence.hpp"

namespace hospes {

namespace {

/// Calls `access(host bytes, done, length)` for each page-wise piece of the guest's linear range, while its frame
/// cannot go away.
template <typename AccessPiece>
Expected<> for_each_piece(Vcpu& vcpu, Gva where, size_t bytes, bool for_writing, AccessPiece access)
{
    for (size_t done = 0; done < bytes;) {
        u64 address = 0;
        if (__builtin_add_overflow(where.raw(), done, &address)) return failure(Error::BadAddress);
        GuestLook const look{vcpu};
        auto const physical = arch::translate(look, Gva{address}, {.write = for_writing});
        if (!physical) return failure(Error::BadAddress);
        u8* const host = look.reach(*physical, for_writing);
        if (!host) return failure(Error::BadAddress);
        size_t const length = std::min<size_t>(bytes - done, page_size - offset_in_page(*physical));
        access(host, done, length);
        done += length;
    }
    return {};
}

}

Expected<> copy_from_guest(Vcpu& vcpu, std::span<u8> out, Gva from)
{
    return for_each_piece(vcpu, from, out.size(), false,
                          [&](u8* host, size_t done, size_t length) { std::memcpy(&out[done], host, length); });
}

Expected<> copy_to_guest(Vcpu& vcpu, Gva to, std::span<u8 const> bytes)
{
    return for_each_piece(vcpu, to, bytes.size(), true,
                          [&](u8* host, size_t done, size_t length) { std::memcpy(host, &bytes[done], length); });
}

}
