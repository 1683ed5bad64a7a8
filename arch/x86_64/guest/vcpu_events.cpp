// SPDX-License-Identifier: MIT
/// What is delivered to a vCPU, in which order, and when.
///
///     an event whose delivery an exit cut short  ─┐ queued in the backend already
///     NMI                                         ├─▶ one of them per entry; for the next one that cannot be taken
///     direct upcall (callback vector)             │   yet, a window is requested
///     local APIC                                 ─┘   (unless the CPU delivers its interrupts: VcpuBackend::hand_over)
#include "arch/x86_64/guest/apic_delivery.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "kernel/counters/happening.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::arch {

void VirtualCpu::request_nmi()
{
    nmi_pending_.store(true);
    local_apic.ask_for_attention();
    vcpu.notice_event();
}

bool VirtualCpu::has_callback_vector() const
{
    return virtual_machine().callback_vector.load(std::memory_order_relaxed) != 0;
}

bool VirtualCpu::has_direct_upcall() const
{
    if (!has_callback_vector() || !vcpu.info()) return false;
    return std::atomic_ref{vcpu.info()->event_upcall_pending}.load(std::memory_order_acquire) != 0;
}

void VirtualCpu::inject(Event event)
{
    static constexpr std::array by_kind{Happening::InterruptInjected, Happening::NmiInjected,
                                        Happening::ExceptionInjected};
    count(by_kind[static_cast<size_t>(event.kind)]);
    backend->inject(event);
}

// Each queues its event, or asks for the moment when the guest can take it. True if it waits for no such moment.

bool VirtualCpu::inject_nmi()
{
    if (!nmi_pending_.load(std::memory_order_relaxed)) return true;
    if (!backend->can_take_nmi()) {
        backend->request_nmi_window();
        return false;
    }
    nmi_pending_.store(false);
    inject({.kind = Event::Kind::Nmi, .vector = exception::non_maskable_interrupt});
    return true;
}

bool VirtualCpu::inject_direct_upcall()
{
    if (!has_direct_upcall()) return true;
    u8 const vector = virtual_machine().callback_vector.load(std::memory_order_relaxed);
    if (!backend->can_take_interrupt()) {
        backend->request_interrupt_window(vector >> 4);
        return false;
    }
    inject({.kind = Event::Kind::Interrupt, .vector = vector});
    return true;
}

bool VirtualCpu::inject_apic_interrupt()
{
    auto const vector = local_apic.highest_deliverable();
    if (!vector) {
        auto const priority = local_apic.held_by_task_priority();
        if (priority) backend->request_interrupt_window(*priority); // opens when the guest lowers CR8
        return !priority;
    }
    if (!backend->can_take_interrupt()) {
        backend->request_interrupt_window(*vector >> 4);
        return false;
    }
    local_apic.begin_service(*vector); // what else is requested waits for its end
    inject({.kind = Event::Kind::Interrupt, .vector = *vector});
    return true;
}

void VirtualCpu::deliver_events()
{
    local_apic.settle();
    bool const apic_is_served = backend->hand_over(local_apic);
    bool const nothing_waits = inject_nmi() && inject_direct_upcall() && (apic_is_served || inject_apic_interrupt());
    // A direct upcall is level-triggered, and who raises it need not tell us: look each time.
    if (!nothing_waits || has_callback_vector()) local_apic.ask_for_attention();
}

bool VirtualCpu::has_deliverable_event() const
{
    return nmi_pending_.load() || has_start_request() || has_direct_upcall() || backend->queued_event().has_value() ||
           local_apic.has_deliverable();
}

void VirtualCpu::inject_exception(u8 vector, std::optional<u32> error_code)
{
    inject({.kind = Event::Kind::Exception,
            .vector = vector,
            .has_error_code = error_code.has_value(),
            .error_code = error_code.value_or(0)});
}

/// A direct upcall is raised again by the flag in vcpu_info, which is still set. An interrupt that came with a record
/// is the APIC's, in service or not.
void VirtualCpu::take_back_events()
{
    while (auto const event = backend->take_back_event()) {
        local_apic.ask_for_attention();
        if (event->kind == Event::Kind::Nmi)
            nmi_pending_.store(true);
        else if (event->vector != virtual_machine().callback_vector.load(std::memory_order_relaxed) &&
                 !local_apic.undo_service(event->vector))
            local_apic.accept(event->vector, false);
    }
}

/// An NMI that waits behind an exception has no place there.
std::optional<Event> VirtualCpu::undelivered_event() const
{
    if (auto const queued = backend->queued_event()) return queued;
    if (!nmi_pending_.load()) return std::nullopt;
    return Event{.kind = Event::Kind::Nmi, .vector = exception::non_maskable_interrupt};
}

// --- ApicSurroundings ---

u64 VirtualCpu::now() { return clock::now(); }

u64 VirtualCpu::time_of_guest_tsc(u64 tsc)
{
    u64 const host = tsc - tsc_offset();
    return host <= clock::base_tsc() ? 0 : clock::time_at(host);
}

void VirtualCpu::send(ApicMessage const& message, ApicShorthand shorthand)
{
    deliver_interrupt(vcpu.domain(), message, shorthand, &vcpu);
}

void VirtualCpu::end_of_interrupt(u8 vector)
{
    if (auto* const listener = virtual_machine().end_of_interrupt_listener.load(std::memory_order_acquire))
        listener->end_of_interrupt(vcpu, vector);
}

/// An upcall that found the APIC disabled was dropped, and it would not come again (abi.md 4.5 b).
void VirtualCpu::local_apic_enabled()
{
    u8 const vector = upcall_vector.load();
    if (vector == 0 || !vcpu.info()) return;
    if (std::atomic_ref{vcpu.info()->event_upcall_pending}.load(std::memory_order_acquire) != 0)
        local_apic.accept(vector, false);
}

// --- kernel/arch/virtual_cpu.hpp ---

void raise_upcall(Vcpu& vcpu)
{
    VirtualCpu& cpu = vcpu.virtual_cpu();
    u8 const vector = cpu.upcall_vector.load(std::memory_order_acquire);
    if (vector != 0) cpu.local_apic.accept(vector, false);
    vcpu.notice_event();
}

void set_upcall_vector(Vcpu& vcpu, u8 vector)
{
    VirtualCpu& cpu = vcpu.virtual_cpu();
    cpu.upcall_vector.store(vector, std::memory_order_release);
    if (vector != 0) cpu.local_apic.accept(vector, false);
}

void set_callback_vector(Domain& domain, u8 vector)
{
    domain.virtual_machine->callback_vector.store(vector);
    for (auto const& vcpu : domain.vcpus()) {
        vcpu->virtual_cpu().local_apic.ask_for_attention();
        vcpu->notice_event();
    }
}

bool has_deliverable_event(Vcpu const& vcpu) { return vcpu.virtual_cpu().has_deliverable_event(); }

void inject_nmi(Vcpu& vcpu) { vcpu.virtual_cpu().request_nmi(); }

}
