// SPDX-License-Identifier: MIT
/// Builds dom0's devices and registers each for its ports and addresses.
#include "arch/x86_64/platform/dom0_devices.hpp"

#include <new>

#include "arch/x86_64/guest/apic_delivery.hpp"
#include "arch/x86_64/irq/irq.hpp"
#include "arch/x86_64/platform/pci_platform.hpp"
#include "arch/x86_64/virtual_apic/virtual_io_apic.hpp"
#include "drivers/pci/config_access.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/vpci/config_ports.hpp"

namespace hospes::arch {

namespace {

class HostLines final : public GsiLines {
public:
    Expected<> bind(u32 gsi, TriggerMode trigger, Polarity polarity, Handler handler, void* context) override
    {
        return irq::bind_gsi(gsi, trigger, polarity, handler, context);
    }
    void set_signal(u32 gsi, TriggerMode trigger, Polarity polarity) override
    {
        irq::set_gsi_signal(gsi, trigger, polarity);
    }
    void mask(u32 gsi) override { irq::mask_gsi(gsi); }
    void unmask(u32 gsi) override { irq::unmask_gsi(gsi); }
};

/// Lives for ever, as the control domain does.
class Dom0Devices final : public InterruptSink, public EndOfInterruptListener {
public:
    explicit Dom0Devices(Domain& domain) : domain_{domain} {}
    [[nodiscard]] Expected<> initialize(Dom0DeviceOptions const& options);

    void deliver(ApicMessage const& message) override { deliver_interrupt(domain_, message); }
    void end_of_interrupt(Vcpu&, u8 vector) override
    {
        for (auto& io_apic : io_apics_)
            if (io_apic) io_apic->end_of_interrupt(vector);
    }

private:
    [[nodiscard]] VirtualMachine& virtual_machine() { return *domain_.virtual_machine; }
    [[nodiscard]] Expected<> add_io_apics();
    [[nodiscard]] Expected<> add_ports();
    [[nodiscard]] Expected<> add_pci(std::span<pci::FunctionAddress const> hidden);

    Domain& domain_;
    HostLines lines_;
    std::array<std::unique_ptr<VirtualIoApic>, InterruptTopology::max_io_apics> io_apics_;
    ClockPorts clock_;
    SystemControlPort system_control_;
    PciPlatform platform_{virtual_machine(), *this};
    vpci::ConfigPorts config_ports_{platform_.pci()};
};

Expected<> Dom0Devices::initialize(Dom0DeviceOptions const& options)
{
    auto result = add_io_apics();
    if (result) result = add_ports();
    if (result) result = add_pci(options.hidden);
    if (!result) return result;
    open_ports(virtual_machine(), options.kept_ports);
    virtual_machine().end_of_interrupt_listener.store(this, std::memory_order_release);
    vpci::set_control_domain_pci(&platform_.pci());
    return {};
}

Expected<> Dom0Devices::add_io_apics()
{
    auto const& records = irq::topology().io_apics;
    for (size_t i = 0; i < records.size(); ++i) {
        unsigned const pins = irq::pin_count(i);
        if (pins == 0) continue; // it does not answer
        Gpa const address{records[i].address.raw()};
        auto created = VirtualIoApic::create(
            {.id = records[i].id, .address = address, .gsi_base = records[i].gsi_base, .pins = pins}, lines_, *this);
        if (!created) return failure(created.error());
        io_apics_[i] = std::move(*created);
        u64 const last = address.raw() + VirtualIoApic::register_bytes - 1;
        if (auto const added = virtual_machine().memory.add(address.raw(), last, *io_apics_[i]); !added) return added;
    }
    return {};
}

Expected<> Dom0Devices::add_ports()
{
    auto& ports = virtual_machine().ports;
    auto result = ports.add(ClockPorts::index_port, ClockPorts::data_port, clock_);
    if (result) result = ports.add(SystemControlPort::port, SystemControlPort::port, system_control_);
    if (result) result = ports.add(vpci::ConfigPorts::address_port, vpci::ConfigPorts::address_port, config_ports_);
    if (result) result = ports.add(vpci::ConfigPorts::data_port, vpci::ConfigPorts::last_data_port, config_ports_);
    return result;
}

Expected<> Dom0Devices::add_pci(std::span<pci::FunctionAddress const> hidden)
{
    for (pci::FunctionAddress const& function : hidden)
        if (auto const result = platform_.pci().hide(function); !result) return result;
    for (auto const& window : pci::config_windows()) {
        auto const added = platform_.answer_window({.start = Gpa{window.start.raw()},
                                                    .segment = window.segment,
                                                    .first_bus = window.first_bus,
                                                    .last_bus = window.last_bus});
        if (!added) return added;
    }
    return {};
}

}

Expected<> give_devices(Domain& domain, Dom0DeviceOptions const& options)
{
    auto* const devices = new (std::nothrow) Dom0Devices{domain};
    return devices ? devices->initialize(options) : Expected<>{failure(Error::OutOfMemory)};
}

}
