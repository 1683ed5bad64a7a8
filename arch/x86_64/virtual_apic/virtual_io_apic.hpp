// SPDX-License-Identifier: MIT
/// The control domain's view of one of the host's I/O APICs: same address, id, pins and GSIs.
/// (Intel 82093AA data sheet, section 3; the EOI register came with version 0x20.)
///
/// A pin that the guest unmasks is bound to the host's pin, with the trigger mode and polarity the guest chose:
///
///     device line ─► host pin ─► on_interrupt() ─► vCPU ─► end_of_interrupt() ─► host pin may fire again
///                    (level: masked when it fires)         (level only)
///
/// So the host's pin is the only memory of whether a level-triggered line is asserted: whenever the virtual pin could
/// fire, the host's is unmasked, and it fires if the line is still asserted.
#pragma once

#include <memory>

#include "arch/x86_64/irq/io_apic.hpp"
#include "arch/x86_64/virtual_apic/interrupt_sink.hpp"
#include "kernel/access/device.hpp"
#include "kernel/sync/spinlock.hpp"

namespace hospes::arch {

/// The host's pins, as irq.hpp has them. Tests supply their own.
class GsiLines {
public:
    using Handler = void (*)(void* context);
    /// As irq::bind_gsi(): masked at first.
    [[nodiscard]] virtual Expected<> bind(u32 gsi, TriggerMode trigger, Polarity polarity, Handler handler,
                                          void* context) = 0;
    /// Masks it, and changes how it signals.
    virtual void set_signal(u32 gsi, TriggerMode trigger, Polarity polarity) = 0;
    virtual void mask(u32 gsi) = 0;
    virtual void unmask(u32 gsi) = 0;

protected:
    ~GsiLines() = default;
};

class VirtualIoApic final : public Device {
public:
    /// The I/O APIC answers in this much of its page: several may lie in one, 1 KiB apart.
    static constexpr u64 register_bytes = 1 * kib;

    struct Place {
        u8 id = 0;
        Gpa address{};
        u32 gsi_base = 0;
        unsigned pins = 0;
    };
    /// OutOfMemory.
    [[nodiscard]] static Expected<std::unique_ptr<VirtualIoApic>> create(Place const& place, GsiLines& lines,
                                                                         InterruptSink& sink);

    [[nodiscard]] Place const& place() const { return place_; }

    // The guest's accesses.
    [[nodiscard]] u64 read(Vcpu& vcpu, u64 address, unsigned bytes) override;
    void write(Vcpu& vcpu, u64 address, unsigned bytes, u64 value) override;
    [[nodiscard]] u32 read_register(u64 offset);
    void write_register(u64 offset, u32 value);

    /// A vCPU is done with the level-triggered interrupt `vector`.
    void end_of_interrupt(u8 vector);

private:
    struct Pin {
        VirtualIoApic* owner = nullptr;
        u32 gsi = 0;
        RedirectionEntry entry = RedirectionEntry{}.with<RedirectionEntry::Masked>(true);
        bool has_fired = false; ///< edge-triggered, while it was masked
        enum class Binding : u8 { None, Bound, Refused } binding = Binding::None;
        TriggerMode host_trigger{}; ///< when bound
        Polarity host_polarity{};

        [[nodiscard]] bool is_level() const { return entry.get<RedirectionEntry::Trigger>() == TriggerMode::Level; }
        [[nodiscard]] bool is_masked() const { return entry.get<RedirectionEntry::Masked>(); }
        [[nodiscard]] bool waits_for_end() const { return entry.get<RedirectionEntry::RemoteIrr>(); }
    };

    VirtualIoApic(Place const& place, GsiLines& lines, InterruptSink& sink) : place_{place}, lines_{lines}, sink_{sink}
    {}
    static void on_interrupt(void* pin);
    void fire(Pin& pin);
    void deliver(Pin& pin);
    [[nodiscard]] u32 read_data() const;
    void write_data(u32 value);
    void write_entry(Pin& pin, RedirectionEntry wanted);
    void follow(Pin& pin);
    [[nodiscard]] bool bind(Pin& pin);

    Place const place_;
    GsiLines& lines_;
    InterruptSink& sink_;
    Spinlock<LockRank::VirtualInterrupts> lock_; ///< over all below
    u8 index_ = 0;
    u32 id_register_ = 0;
    std::unique_ptr<Pin[]> pins_;
};

}
