// SPDX-License-Identifier: MIT
/// dom0's accesses to configuration space and to device memory that traps, passed to the virtual PCI and to hardware.
#include "arch/x86_64/platform/pci_platform.hpp"

#include <new>

#include "arch/x86_64/platform/message_interrupt.hpp"
#include "drivers/pci/config_access.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/device_memory/pass_through.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/lib/no_answer.hpp"

namespace hospes::arch {

// --- configuration space ---

u32 PciPlatform::read_config(pci::FunctionAddress function, u16 offset, unsigned bytes)
{
    return pci::read_config(function, offset, bytes);
}

void PciPlatform::write_config(pci::FunctionAddress function, u16 offset, unsigned bytes, u32 value)
{
    pci::write_config(function, offset, bytes, value);
}

Expected<> PciPlatform::answer_window(vpci::WindowPlace const& place)
{
    auto* const handler = new (std::nothrow) vpci::ConfigWindow{pci_, place}; // for ever, as the control domain
    if (!handler) return failure(Error::OutOfMemory);
    u64 const first = place.start.raw();
    auto const added = virtual_machine_.memory.add(first, first + place.bytes() - 1, *handler);
    if (!added) delete handler;
    return added;
}

Expected<> PciPlatform::add_window(vpci::WindowPlace const& place)
{
    for (auto const& known : pci::config_windows())
        if (known.segment == place.segment && known.start.raw() == place.start.raw() &&
            known.first_bus == place.first_bus && known.last_bus >= place.last_bus)
            return {};
    if (!dom0::is_device_memory(place.start, place.bytes())) return failure(Error::Invalid);
    auto const added = pci::add_config_window({.start = Hpa{place.start.raw()},
                                               .segment = place.segment,
                                               .first_bus = place.first_bus,
                                               .last_bus = place.last_bus});
    if (!added) return added;
    if (auto const trapped = dom0::keep_trapped(place.start, place.bytes()); !trapped) return trapped;
    return answer_window(place);
}

// --- interrupts ---

Expected<std::unique_ptr<vpci::MessageInterrupt>> PciPlatform::create_interrupt(pci::FunctionAddress function)
{
    return HostMessageInterrupt::create(sink_, function);
}

// --- device memory ---

PciPlatform::TrappedRun const* PciPlatform::run_at(Gpa where) const
{
    size_t const count = run_count_.load(std::memory_order_acquire);
    for (size_t i = 0; i < count; ++i)
        if (runs_[i].covers(where)) return &runs_[i];
    return nullptr;
}

/// Traps those of the pages that do not trap yet.
Expected<> PciPlatform::trap(Gpa where, u64 bytes)
{
    Gpa const end{round_up(where.raw() + bytes, page_size)};
    Gpa next{round_down(where.raw(), page_size)};
    while (next < end) {
        Gpa const start = next;
        while (next < end && !run_at(next)) next += page_size;
        if (next > start)
            if (auto const trapped = trap_run(start, next - start); !trapped) return trapped;
        while (next < end && run_at(next)) next += page_size;
    }
    return {};
}

/// The guest chooses the address, by a base address register: it must not be memory, nor a device we emulate.
Expected<> PciPlatform::trap_run(Gpa start, u64 bytes)
{
    if (run_count_.load(std::memory_order_relaxed) == max_runs) return failure(Error::NoSpace);
    if (!dom0::is_device_memory(start, bytes)) return failure(Error::Invalid);
    auto* const registers = static_cast<u8 volatile*>(map_device(Hpa{start.raw()}, bytes));
    if (!registers) return failure(Error::OutOfMemory);
    if (auto const trapped = dom0::keep_trapped(start, bytes); !trapped) return trapped;
    LockGuard const guard{runs_lock_};
    size_t const count = run_count_.load(std::memory_order_relaxed);
    if (count == max_runs) return failure(Error::NoSpace);
    runs_[count] = {.start = start, .bytes = bytes, .registers = registers};
    run_count_.store(count + 1, std::memory_order_release);
    return virtual_machine_.memory.add(start.raw(), start.raw() + bytes - 1, tables_);
}

u8 volatile* PciPlatform::device_register(Gpa where, unsigned bytes) const
{
    TrappedRun const* const run = run_at(where);
    return run && run->covers(where + (bytes - 1)) ? run->registers + (where - run->start) : nullptr;
}

u64 PciPlatform::read_device(Gpa where, unsigned bytes)
{
    u8 volatile* const place = device_register(where, bytes);
    if (!place) return no_answer<>;
    if (bytes == 1) return *place;
    if (bytes == 2) return *reinterpret_cast<u16 volatile*>(place);
    return bytes == 4 ? *reinterpret_cast<u32 volatile*>(place) : *reinterpret_cast<u64 volatile*>(place);
}

void PciPlatform::write_device(Gpa where, unsigned bytes, u64 value)
{
    u8 volatile* const place = device_register(where, bytes);
    if (!place) return;
    if (bytes == 1) *place = static_cast<u8>(value);
    if (bytes == 2) *reinterpret_cast<u16 volatile*>(place) = static_cast<u16>(value);
    if (bytes == 4) *reinterpret_cast<u32 volatile*>(place) = static_cast<u32>(value);
    if (bytes == 8) *reinterpret_cast<u64 volatile*>(place) = value;
}

}
