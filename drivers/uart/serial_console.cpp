// SPDX-License-Identifier: MIT
/// The serial ports as devices of the console.
#include "drivers/uart/serial_console.hpp"

#include "arch/x86_64/cpu/port_io.hpp"
#include "drivers/uart/ns16550.hpp"
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
    void write(std::span<char const> text) override { uart_.send(text); }

    [[nodiscard]] bool start(SerialPort const& port)
    {
        kept_ = {port.io_base, io_count, port.irq};
        uart_ = Ns16550{IoPorts{port.io_base}};
        present_ = uart_.start(port);
        return present_;
    }
    [[nodiscard]] bool is_present() const { return present_; }
    [[nodiscard]] KeptPort kept() const { return kept_; }
    void enable_receive_interrupt() { uart_.enable_receive_interrupt(); }
    void poll() { uart_.receive(console::receive); }

private:
    Ns16550<IoPorts> uart_{IoPorts{}};
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

}

void start(Options const& options)
{
    if (options.consoles.has(ConsoleChoice::Com1)) start_one(serial_devices[0], options.com1, "com1");
    if (options.consoles.has(ConsoleChoice::Com2)) start_one(serial_devices[1], options.com2, "com2");
}

std::optional<KeptPort> kept_port(size_t index)
{
    for (SerialDevice const& device : serial_devices)
        if (device.is_present() && index-- == 0) return device.kept();
    return std::nullopt;
}

void enable_receive_interrupts()
{
    for (SerialDevice& device : serial_devices)
        if (device.is_present()) device.enable_receive_interrupt();
}

void handle_interrupt(void*) { poll(); }

void poll()
{
    for (SerialDevice& device : serial_devices)
        if (device.is_present()) device.poll();
}

}
