// SPDX-License-Identifier: MIT
/// Which I/O ports dom0 uses directly, and what answers at the others (abi.md 1.3).
#pragma once

#include <span>

#include "arch/x86_64/guest/virtual_machine.hpp"

namespace hospes::arch {

struct PortRange {
    u16 first = 0;
    u16 last = 0;
};

/// What every dom0 finds closed. A closed port that nobody answers at reads as ones.
inline constexpr auto closed_ports = std::to_array<PortRange>({
    {0x20, 0x21},   // interrupt controller 1: all masked, and to stay so
    {0x40, 0x43},   // interval timer
    {0x61, 0x61},   // its gate and output
    {0x70, 0x71},   // battery-backed clock: the index register is shared
    {0xa0, 0xa1},   // interrupt controller 2
    {0xe9, 0xe9},   // debug console
    {0xcf8, 0xcf8}, // PCI configuration address, a 4-byte register; the reset register at 0xcf9 stays open
    {0xcfc, 0xcff}, // PCI configuration data
});

/// The clock's registers: a guest's index is its own until it uses the data port.
class ClockPorts final : public ByteDevice {
public:
    static constexpr u16 index_port = 0x70;
    static constexpr u16 data_port = 0x71;

private:
    [[nodiscard]] u8 read_byte(Vcpu& vcpu, u64 port) override;
    void write_byte(Vcpu& vcpu, u64 port, u8 value) override;
    Spinlock<LockRank::Clock> lock_;
    u8 index_ = 0;
};

/// Port 0x61 of a machine whose timer has always just counted to its end: whoever waits for that goes on at once.
class SystemControlPort final : public Device {
public:
    static constexpr u16 port = 0x61;
    [[nodiscard]] u64 read(Vcpu& vcpu, u64 port, unsigned bytes) override;
    void write(Vcpu&, u64, unsigned, u64) override {}

private:
    std::atomic<u8> refresh_{0};
};

/// Opens all ports but closed_ports and `kept` (what this machine's Hospes keeps for itself).
void open_ports(VirtualMachine& virtual_machine, std::span<PortRange const> kept);

}
