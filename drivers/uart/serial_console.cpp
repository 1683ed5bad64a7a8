// SPDX-License-Identifier: MIT
/// The serial ports as devices of the console.
#include "drivers/uart/serial_console.hpp"

#include "arch/x86_64/cpu/port_io.hpp"
#include "drivers/uart/ns16550.hpp"
#include "drivers/uart/transmitter.hpp"
#include "kernel/lib/static_vector.hpp"
#include "kernel/log/console.hpp"

namespace hospes::uart {
namespace {

struct IoPorts {
    u16 base = 0;
    [[nodiscard]] u8 read(UartRegister where) const
    {
        return read_port8(static_cast<u16>(base + static_cast<u8>(where)));
    }
    void write(UartRegister where, u8 value) const
    {
        write_port8(static_cast<u16>(base + static_cast<u8>(where)), value);
    }
};

constexpr u16 io_count = 8;

class SerialDevice final : public console::Device {
public:
    void write(std::span<char const> text) override { transmitter_.write(text); }
    void continue_writing() override { transmitter_.continue_writing(); }
    void write_synchronously() override { transmitter_.write_synchronously(); }

    [[nodiscard]] bool start(SerialPort const& port)
    {
        kept_ = {port.io_base, io_count, port.irq};
        uart_ = Ns16550{IoPorts{port.io_base}};
        present_ = uart_.start(port);
        return present_;
    }
    [[nodiscard]] bool is_present() const { return present_; }
    [[nodiscard]] KeptPort kept() const { return kept_; }
    void enable_interrupts(bool queue_output)
    {
        uart_.enable_receive_interrupt();
        if (queue_output) transmitter_.write_queued();
    }
    void receive() { uart_.receive(console::receive); }

private:
    Ns16550<IoPorts> uart_{IoPorts{}};
    Transmitter<IoPorts> transmitter_{uart_};
    KeptPort kept_{};
    bool present_ = false;
};

constinit std::array<SerialDevice, 2> serial_devices;

void start_one(SerialDevice& device, SerialPort const& port, std::string_view name)
{
    if (device.start(port))
        console::attach(device);
    else
        log_warning("{}: no serial port at {:x}", name, port.io_base);
}

SerialDevice* present_device(size_t index)
{
    for (SerialDevice& device : serial_devices)
        if (device.is_present() && index-- == 0) return &device;
    return nullptr;
}

}

void start(Options const& options)
{
    if (options.consoles.has(ConsoleChoice::Com1)) start_one(serial_devices[0], options.com1, "com1");
    if (options.consoles.has(ConsoleChoice::Com2)) start_one(serial_devices[1], options.com2, "com2");
}

std::optional<KeptPort> kept_port(size_t index)
{
    SerialDevice const* const device = present_device(index);
    return device ? std::optional{device->kept()} : std::nullopt;
}

void enable_interrupts(size_t index, bool queue_output)
{
    if (SerialDevice* const device = present_device(index)) device->enable_interrupts(queue_output);
}

void handle_interrupt(void*)
{
    for (SerialDevice& device : serial_devices)
        if (device.is_present()) device.receive();
    console::continue_writing();
}

}
