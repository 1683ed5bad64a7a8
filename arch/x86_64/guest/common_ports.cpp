// SPDX-License-Identifier: MIT
/// An interval timer that has ended, a debug console, and the blocks that the toolstack's ACPI tables name.
#include "arch/x86_64/guest/common_ports.hpp"

#include <array>

#include "arch/x86_64/guest/virtual_cpu.hpp"

namespace hospes::arch {

namespace {

class Zeros final : public ByteDevice {
    u8 read_byte(Vcpu&, u64) override { return 0; }
    void write_byte(Vcpu&, u64, u8) override {}
};

class DebugConsole final : public ByteDevice {
    u8 read_byte(Vcpu&, u64) override { return 0; }
    void write_byte(Vcpu& vcpu, u64, u8 value) override
    {
        vcpu.virtual_cpu().debug_line.put(vcpu.domain().id(), static_cast<char>(value));
    }
};

constexpr u16 first_online_port = 0xaf00;

/// A bit for each vCPU that is online. Byte 0 holds vCPUs 0 to 7.
class OnlineVcpus final : public ByteDevice {
    u8 read_byte(Vcpu& vcpu, u64 port) override
    {
        u32 const first = static_cast<u32>(port - first_online_port) * 8;
        unsigned bits = 0;
        for (u32 i = 0; i < 8; ++i)
            if (Vcpu const* const asked = vcpu.domain().vcpu(first + i))
                bits |= unsigned{!asked->waits_for(WaitReason::Down)} << i;
        return static_cast<u8>(bits);
    }
    void write_byte(Vcpu&, u64, u8) override {}
};

constinit Zeros zeros;
constinit DebugConsole debug_console;
constinit OnlineVcpus online_vcpus;

struct Row {
    u16 first;
    u16 last;
    Device* device;
};
constexpr auto rows = std::to_array<Row>({
    {0x40, 0x43, &zeros}, // interval timer: a 0 ends Linux's calibration loop at once
    {0xe9, 0xe9, &debug_console},
    {first_online_port, first_online_port + 0x1f, &online_vcpus}, // CPU hot-plug bitmap of the toolstack's ACPI tables
    {0xafe0, 0xafe3, &zeros},                                     // its GPE block
    {0xb000, 0xb003, &zeros},                                     // its PM1 event block
});

}

Device* common_port_device(u16 port)
{
    for (Row const& row : rows)
        if (port >= row.first && port <= row.last) return row.device;
    return nullptr;
}

}
