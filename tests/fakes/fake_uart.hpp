// SPDX-License-Identifier: MIT
/// A serial port that sends at once, or, while it is stuck, never.
#pragma once

#include <array>
#include <string>

#include "drivers/uart/ns16550.hpp"

namespace hospes::fakes {

using uart::UartRegister;

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
    unsigned accesses = 0;
};

struct FakePorts {
    FakeUart* hardware;

    bool latch() const { return (hardware->registers[3] & 0x80) != 0; }
    u8 read(UartRegister where) const
    {
        ++hardware->accesses;
        if (!hardware->present) return 0xff;
        if (where == UartRegister::LineStatus) {
            ++hardware->status_reads;
            if (!hardware->stuck) hardware->in_fifo = 0;
            return static_cast<u8>((hardware->to_receive.empty() ? 0 : 1) | (hardware->stuck ? 0 : 0x60));
        }
        if (where == UartRegister::Data && !hardware->to_receive.empty()) {
            char const next = hardware->to_receive.front();
            hardware->to_receive.erase(0, 1);
            return static_cast<u8>(next);
        }
        return hardware->registers[static_cast<u8>(where)];
    }
    void write(UartRegister where, u8 value) const
    {
        ++hardware->accesses;
        if (!hardware->present) return;
        if (where == UartRegister::Data && latch()) {
            hardware->divisor = static_cast<u16>((hardware->divisor & 0xff00) | value);
        } else if (where == UartRegister::InterruptEnable && latch()) {
            hardware->divisor = static_cast<u16>((hardware->divisor & 0xff) | value << 8);
        } else if (where == UartRegister::Data) {
            hardware->sent.push_back(static_cast<char>(value));
            if (++hardware->in_fifo > uart::fifo_bytes) ++hardware->overruns;
        } else {
            hardware->registers[static_cast<u8>(where)] = value;
        }
    }
};

}
