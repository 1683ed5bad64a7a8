// SPDX-License-Identifier: MIT
/// The time record that a guest's user mode reads: whoever reads while it changes can see that.
#include <gtest/gtest.h>

#include "kernel/domain/para_clock.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

/// A reader takes a record that has the same even version before and after. (xen/include/public/xen.h,
/// vcpu_time_info)
TEST(TimeArea, EachRecordHasAVersionOfItsOwn)
{
    constexpr u64 request = 8 * page_size, area = 16 * page_size;
    fakes::start_machine();
    fakes::TestDomain const guest{41};
    auto const registers = [&](u64 where) {
        guest.put(request, where);
        return guest.call(xen::Hypercall::VcpuOp, static_cast<u64>(xen::VcpuCommand::RegisterVcpuTimeMemoryArea), 0,
                          request);
    };
    ASSERT_EQ(registers(area), 0);
    u32 const first = guest.get<xen::VcpuTimeInfo>(area).version;
    EXPECT_NE(first, 0U);
    EXPECT_EQ(first % 2, 0U);
    para_clock::publish(guest.vcpu());
    u32 const second = guest.get<xen::VcpuTimeInfo>(area).version;
    EXPECT_EQ(second, first + 2);
    // Taken away and registered again at the same place, where a reader may still be busy.
    ASSERT_EQ(registers(0), 0);
    ASSERT_EQ(registers(area), 0);
    u32 const third = guest.get<xen::VcpuTimeInfo>(area).version;
    EXPECT_GT(third, second);
    EXPECT_EQ(third % 2, 0U);
}

}
}
