// SPDX-License-Identifier: MIT
/// The PC's serial port: 8250, 16450, 16550 and what behaves like them.
/// (National Semiconductor PC16550D data sheet, section 8.)
#pragma once

#include "kernel/lib/bit_register.hpp"
#include "kernel/options/options.hpp"

namespace hospes::uart {

/// Registers by offset from the base port. The first two are the divisor while LineControl::DivisorLatch is set.
enum class UartRegister : u8 {
    Data = 0,
    InterruptEnable = 1,
    FifoControl = 2, ///< when written
    LineControl = 3,
    ModemControl = 4,
    LineStatus = 5,
    Scratch = 7,
};

struct InterruptEnable : Register<InterruptEnable, u8> {
    using Register::Register;
    using DataReady = Field<InterruptEnable, 0>;
    using TransmitterEmpty = Field<InterruptEnable, 1>;
};
struct FifoControl : Register<FifoControl, u8> {
    using Register::Register;
    using Enable = Field<FifoControl, 0>;
    using ClearReceiver = Field<FifoControl, 1>;
    using ClearTransmitter = Field<FifoControl, 2>;
};
struct LineControl : Register<LineControl, u8> {
    using Register::Register;
    using DataBitsMinus5 = Field<LineControl, 1, 0, u8>;
    using TwoStopBits = Field<LineControl, 2>;
    using Parity = Field<LineControl, 5, 3, u8>;
    using DivisorLatch = Field<LineControl, 7>;
};
struct ModemControl : Register<ModemControl, u8> {
    using Register::Register;
    using TerminalReady = Field<ModemControl, 0>;
    using RequestToSend = Field<ModemControl, 1>;
    using InterruptGate = Field<ModemControl, 3>; ///< OUT2: lets interrupts out on a PC
};
struct LineStatus : Register<LineStatus, u8> {
    using Register::Register;
    using DataReady = Field<LineStatus, 0>;
    using TransmitterEmpty = Field<LineStatus, 5>;
};

inline constexpr u8 fifo_bytes = 16;

[[nodiscard]] constexpr u8 parity_bits(char letter)
{
    switch (letter) {
    case 'o': return 0b001;
    case 'e': return 0b011;
    case 'm': return 0b101;
    case 's': return 0b111;
    default: return 0;
    }
}

/// `Ports` reads and writes a register: u8 read(UartRegister), void write(UartRegister, u8).
template <typename Ports>
class Ns16550 {
public:
    explicit constexpr Ns16550(Ports ports) : ports_{ports} {}

    /// Sets the line up as `wanted` asks; false if there is no UART.
    [[nodiscard]] bool start(SerialPort const& wanted)
    {
        if (!is_present()) return false;
        LineControl const line = LineControl{}
                                     .with<LineControl::DataBitsMinus5>(static_cast<u8>(wanted.data_bits - 5))
                                     .with<LineControl::TwoStopBits>(wanted.stop_bits == 2)
                                     .with<LineControl::Parity>(parity_bits(wanted.parity));
        write(UartRegister::InterruptEnable, InterruptEnable{});
        if (wanted.baud != 0) set_divisor(line, divisor(wanted));
        write(UartRegister::LineControl, line);
        write(UartRegister::FifoControl, FifoControl{}
                                             .with<FifoControl::Enable>(true)
                                             .with<FifoControl::ClearReceiver>(true)
                                             .with<FifoControl::ClearTransmitter>(true));
        write(UartRegister::ModemControl,
              ModemControl{}.with<ModemControl::TerminalReady>(true).with<ModemControl::RequestToSend>(true));
        return true;
    }

    /// Sends a byte. One that a stuck line does not take in bounded time is lost.
    void send(u8 byte)
    {
        if (wait_for_room()) put(byte);
    }
    /// Sends a byte if the transmitter takes it now.
    [[nodiscard]] bool try_send(u8 byte)
    {
        if (!has_room()) return false;
        put(byte);
        return true;
    }

    /// Calls `take` with each character received.
    template <typename Taker>
    void receive(Taker take)
    {
        // A UART that is gone reads as all ones: never more than this at once.
        constexpr unsigned most_at_once = 256;
        for (unsigned i = 0; i < most_at_once && status().template get<LineStatus::DataReady>(); ++i)
            take(static_cast<char>(ports_.read(UartRegister::Data)));
    }

    void enable_receive_interrupt()
    {
        write(UartRegister::ModemControl, ModemControl{}
                                              .with<ModemControl::TerminalReady>(true)
                                              .with<ModemControl::RequestToSend>(true)
                                              .with<ModemControl::InterruptGate>(true));
        interrupts_ = interrupts_.with<InterruptEnable::DataReady>(true);
        write(UartRegister::InterruptEnable, interrupts_);
    }
    /// A transmitter that is empty already interrupts at once.
    void interrupt_when_empty(bool wanted)
    {
        if (interrupts_.get<InterruptEnable::TransmitterEmpty>() == wanted) return;
        interrupts_ = interrupts_.with<InterruptEnable::TransmitterEmpty>(wanted);
        write(UartRegister::InterruptEnable, interrupts_);
    }
    /// The line to the interrupt controller goes down and, if there is still a reason, up again: for a controller that
    /// looks at edges, and handlers that do not serve all there is.
    void repeat_interrupts()
    {
        write(UartRegister::InterruptEnable, InterruptEnable{});
        write(UartRegister::InterruptEnable, interrupts_);
    }

    /// For a baud rate of `wanted`, or the nearest the clock allows.
    [[nodiscard]] static constexpr u16 divisor(SerialPort const& wanted)
    {
        u64 const rate = u64{16} * wanted.baud;
        u64 const nearest = (wanted.clock_hz + rate / 2) / rate;
        return static_cast<u16>(nearest == 0 ? 1 : nearest > 0xffff ? 0xffff : nearest);
    }

private:
    template <typename Value>
    void write(UartRegister where, Value value)
    {
        ports_.write(where, value.raw());
    }
    [[nodiscard]] LineStatus status() { return LineStatus{ports_.read(UartRegister::LineStatus)}; }

    /// The scratch register keeps what is written; an empty bus does not.
    [[nodiscard]] bool is_present()
    {
        for (u8 const pattern : {u8{0x5a}, u8{0xa5}}) {
            ports_.write(UartRegister::Scratch, pattern);
            if (ports_.read(UartRegister::Scratch) != pattern) return false;
        }
        return true;
    }

    void set_divisor(LineControl line, u16 value)
    {
        write(UartRegister::LineControl, line.with<LineControl::DivisorLatch>(true));
        ports_.write(UartRegister::Data, static_cast<u8>(value));
        ports_.write(UartRegister::InterruptEnable, static_cast<u8>(value >> 8));
    }

    void put(u8 byte)
    {
        ports_.write(UartRegister::Data, byte);
        --room_;
    }

    [[nodiscard]] bool has_room()
    {
        if (room_ == 0 && status().template get<LineStatus::TransmitterEmpty>()) room_ = fifo_bytes;
        return room_ != 0;
    }

    /// A full FIFO at 9,600 baud takes 17 ms, some 20,000 reads of a port. After one wait in vain, only look once.
    [[nodiscard]] bool wait_for_room()
    {
        constexpr unsigned patience = 200'000;
        for (unsigned i = 0; i < (stuck_ ? 1 : patience); ++i)
            if (has_room()) {
                stuck_ = false;
                return true;
            }
        stuck_ = true;
        return false;
    }

    Ports ports_;
    InterruptEnable interrupts_{};
    u8 room_ = 0; ///< bytes that the FIFO surely takes
    bool stuck_ = false;
};

}
