// SPDX-License-Identifier: MIT
#include "drivers/uart/ns16550.hpp"

#include <array>
#include <gtest/gtest.h>
#include <string>

using namespace hospes;
using namespace hospes::uart;

namespace {

/// A UART as far as the driver uses it.
struct FakeUart {
    bool present = true;
    bool stuck = false;
    std::array<u8, 8> registers{};
    u16 divisor = 0;
    std::string sent, to_receive;
    unsigned status_reads = 0;
    unsigned overruns = 0;
    unsigned in_fifo = 0;
};

struct FakePorts {
    FakeUart* uart;

    bool latch() const { return (uart->registers[3] & 0x80) != 0; }
    u8 read(UartRegister where) const
    {
        if (!uart->present) return 0xff;
        if (where == UartRegister::LineStatus) {
            ++uart->status_reads;
            if (!uart->stuck) uart->in_fifo = 0;
            return static_cast<u8>((uart->to_receive.empty() ? 0 : 1) | (uart->stuck ? 0 : 0x60));
        }
        if (where == UartRegister::Data && !uart->to_receive.empty()) {
            char const next = uart->to_receive.front();
            uart->to_receive.erase(0, 1);
            return static_cast<u8>(next);
        }
        return uart->registers[static_cast<u8>(where)];
    }
    void write(UartRegister where, u8 value) const
    {
        if (!uart->present) return;
        if (where == UartRegister::Data && latch()) {
            uart->divisor = static_cast<u16>((uart->divisor & 0xff00) | value);
        } else if (where == UartRegister::InterruptEnable && latch()) {
            uart->divisor = static_cast<u16>((uart->divisor & 0xff) | value << 8);
        } else if (where == UartRegister::Data) {
            uart->sent.push_back(static_cast<char>(value));
            if (++uart->in_fifo > fifo_bytes) ++uart->overruns;
        } else {
            uart->registers[static_cast<u8>(where)] = value;
        }
    }
};

constexpr SerialPort wanted{.baud = 9600, .data_bits = 7, .parity = 'e', .stop_bits = 2};

}

TEST(Ns16550, SetsTheLineUp)
{
    FakeUart hardware;
    Ns16550 uart{FakePorts{&hardware}};
    ASSERT_TRUE(uart.start(wanted));
    EXPECT_EQ(hardware.divisor, 12);
    EXPECT_EQ(hardware.registers[3], 0b0001'1110) << "7 bits, 2 stop bits, even parity, divisor latch off";
    EXPECT_EQ(hardware.registers[1], 0) << "no interrupts yet";
    uart.enable_receive_interrupt();
    EXPECT_EQ(hardware.registers[1], 1);
    EXPECT_EQ(hardware.registers[4], 0b1011);
}

TEST(Ns16550, LeavesTheFirmwaresRateAlone)
{
    FakeUart hardware;
    hardware.divisor = 77;
    ASSERT_TRUE(Ns16550{FakePorts{&hardware}}.start({.baud = 0}));
    EXPECT_EQ(hardware.divisor, 77);
}

TEST(Ns16550, KnowsAnEmptyBus)
{
    FakeUart hardware;
    hardware.present = false;
    EXPECT_FALSE(Ns16550{FakePorts{&hardware}}.start(wanted));
}

TEST(Ns16550, SendsInFifoFullsWithCarriageReturns)
{
    FakeUart hardware;
    Ns16550 uart{FakePorts{&hardware}};
    ASSERT_TRUE(uart.start(wanted));
    std::string const line(100, 'x');
    uart.send(std::string_view{line + "\n"});
    EXPECT_EQ(hardware.sent, line + "\r\n");
    EXPECT_EQ(hardware.overruns, 0u);
    EXPECT_LT(hardware.status_reads, 10u);
}

TEST(Ns16550, AStuckLineCostsOneWaitOnly)
{
    FakeUart hardware;
    Ns16550 uart{FakePorts{&hardware}};
    ASSERT_TRUE(uart.start(wanted));
    hardware.stuck = true;
    uart.send(std::string_view{"lost"});
    unsigned const reads = hardware.status_reads;
    uart.send(std::string_view{"lost too"});
    EXPECT_LE(hardware.status_reads, reads + 8);
    hardware.stuck = false;
    uart.send(std::string_view{"back"});
    EXPECT_EQ(hardware.sent, "back");
}

TEST(Ns16550, ReceivesAndGivesUpOnALineThatNeverEnds)
{
    FakeUart hardware;
    Ns16550 uart{FakePorts{&hardware}};
    ASSERT_TRUE(uart.start(wanted));
    hardware.to_receive = "typed";
    std::string got;
    uart.receive([&](char character) { got.push_back(character); });
    EXPECT_EQ(got, "typed");
    hardware.present = false;
    got.clear();
    uart.receive([&](char character) { got.push_back(character); });
    EXPECT_EQ(got.size(), 256u);
}

static_assert(Ns16550<FakePorts>::divisor({.baud = 115200}) == 1);
static_assert(Ns16550<FakePorts>::divisor({.baud = 1}) == 0xffff);
static_assert(Ns16550<FakePorts>::divisor({.baud = 4'000'000}) == 1);
