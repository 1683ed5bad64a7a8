// SPDX-License-Identifier: MIT
/// The table of interrupt handlers and the bindings of global system interrupts.
#include "arch/x86_64/irq/irq.hpp"

#include "arch/x86_64/cpu/per_cpu.hpp"
#include "arch/x86_64/cpu/port_io.hpp"
#include "arch/x86_64/irq/io_apic.hpp"
#include "arch/x86_64/irq/local_apic.hpp"
#include "arch/x86_64/irq/vector_allocator.hpp"
#include "drivers/iommu/interrupts.hpp"
#include "drivers/iommu/iommu.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/sync/guarded.hpp"

namespace hospes::irq {

namespace {

/// `handler` is published after `context` and read before it.
struct Slot {
    std::atomic<Handler> handler{nullptr};
    std::atomic<void*> context{nullptr};
};

struct GsiBinding {
    std::atomic<bool> bound{false};
    std::atomic<TriggerMode> trigger{};
    u8 vector = 0;
    unsigned cpu = 0;
    IoApic* io_apic = nullptr;
    unsigned pin = 0;
    Handler handler = nullptr;
    void* context = nullptr;
};

constexpr u32 max_gsis = 256;

InterruptTopology known_topology;
std::array<Slot, vector_count> slots;
std::array<IoApic, InterruptTopology::max_io_apics> io_apics;
std::array<GsiBinding, max_gsis> bindings;
Guarded<VectorAllocator, LockRank::InterruptRouting> device_vectors;
std::atomic<u64> unclaimed{0};

/// The two 8259s: moved off the exception vectors, for a spurious interrupt can come even from a masked one.
/// (Intel 8259A data sheet, "Initialization command words")
void silence_legacy_controllers()
{
    constexpr u16 command[] = {0x20, 0xa0};
    constexpr u16 data[] = {0x21, 0xa1};
    constexpr u8 start_with_4_words = 0x11;
    constexpr u8 cascade[] = {1 << 2, 2}; // the first has the second on line 2
    constexpr u8 mode_8086 = 0x01;
    constexpr u8 mask_all = 0xff;
    for (unsigned i = 0; i < 2; ++i) {
        write_port8(command[i], start_with_4_words);
        write_port8(data[i], static_cast<u8>(vectors::legacy_controllers + 8 * i));
        write_port8(data[i], cascade[i]);
        write_port8(data[i], mode_8086);
        write_port8(data[i], mask_all);
    }
}

void initialize_io_apics()
{
    for (size_t i = 0; i < known_topology.io_apics.size(); ++i) {
        auto const& record = known_topology.io_apics[i];
        if (io_apics[i].initialize(record))
            log_info("I/O APIC {} at {:x}: GSIs {} to {}", record.id, record.address, record.gsi_base,
                     record.gsi_base + io_apics[i].pin_count() - 1);
        else
            log_error("I/O APIC {} at {:x} does not answer; its interrupts are lost", record.id, record.address);
    }
}

IoApic* io_apic_of(u32 gsi)
{
    for (IoApic& io_apic : io_apics)
        if (io_apic.owns(gsi)) return &io_apic;
    return nullptr;
}

/// An I/O APIC and an MSI name their target by 8 bits unless an IOMMU remaps interrupts.
Expected<u8> short_apic_id(unsigned cpu)
{
    constexpr u32 broadcast = 0xff;
    if (cpu >= arch::cpu_count()) return failure(Error::Invalid);
    u32 const id = cpu_block(cpu).apic_id;
    if (id >= broadcast) return failure(Error::OutOfRange);
    return static_cast<u8>(id);
}

[[nodiscard]] u8 id_of(IoApic const& io_apic)
{
    return known_topology.io_apics[static_cast<size_t>(&io_apic - io_apics.data())].id;
}

[[nodiscard]] Expected<iommu::InterruptTarget> remapped_target(u8 vector, unsigned cpu, TriggerMode trigger)
{
    if (cpu >= arch::cpu_count()) return failure(Error::Invalid);
    return iommu::InterruptTarget{
        .vector = vector, .apic_id = cpu_block(cpu).apic_id, .level = trigger == TriggerMode::Level};
}

/// A masked entry for a pin. Where interrupts are remapped, it refers to the IOMMU's entry, which is written first.
Expected<RedirectionEntry> pin_entry(GsiBinding const& binding, TriggerMode trigger, Polarity polarity)
{
    if (!iommu::remaps_interrupts()) {
        auto const destination = short_apic_id(binding.cpu);
        if (!destination) return failure(destination.error());
        return RedirectionEntry::fixed(binding.vector, *destination, trigger, polarity);
    }
    auto const target = remapped_target(binding.vector, binding.cpu, trigger);
    if (!target) return failure(target.error());
    auto const reference = iommu::route_pin(id_of(*binding.io_apic), *target);
    if (!reference) return failure(reference.error());
    return RedirectionEntry{RedirectionEntry::fixed(binding.vector, 0, trigger, polarity).raw() | *reference};
}

/// Every GSI's vector comes here first.
void on_gsi(void* context)
{
    auto& binding = *static_cast<GsiBinding*>(context);
    if (binding.trigger == TriggerMode::Level) binding.io_apic->mask(binding.pin);
    binding.handler(binding.context);
}

GsiBinding* bound(u32 gsi)
{
    return gsi < max_gsis && bindings[gsi].bound.load(std::memory_order_acquire) ? &bindings[gsi] : nullptr;
}

void wait_until_handled(u8 vector)
{
    for (unsigned cpu = 0; cpu < arch::cpu_count(); ++cpu)
        while (cpu != arch::this_cpu() && cpu_block(cpu).handling_vector.load() == vector) arch::spin_hint();
}

}

void initialize(InterruptTopology const& topology_given)
{
    known_topology = topology_given;
    silence_legacy_controllers();
    local_apic::initialize(known_topology.local_apic);
    this_cpu_block().apic_id = local_apic::id();
    initialize_io_apics();
}

InterruptTopology const& topology() { return known_topology; }

Expected<u8> allocate_vector(Handler handler, void* context)
{
    Expected<u8> const vector = device_vectors.lock()->allocate();
    if (!vector) return vector;
    slots[*vector].context.store(context, std::memory_order_relaxed);
    slots[*vector].handler.store(handler, std::memory_order_release);
    return vector;
}

void free_vector(u8 vector)
{
    if (!VectorAllocator::is_device_vector(vector)) return;
    if (iommu::remaps_interrupts()) iommu::withdraw(vector);
    slots[vector].handler.store(nullptr);
    wait_until_handled(vector);
    device_vectors.lock()->release(vector);
}

Expected<> bind_gsi(u32 gsi, TriggerMode trigger, Polarity polarity, Handler handler, void* context)
{
    IoApic* const io_apic = gsi < max_gsis ? io_apic_of(gsi) : nullptr;
    if (!io_apic) return failure(Error::NoSuchDevice);
    GsiBinding& binding = bindings[gsi];
    if (binding.bound.exchange(true)) return failure(Error::Busy);

    binding.trigger = trigger;
    binding.cpu = 0;
    binding.io_apic = io_apic;
    binding.pin = gsi - io_apic->gsi_base();
    binding.handler = handler;
    binding.context = context;
    auto const vector = allocate_vector(on_gsi, &binding);
    if (!vector) {
        binding.bound.store(false);
        return failure(vector.error());
    }
    binding.vector = *vector;
    auto const entry = pin_entry(binding, trigger, polarity);
    if (!entry) {
        free_vector(*vector);
        binding.bound.store(false);
        return failure(entry.error());
    }
    io_apic->route(binding.pin, *entry);
    return {};
}

void unbind_gsi(u32 gsi)
{
    GsiBinding* const binding = bound(gsi);
    if (!binding) return;
    binding->io_apic->mask(binding->pin);
    free_vector(binding->vector);
    binding->bound.store(false, std::memory_order_release);
}

void set_gsi_signal(u32 gsi, TriggerMode trigger, Polarity polarity)
{
    GsiBinding* const binding = bound(gsi);
    if (!binding) return;
    binding->trigger = trigger;
    if (auto const entry = pin_entry(*binding, trigger, polarity)) binding->io_apic->route(binding->pin, *entry);
}

void mask_gsi(u32 gsi)
{
    if (GsiBinding* const binding = bound(gsi)) binding->io_apic->mask(binding->pin);
}

void unmask_gsi(u32 gsi)
{
    GsiBinding* const binding = bound(gsi);
    if (!binding) return;
    // An IOMMU may pass a level-triggered interrupt on as an edge: then no local APIC tells the pin that it was served.
    if (binding->trigger == TriggerMode::Level && iommu::remaps_interrupts())
        binding->io_apic->end_of_interrupt(binding->pin);
    binding->io_apic->unmask(binding->pin);
}

Expected<> set_gsi_destination(u32 gsi, unsigned cpu)
{
    GsiBinding* const binding = bound(gsi);
    if (!binding) return failure(Error::NotFound);
    if (binding->cpu == cpu) return {};
    if (iommu::remaps_interrupts()) {
        auto const target = remapped_target(binding->vector, cpu, binding->trigger);
        if (!target) return failure(target.error());
        auto const routed = iommu::route_pin(id_of(*binding->io_apic), *target);
        if (!routed) return failure(routed.error());
    } else {
        auto const destination = short_apic_id(cpu);
        if (!destination) return failure(destination.error());
        binding->io_apic->set_destination(binding->pin, *destination);
    }
    binding->cpu = cpu;
    return {};
}

unsigned pin_count(size_t index) { return io_apics[index].pin_count(); }

Expected<MsiMessage> msi_message_for(u8 vector, unsigned cpu)
{
    auto const destination = short_apic_id(cpu);
    if (!destination) return failure(destination.error());
    return msi_message(vector, *destination);
}

Expected<MsiMessage> device_message_for(pci::FunctionAddress device, u8 vector, unsigned cpu)
{
    if (!iommu::remaps_interrupts()) return msi_message_for(vector, cpu);
    auto const target = remapped_target(vector, cpu, TriggerMode::Edge);
    if (!target) return failure(target.error());
    auto const message = iommu::route_message(device, *target);
    if (!message) return failure(message.error());
    return MsiMessage{.address = message->address, .data = message->data};
}

void set_own_handler(u8 vector, Handler handler) { slots[vector].handler.store(handler, std::memory_order_release); }

void handle_interrupt(u8 vector)
{
    if (vector == vectors::spurious) return;
    CpuBlock& cpu = this_cpu_block();
    // Announced before the handler is looked up: free_vector() clears the handler, then looks at this.
    cpu.handling_vector.store(vector);
    if (Handler const handler = slots[vector].handler.load())
        handler(slots[vector].context.load(std::memory_order_relaxed));
    else
        unclaimed.fetch_add(1, std::memory_order_relaxed);
    cpu.handling_vector.store(CpuBlock::no_vector, std::memory_order_release);
    local_apic::end_of_interrupt();
}

u64 unclaimed_count() { return unclaimed.load(std::memory_order_relaxed); }

}
