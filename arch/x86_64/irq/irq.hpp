// SPDX-License-Identifier: MIT
/// Interrupts from devices: vectors, their handlers, and the global system interrupts (GSIs) of the I/O APICs.
///
///     device line ─► I/O APIC pin (GSI) ─► vector ─► handle_interrupt() ─► handler
///     device MSI ─────────────────────────► vector ─┘
///
/// Handlers run with interrupts disabled, in the window after a guest's exit or in the idle loop, so never while the
/// CPU holds a lock. The local APIC is told after the handler has returned.
#pragma once

#include "arch/x86_64/irq/topology.hpp"
#include "drivers/pci/device.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::irq {

using Handler = void (*)(void* context);

/// Masks the legacy controllers, enables this CPU's local APIC and all I/O APICs, every pin masked.
void initialize(InterruptTopology const& topology);
/// What initialize() was given.
[[nodiscard]] InterruptTopology const& topology();

/// A vector for one device interrupt, the same on all CPUs; NoSpace if none is left.
[[nodiscard]] Expected<u8> allocate_vector(Handler handler, void* context);
/// Gives the vector back. The source must have been silenced; when this returns, no CPU is in the handler any more.
/// Not to be called from the handler itself.
void free_vector(u8 vector);

/// Gives a GSI a vector and a handler. The pin starts masked, aimed at CPU 0. A level-triggered pin is masked again
/// each time it fires, before the handler is called; whoever has served the device calls unmask_gsi().
/// NoSuchDevice: no I/O APIC has this GSI. Busy: it is bound already. NoSpace: no vector is left. InputOutput: the
/// IOMMU does not answer.
[[nodiscard]] Expected<> bind_gsi(u32 gsi, TriggerMode trigger, Polarity polarity, Handler handler, void* context);
void unbind_gsi(u32 gsi);
/// Masks a bound GSI, and changes how it signals.
void set_gsi_signal(u32 gsi, TriggerMode trigger, Polarity polarity);
void mask_gsi(u32 gsi);
void unmask_gsi(u32 gsi);
/// Aims a bound GSI at another CPU. NotFound: it is not bound. OutOfRange: the CPU's APIC id is too large for this
/// machine's interrupts. InputOutput: the IOMMU does not answer.
[[nodiscard]] Expected<> set_gsi_destination(u32 gsi, unsigned cpu);

/// Pins of the I/O APIC that is number `index` in topology().io_apics; 0 if it does not answer.
[[nodiscard]] unsigned pin_count(size_t index);

/// What a device must write to raise `vector` on `cpu`, without interrupt remapping. (SDM volume 3, section 11.11)
struct MsiMessage {
    u64 address = 0;
    u32 data = 0;
    constexpr bool operator==(MsiMessage const&) const = default;
};
[[nodiscard]] constexpr MsiMessage msi_message(u8 vector, u8 apic_id)
{
    constexpr u64 base = 0xfee0'0000;
    constexpr unsigned destination_shift = 12;
    return {base | u64{apic_id} << destination_shift, vector};
}
/// The same for a CPU by its number.
[[nodiscard]] Expected<MsiMessage> msi_message_for(u8 vector, unsigned cpu);
/// What `device` must write: where interrupts are remapped, only it can raise this one. InputOutput, OutOfMemory.
[[nodiscard]] Expected<MsiMessage> device_message_for(pci::FunctionAddress device, u8 vector, unsigned cpu);

/// For the hypervisor's own vectors (vectors.hpp), while booting.
void set_own_handler(u8 vector, Handler handler);
/// Called by the trap entry.
void handle_interrupt(u8 vector);

/// Interrupts on vectors without a handler, since boot.
[[nodiscard]] u64 unclaimed_count();

}
