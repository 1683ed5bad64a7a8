// SPDX-License-Identifier: MIT
/// An emulated instruction's accesses, cut where pages end: each piece has one who answers.
#include "arch/x86_64/guest/guest_access.hpp"

#include "arch/x86_64/emulator/operands.hpp"
#include "arch/x86_64/guest/access_order.hpp"
#include "arch/x86_64/guest/guest_translation.hpp"

namespace hospes::arch {

Device& GuestMemory::device_at(Gpa where) const
{
    bool const is_known = known_.device && where == known_.where;
    return is_known ? *known_.device : answering_at(virtual_cpu_, where);
}

Expected<Gpa> GuestMemory::translate(Gva linear, bool write)
{
    auto const where = translate_own(virtual_cpu_, linear, write);
    if (where) return where;
    refused_ = linear;
    refused_write_ = write;
    return where;
}

/// Calls `piece(address, bytes done, length)` for each part of an access.
template <typename Piece>
Expected<> GuestMemory::for_each_piece(Gva linear, unsigned bytes, bool write, Piece piece)
{
    for (unsigned done = 0; done < bytes;) {
        Gva const position = linear + done;
        auto const where = translate(position, write);
        if (!where) return failure(where.error());
        unsigned const length = emulator::next_piece(position, bytes - done);
        piece(*where, done, length);
        done += length;
    }
    return {};
}

Expected<u64> GuestMemory::read(Gva linear, unsigned bytes)
{
    u64 value = 0;
    auto const done = for_each_piece(linear, bytes, false, [&](Gpa where, unsigned offset, unsigned length) {
        u64 const part = device_at(where).read(virtual_cpu_.vcpu, where.raw(), length);
        value |= emulator::truncate(part, length) << 8 * offset;
    });
    if (!done) return failure(done.error());
    return value;
}

Expected<> GuestMemory::write(Gva linear, u64 value, unsigned bytes)
{
    // An access that cannot finish must not begin.
    if (auto const writable = for_each_piece(linear, bytes, true, [](Gpa, unsigned, unsigned) {}); !writable)
        return writable;
    return for_each_piece(linear, bytes, true, [&](Gpa where, unsigned offset, unsigned length) {
        u64 const part = emulator::truncate(value >> 8 * offset, length);
        device_at(where).write(virtual_cpu_.vcpu, where.raw(), length, part);
    });
}

void GuestMemory::raise_fault() const { raise_page_fault(virtual_cpu_, refused_, refused_write_); }

Expected<u64> GuestPort::in(u16 port, unsigned bytes)
{
    return emulator::truncate(device_.read(virtual_cpu_.vcpu, port, bytes), bytes);
}

Expected<> GuestPort::out(u16 port, u64 value, unsigned bytes)
{
    device_.write(virtual_cpu_.vcpu, port, bytes, emulator::truncate(value, bytes));
    return {};
}

}
