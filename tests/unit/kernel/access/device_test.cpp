// SPDX-License-Identifier: MIT
/// A wide access to a device of bytes is as many narrow ones, the lowest address first.
#include "kernel/access/device.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

struct Recorder final : ByteDevice {
    struct Access {
        u64 address;
        u8 value;
        bool operator==(Access const&) const = default;
    };
    std::vector<Access> reads, writes;

    u8 read_byte(Vcpu&, u64 address) override
    {
        reads.push_back({address, 0});
        return static_cast<u8>(address);
    }
    void write_byte(Vcpu&, u64 address, u8 value) override { writes.push_back({address, value}); }
};

TEST(ByteDevice, AWideAccessIsSeveral)
{
    fakes::start_machine();
    fakes::TestDomain domain{3};
    Vcpu& vcpu = *domain->vcpu(0);
    Recorder device;
    EXPECT_EQ(device.read(vcpu, 0x70, 4), 0x7372'7170u);
    EXPECT_EQ(device.reads, (std::vector<Recorder::Access>{{0x70, 0}, {0x71, 0}, {0x72, 0}, {0x73, 0}}));
    device.write(vcpu, 0x70, 2, 0xabcd);
    EXPECT_EQ(device.writes, (std::vector<Recorder::Access>{{0x70, 0xcd}, {0x71, 0xab}}));
}

}
}
