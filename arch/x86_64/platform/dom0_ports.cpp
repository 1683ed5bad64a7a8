// SPDX-License-Identifier: MIT
/// The two port devices that dom0 shares with Hospes, and which ports dom0 drives itself.
#include "arch/x86_64/platform/dom0_ports.hpp"

#include "arch/x86_64/cpu/port_io.hpp"

namespace hospes::arch {

u8 ClockPorts::read_byte(Vcpu&, u64 port)
{
    LockGuard const guard{lock_};
    if (port == index_port) return index_;
    if (port != data_port) return 0xff;
    write_port8(index_port, index_);
    return read_port8(data_port);
}

void ClockPorts::write_byte(Vcpu&, u64 port, u8 value)
{
    constexpr u8 disable_nmi = 0x80; // the index port's top bit is not dom0's to set
    LockGuard const guard{lock_};
    if (port == index_port) index_ = static_cast<u8>(value & ~disable_nmi);
    if (port != data_port) return;
    write_port8(index_port, index_);
    write_port8(data_port, value);
}

u64 SystemControlPort::read(Vcpu&, u64, unsigned)
{
    constexpr u8 timer_2_output = 0x20;
    constexpr u8 refresh_toggle = 0x10;
    return timer_2_output | (refresh_.fetch_xor(refresh_toggle, std::memory_order_relaxed) & refresh_toggle);
}

void open_ports(VirtualMachine& virtual_machine, std::span<PortRange const> kept)
{
    constexpr u16 last_port = 0xffff;
    virtual_machine.allow_ports(0, last_port);
    for (PortRange const& range : closed_ports) virtual_machine.keep_ports(range.first, range.last);
    for (PortRange const& range : kept) virtual_machine.keep_ports(range.first, range.last);
}

}
