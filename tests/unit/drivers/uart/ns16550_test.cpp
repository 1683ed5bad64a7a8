// SPDX-License-Identifier: MIT
#include "drivers/uart/ns16550.hpp"

#include <gtest/gtest.h>
#include <string>

#include "tests/fakes/fake_uart.hpp"

using namespace hospes;
using namespace hospes::uart;
using namespace hospes::fakes;

namespace {

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

TEST(Ns16550, SendsInFifoFulls)
{
    FakeUart hardware;
    Ns16550 uart{FakePorts{&hardware}};
    ASSERT_TRUE(uart.start(wanted));
    for (int i = 0; i < 100; ++i) uart.send('x');
    EXPECT_EQ(hardware.sent, std::string(100, 'x'));
    EXPECT_EQ(hardware.overruns, 0u);
    EXPECT_LT(hardware.status_reads, 10u);
}

TEST(Ns16550, AStuckLineCostsOneWaitOnly)
{
    FakeUart hardware;
    Ns16550 uart{FakePorts{&hardware}};
    ASSERT_TRUE(uart.start(wanted));
    hardware.stuck = true;
    uart.send('1');
    unsigned const reads = hardware.status_reads;
    for (u8 lost : {'2', '3', '4'}) uart.send(lost);
    EXPECT_LE(hardware.status_reads, reads + 3);
    hardware.stuck = false;
    uart.send('5');
    EXPECT_EQ(hardware.sent, "5");
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
