// SPDX-License-Identifier: MIT
/// Reserves a host vector for a device's message and passes each interrupt on as the message that the guest wrote.
#include "arch/x86_64/platform/message_interrupt.hpp"

#include <new>

#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "arch/x86_64/irq/irq.hpp"
#include "kernel/lib/bit_register.hpp"

namespace hospes::arch {

namespace {

/// (SDM volume 3, figure 11-24)
struct MessageAddress : Register<MessageAddress> {
    using Register::Register;
    using Logical = Field<MessageAddress, 2>;
    using Destination = Field<MessageAddress, 19, 12, u8>;
    using Window = Field<MessageAddress, 63, 20, u64>;
    static constexpr u64 local_apics = 0xfee;
};

/// (SDM volume 3, figure 11-25)
struct MessageData : Register<MessageData> {
    using Register::Register;
    using Vector = Field<MessageData, 7, 0, u8>;
    using Mode = Field<MessageData, 10, 8, ApicDeliveryMode>;
};

/// An ApicMessage in one word.
struct Target : Register<Target> {
    using Register::Register;
    using Destination = Field<Target, 7, 0, u8>;
    using Logical = Field<Target, 8>;
    using Vector = Field<Target, 23, 16, u8>;
    using Mode = Field<Target, 26, 24, ApicDeliveryMode>;
    using Exists = Field<Target, 31>;
};

Target pack(std::optional<ApicMessage> const& message)
{
    if (!message) return Target{};
    return Target{}
        .with<Target::Exists>(true)
        .with<Target::Destination>(static_cast<u8>(message->destination))
        .with<Target::Logical>(message->logical)
        .with<Target::Vector>(message->vector)
        .with<Target::Mode>(message->mode);
}

/// Spreads interrupts over the host's CPUs as the guest spreads them over its own.
unsigned host_cpu_for(std::optional<ApicMessage> const& message)
{
    if (!message || message->logical) return 0;
    return message->destination / apic_id_of_vcpu(1) % cpu_count();
}

}

std::optional<ApicMessage> decode_message(vpci::Message const& message)
{
    MessageAddress const address{message.address};
    MessageData const data{message.data};
    if (address.get<MessageAddress::Window>() != MessageAddress::local_apics) return std::nullopt;
    return ApicMessage{.destination = address.get<MessageAddress::Destination>(),
                       .logical = address.get<MessageAddress::Logical>(),
                       .mode = data.get<MessageData::Mode>(),
                       .vector = data.get<MessageData::Vector>(),
                       .level = false};
}

Expected<std::unique_ptr<vpci::MessageInterrupt>> HostMessageInterrupt::create(InterruptSink& sink,
                                                                               pci::FunctionAddress device)
{
    std::unique_ptr<HostMessageInterrupt> created{new (std::nothrow) HostMessageInterrupt{sink, device}};
    if (!created) return failure(Error::OutOfMemory);
    auto const vector = irq::allocate_vector(on_interrupt, created.get());
    if (!vector) return failure(vector.error());
    created->vector_ = *vector;
    if (auto const reachable = irq::device_message_for(device, *vector, 0); !reachable)
        return failure(reachable.error());
    return created;
}

HostMessageInterrupt::~HostMessageInterrupt()
{
    if (vector_ == 0) return;
    irq::free_vector(vector_);
}

Expected<vpci::Message> HostMessageInterrupt::aim(vpci::Message const& guest)
{
    auto const message = decode_message(guest);
    target_.store(pack(message).raw(), std::memory_order_release);
    auto host = irq::device_message_for(device_, vector_, host_cpu_for(message));
    if (!host) host = irq::device_message_for(device_, vector_, 0);
    if (!host) return failure(host.error());
    return vpci::Message{.address = host->address, .data = host->data};
}

void HostMessageInterrupt::on_interrupt(void* context)
{
    auto const& self = *static_cast<HostMessageInterrupt*>(context);
    Target const target{self.target_.load(std::memory_order_acquire)};
    if (!target.get<Target::Exists>()) return;
    self.sink_.deliver({.destination = target.get<Target::Destination>(),
                        .logical = target.get<Target::Logical>(),
                        .mode = target.get<Target::Mode>(),
                        .vector = target.get<Target::Vector>(),
                        .level = false});
}

}
