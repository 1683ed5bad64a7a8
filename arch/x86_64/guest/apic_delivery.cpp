// SPDX-License-Identifier: MIT
/// Who an interrupt message is for, and what it does to each of them. (SDM vol. 3, 11.6.2)
#include "arch/x86_64/guest/apic_delivery.hpp"

#include "arch/x86_64/guest/virtual_cpu.hpp"

namespace hospes::arch {

namespace {

bool is_addressed(Vcpu& target, ApicMessage const& message, ApicShorthand shorthand, Vcpu const* sender)
{
    switch (shorthand) {
    case ApicShorthand::None:
        return target.virtual_cpu().local_apic.is_addressed_by(message.destination, message.logical);
    case ApicShorthand::Self: return &target == sender;
    case ApicShorthand::All: return true;
    case ApicShorthand::Others: return &target != sender;
    }
    return false;
}

void deliver_to(Vcpu& target, ApicMessage const& message)
{
    VirtualCpu& cpu = target.virtual_cpu();
    switch (message.mode) {
    case ApicDeliveryMode::Fixed:
    case ApicDeliveryMode::LowestPriority: cpu.local_apic.accept(message.vector, message.level); return;
    case ApicDeliveryMode::Nmi: return cpu.request_nmi();
    case ApicDeliveryMode::Init: return cpu.request_init();
    case ApicDeliveryMode::Startup: return cpu.request_startup(message.vector);
    case ApicDeliveryMode::Smi:
    case ApicDeliveryMode::External: return; // guests have neither
    }
}

/// Of those addressed, the one with the lowest processor priority takes it.
void deliver_to_one(Domain& domain, ApicMessage const& message, ApicShorthand shorthand, Vcpu const* sender)
{
    Vcpu* best = nullptr;
    for (auto const& vcpu : domain.vcpus()) {
        VirtualLocalApic const& apic = vcpu->virtual_cpu().local_apic;
        if (!apic.is_enabled() || !is_addressed(*vcpu, message, shorthand, sender)) continue;
        if (!best || apic.processor_priority() < best->virtual_cpu().local_apic.processor_priority()) best = vcpu.get();
    }
    if (best) deliver_to(*best, message);
}

/// The usual case needs no search: one CPU by its number.
Vcpu* single_target(Domain& domain, ApicMessage const& message, ApicShorthand shorthand)
{
    if (shorthand != ApicShorthand::None || message.logical || message.destination % 2 != 0) return nullptr;
    Vcpu* const vcpu = domain.vcpu(message.destination / 2);
    return vcpu && vcpu->virtual_cpu().local_apic.id() == message.destination ? vcpu : nullptr;
}

}

void deliver_interrupt(Domain& domain, ApicMessage const& message, ApicShorthand shorthand, Vcpu* sender)
{
    if (Vcpu* const target = single_target(domain, message, shorthand)) return deliver_to(*target, message);
    if (message.mode == ApicDeliveryMode::LowestPriority) return deliver_to_one(domain, message, shorthand, sender);
    for (auto const& vcpu : domain.vcpus())
        if (is_addressed(*vcpu, message, shorthand, sender)) deliver_to(*vcpu, message);
}

}
