// SPDX-License-Identifier: MIT
/// Walks a guest's own page tables with the rights of whoever accesses, and raises the fault that a CPU would.
#include "arch/x86_64/guest/guest_translation.hpp"

#include "arch/x86_64/guest/guest_paging.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "kernel/domain/guest_presence.hpp"

namespace hospes::arch {

namespace {

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

bool is_user(VirtualCpu& cpu)
{
    constexpr u8 least_privileged = 3;
    return cpu.backend->code_level().privilege == least_privileged;
}

}

Expected<Gpa> translate(GuestLook const& look, Gva where, AccessKind kind)
{
    ControlRegisters const controls = look.vcpu().virtual_cpu().backend->controls();
    TableMemory memory{look};
    return walk_guest_tables(memory, controls, where, {.write = kind.write});
}

static Expected<Gpa> walk(VirtualCpu& cpu, ControlRegisters const& controls, Gva linear, GuestAccess const& access)
{
    GuestLook const look{cpu.vcpu};
    TableMemory memory{look};
    return walk_guest_tables(memory, controls, wrapped(controls, linear), access);
}

Expected<Gpa> translate_own(VirtualCpu& cpu, Gva linear, bool write)
{
    ControlRegisters const controls = cpu.backend->controls();
    bool const user = is_user(cpu);
    bool const smap_holds = Cr4{controls.cr4}.get<Cr4::SupervisorAccessPrevention>() &&
                            !Rflags{cpu.backend->registers().rflags}.get<Rflags::AlignmentCheck>();
    return walk(cpu, controls, linear, {.write = write, .user = user, .avoids_user_pages = !user && smap_holds});
}

/// SMAP is about data.
Expected<Gpa> translate_code(VirtualCpu& cpu, Gva linear)
{
    return walk(cpu, cpu.backend->controls(), linear, {.user = is_user(cpu)});
}

/// (SDM vol. 3, 4.7)
void raise_page_fault(VirtualCpu& cpu, Gva linear, bool write)
{
    constexpr u32 page_was_present = 1 << 0, was_write = 1 << 1, was_user = 1 << 2; // of the error code
    ControlRegisters controls = cpu.backend->controls();
    PagingShape const shape = paging_shape(controls);
    if (shape.is_long() && !is_canonical(linear.raw(), page_shift + shape.levels * shape.index_bits))
        return cpu.inject_exception(exception::general_protection, 0);
    bool const is_present = walk(cpu, controls, linear, {}).has_value();
    controls.cr2 = wrapped(controls, linear).raw();
    cpu.backend->set_controls(controls);
    cpu.inject_exception(exception::page_fault,
                         (is_present ? page_was_present : 0) | (write ? was_write : 0) | (is_user(cpu) ? was_user : 0));
}

}
