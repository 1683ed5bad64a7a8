// SPDX-License-Identifier: MIT
/// An emulated instruction's accesses, split at pages: each piece is RAM, an emulated device, or nothing.
#include "arch/x86_64/guest/guest_access.hpp"

#include <cstring>

#include "arch/x86_64/guest/guest_paging.hpp"
#include "arch/x86_64/guest/instruction_fetch.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/domain/guest_presence.hpp"

namespace hospes::arch {

namespace {

constexpr u64 nothing_there = ~u64{0}; ///< what a bus reads where nobody answers

/// The guest's page tables, without references.
class TableMemory {
public:
    explicit TableMemory(GuestLook const& look) : look_{look} {}

    [[nodiscard]] Expected<u64> read_entry(Gpa where, unsigned bytes)
    {
        void* const entry = look_.reach(where, false);
        if (!entry) return failure(Error::BadAddress);
        if (bytes == sizeof(u32)) return std::atomic_ref{*static_cast<u32*>(entry)}.load(std::memory_order_relaxed);
        return std::atomic_ref{*static_cast<u64*>(entry)}.load(std::memory_order_relaxed);
    }

    void mark(Gpa where, unsigned bytes, u64 seen, u64 bits)
    {
        void* const entry = look_.reach(where, true);
        if (!entry) return;
        if (bytes == sizeof(u32)) {
            u32 expected = static_cast<u32>(seen);
            std::atomic_ref{*static_cast<u32*>(entry)}.compare_exchange_strong(expected, static_cast<u32>(seen | bits));
        } else {
            std::atomic_ref{*static_cast<u64*>(entry)}.compare_exchange_strong(seen, seen | bits);
        }
    }

private:
    GuestLook const& look_;
};

/// The local APIC's page answers aligned accesses of four bytes; wider ones see zeros in the rest.
u64 read_local_apic(VirtualLocalApic& apic, u64 offset)
{
    u32 const value = apic.read_page(static_cast<u32>(offset));
    return value >> 8 * (offset % 4);
}

bool is_user(VirtualCpu& cpu)
{
    constexpr u8 least_privileged = 3;
    return cpu.backend->code_level().privilege == least_privileged;
}

bool is_local_apic(VirtualCpu& cpu, Gpa where)
{
    return round_down(where.raw(), page_size) == apic_page && cpu.local_apic.answers_in_page();
}

}

Expected<Gpa> translate(GuestLook const& look, Gva where, AccessKind kind)
{
    ControlRegisters const controls = look.vcpu().virtual_cpu().backend->controls();
    TableMemory memory{look};
    return walk_guest_tables(memory, controls, where, {.write = kind.write});
}

Expected<Gpa> translate_own(VirtualCpu& cpu, Gva linear, bool write)
{
    ControlRegisters const controls = cpu.backend->controls();
    bool const user = is_user(cpu);
    bool const smap_holds = Cr4{controls.cr4}.get<Cr4::SupervisorAccessPrevention>() &&
                            !Rflags{cpu.backend->registers().rflags}.get<Rflags::AlignmentCheck>();
    GuestLook const look{cpu.vcpu};
    TableMemory memory{look};
    return walk_guest_tables(memory, controls, linear,
                             {.write = write, .user = user, .avoids_user_pages = !user && smap_holds});
}

bool is_emulated(VirtualCpu& cpu, Gpa where)
{
    return is_local_apic(cpu, where) || cpu.virtual_machine().memory.find(where.raw()) != nullptr;
}

u64 GuestMemory::read_physical(Gpa where, unsigned bytes)
{
    if (is_local_apic(virtual_cpu_, where)) return read_local_apic(virtual_cpu_.local_apic, offset_in_page(where));
    if (AccessHandler* const handler = virtual_cpu_.virtual_machine().memory.find(where.raw()))
        return handler->read(virtual_cpu_.vcpu, where.raw(), bytes);
    auto const frame = virtual_cpu_.vcpu.domain().physmap.reference(frame_of(where), false);
    if (!frame) return nothing_there;
    u64 value = 0;
    std::memcpy(&value, static_cast<u8*>(reach(frame->frame())) + offset_in_page(where), bytes);
    return value;
}

void GuestMemory::write_physical(Gpa where, u64 value, unsigned bytes)
{
    if (is_local_apic(virtual_cpu_, where)) {
        if (offset_in_page(where) % 16 == 0)
            virtual_cpu_.local_apic.write_page(static_cast<u32>(offset_in_page(where)), static_cast<u32>(value));
        return;
    }
    if (AccessHandler* const handler = virtual_cpu_.virtual_machine().memory.find(where.raw()))
        return handler->write(virtual_cpu_.vcpu, where.raw(), bytes, value);
    auto const frame = virtual_cpu_.vcpu.domain().physmap.reference(frame_of(where), true);
    if (frame) std::memcpy(static_cast<u8*>(reach(frame->frame())) + offset_in_page(where), &value, bytes);
}

Expected<Gpa> GuestMemory::translate(Gva linear, bool write)
{
    auto const where = translate_own(virtual_cpu_, linear, write);
    if (where) return where;
    refused_ = linear;
    refused_write_ = write;
    return where;
}

/// Calls `piece(address, bytes done, length)` for the parts of an access in each page.
template <typename Piece>
Expected<> GuestMemory::for_each_page(Gva linear, unsigned bytes, bool write, Piece piece)
{
    for (unsigned done = 0; done < bytes;) {
        Gva const position = linear + done;
        auto const where = translate(position, write);
        if (!where) return failure(where.error());
        unsigned const rest = static_cast<unsigned>(page_size - offset_in_page(position));
        unsigned const length = std::min(bytes - done, rest);
        piece(*where, done, length);
        done += length;
    }
    return {};
}

Expected<u64> GuestMemory::read(Gva linear, unsigned bytes)
{
    u64 value = 0;
    auto const done = for_each_page(linear, bytes, false, [&](Gpa where, unsigned offset, unsigned length) {
        u64 const part = read_physical(where, length) & (nothing_there >> (64 - 8 * length));
        value |= part << 8 * offset;
    });
    if (!done) return failure(done.error());
    return value;
}

Expected<> GuestMemory::write(Gva linear, u64 value, unsigned bytes)
{
    // An access that cannot finish must not begin.
    if (auto const writable = for_each_page(linear, bytes, true, [](Gpa, unsigned, unsigned) {}); !writable)
        return writable;
    return for_each_page(linear, bytes, true, [&](Gpa where, unsigned offset, unsigned length) {
        write_physical(where, value >> 8 * offset, length);
    });
}

/// (SDM vol. 3, 4.7)
void GuestMemory::raise_fault() const
{
    constexpr u32 page_was_present = 1 << 0, was_write = 1 << 1, was_user = 1 << 2; // of the error code
    ControlRegisters controls = virtual_cpu_.backend->controls();
    PagingShape const shape = paging_shape(controls);
    if (shape.is_long() && !is_canonical(refused_.raw(), page_shift + shape.levels * shape.index_bits))
        return virtual_cpu_.inject_exception(exception::general_protection, 0);
    bool const is_present = [&] {
        GuestLook const look{virtual_cpu_.vcpu};
        TableMemory memory{look};
        return walk_guest_tables(memory, controls, refused_, {}).has_value();
    }();
    controls.cr2 = refused_.raw();
    virtual_cpu_.backend->set_controls(controls);
    virtual_cpu_.inject_exception(exception::page_fault, (is_present ? page_was_present : 0) |
                                                             (refused_write_ ? was_write : 0) |
                                                             (is_user(virtual_cpu_) ? was_user : 0));
}

/// SMAP is about data.
static Expected<Gpa> translate_code(VirtualCpu& cpu, Gva linear)
{
    GuestLook const look{cpu.vcpu};
    TableMemory memory{look};
    return walk_guest_tables(memory, cpu.backend->controls(), linear, {.user = is_user(cpu)});
}

FetchedInstruction fetch_instruction(VirtualCpu& cpu)
{
    FetchedInstruction fetched{.mode = cpu.backend->code_level().mode};
    u64 start = cpu.backend->registers().rip;
    if (fetched.mode != emulator::Mode::Bits64)
        start = (cpu.backend->segment(SegmentName::Cs).base + start) & 0xffff'ffff;
    while (fetched.count < fetched.bytes.size()) {
        Gva const position{start + fetched.count};
        auto const where = translate_code(cpu, position);
        if (!where) break;
        auto const frame = cpu.vcpu.domain().physmap.reference(frame_of(*where), false);
        if (!frame) break;
        size_t const length =
            std::min<size_t>(fetched.bytes.size() - fetched.count, page_size - offset_in_page(*where));
        std::memcpy(&fetched.bytes[fetched.count], static_cast<u8*>(reach(frame->frame())) + offset_in_page(*where),
                    length);
        fetched.count += length;
    }
    return fetched;
}

}
