// SPDX-License-Identifier: MIT
#include "drivers/uart/transmitter.hpp"

#include <gtest/gtest.h>

#include "tests/fakes/fake_uart.hpp"

using namespace hospes;
using namespace hospes::uart;
using namespace hospes::fakes;

namespace {

class TransmitterTest : public ::testing::Test {
protected:
    using Line = Transmitter<FakePorts>;

    TransmitterTest() { EXPECT_TRUE(uart_.start({.baud = 115200})); }

    [[nodiscard]] bool asks_for_interrupt() const { return (hardware.registers[1] & 2) != 0; }
    /// Lets the UART interrupt for as long as the driver asks for it.
    void drain()
    {
        hardware.stuck = false;
        while (asks_for_interrupt()) line.continue_writing();
    }
    void write(std::string_view text) { line.write(text); }

    FakeUart hardware;

private:
    Ns16550<FakePorts> uart_{FakePorts{&hardware}};

protected:
    Line line{uart_};
};

std::string numbered_lines(int count)
{
    std::string text;
    for (int i = 0; i < count; ++i) text += "line " + std::to_string(i) + "\r\n";
    return text;
}

TEST_F(TransmitterTest, ALineThatKeepsUpHasNothingWaiting)
{
    line.write_queued();
    for (int i = 0; i < 1000; ++i) write("line " + std::to_string(i) + "\n");
    EXPECT_EQ(hardware.sent, numbered_lines(1000));
    EXPECT_EQ(hardware.overruns, 0u);
    EXPECT_FALSE(asks_for_interrupt());
}

TEST_F(TransmitterTest, NobodyWaitsForAStuckLine)
{
    line.write_queued();
    hardware.stuck = true;
    for (int i = 0; i < 10'000; ++i) {
        unsigned const before = hardware.accesses;
        write("line " + std::to_string(i) + "\n");
        ASSERT_LE(hardware.accesses - before, 4u);
    }
    EXPECT_TRUE(asks_for_interrupt()) << "when it is empty";
    unsigned const before = hardware.accesses;
    line.continue_writing(); // for another reason
    EXPECT_LE(hardware.accesses - before, 4u);
}

TEST_F(TransmitterTest, WhatWaitsIsSentInOrderByInterrupts)
{
    line.write_queued();
    hardware.stuck = true;
    for (int i = 0; i < 1000; ++i) {
        write("line ");
        write(std::to_string(i) + "\n");
    }
    EXPECT_EQ(hardware.sent, "");
    hardware.stuck = false;
    unsigned const before = hardware.accesses;
    line.continue_writing();
    EXPECT_LE(hardware.accesses - before, 2 * Line::most_at_once) << "in one interrupt";
    drain();
    EXPECT_EQ(hardware.sent, numbered_lines(1000));
}

TEST_F(TransmitterTest, WholeLinesAreLostAndCounted)
{
    line.write_queued();
    hardware.stuck = true;
    std::string const text = "one of many lines, all of them alike\n";
    size_t const fit = (Line::capacity - 1) / (text.size() + 1);
    for (size_t i = 0; i < fit + 10; ++i) write(text);
    drain();
    EXPECT_EQ(hardware.sent.size(), fit * (text.size() + 1)) << "nothing of the others";
    write("the first ");
    write("that has room\n");
    EXPECT_TRUE(hardware.sent.ends_with("alike\r\n[" + std::to_string(10 * text.size()) +
                                        " characters lost]\r\nthe first that has room\r\n"));
}

TEST_F(TransmitterTest, ALossEndsWhereALineBegins)
{
    line.write_queued();
    hardware.stuck = true;
    write(std::string(Line::capacity - 8, 'x')); // a line without an end
    write("0123456789");
    drain();
    write("lost, too\nhere again\n");
    EXPECT_TRUE(hardware.sent.ends_with("xxx\r\n[20 characters lost]\r\nhere again\r\n"));
}

TEST_F(TransmitterTest, OneGapUntilHalfIsFree)
{
    line.write_queued();
    hardware.stuck = true;
    for (size_t i = 0; i < Line::capacity / 4; ++i) write("abc\n"); // five bytes each
    hardware.stuck = false;
    line.continue_writing();
    hardware.stuck = true;
    hardware.sent.clear();
    write("still lost\n");
    drain();
    EXPECT_EQ(hardware.sent.find("still"), std::string::npos);
}

TEST_F(TransmitterTest, APanicIsShownAtOnceBehindWhatWaits)
{
    line.write_queued();
    hardware.stuck = true;
    write("before\n");
    hardware.stuck = false;
    line.write_synchronously();
    write("PANIC\n");
    EXPECT_EQ(hardware.sent, "before\r\nPANIC\r\n");
    EXPECT_FALSE(asks_for_interrupt());
}

TEST_F(TransmitterTest, WhileBootingAWriteReturnsWhenAllIsSent)
{
    write("Hospes\n");
    EXPECT_EQ(hardware.sent, "Hospes\r\n");
    hardware.stuck = true;
    write("does not hang\n");
    hardware.stuck = false;
    write("goes on\n");
    EXPECT_TRUE(hardware.sent.ends_with("goes on\r\n"));
}

}
