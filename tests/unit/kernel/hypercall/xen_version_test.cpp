// SPDX-License-Identifier: MIT
/// Which build it is, through the real hypercall: fakes/host_services.cpp says revision 1a2b3c, build id 1, 2, 3.
#include "kernel/abi/xen/version.hpp"

#include <gtest/gtest.h>

#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

using fakes::as_result;
using fakes::TestDomain;
using xen::VersionCommand;

constexpr auto number = xen::Hypercall::XenVersion;

struct BuildIdAnswer {
    xen::BuildId room;
    std::array<u8, 12> bytes;
};

class XenVersion : public testing::Test {
protected:
    bool const started = (fakes::start_machine(), true);
    TestDomain dom0{0, true};
    TestDomain guest{1};
};

TEST_F(XenVersion, ChangesetIsTheRevision)
{
    xen::ChangesetInfo info{};
    EXPECT_EQ(guest.call_with(number, VersionCommand::Changeset, info), 0);
    EXPECT_STREQ(info.text.data(), "hospes 0.1 git:1a2b3c");
}

TEST_F(XenVersion, TheBuildIdIsForTheControlDomain)
{
    BuildIdAnswer answer{{12}, {}};
    EXPECT_EQ(guest.call_with(number, VersionCommand::BuildId, answer), as_result(Error::NotPermitted));
    EXPECT_EQ(dom0.call_with(number, VersionCommand::BuildId, answer), 3);
    EXPECT_EQ(answer.bytes, (std::array<u8, 12>{1, 2, 3}));
}

TEST_F(XenVersion, TheBuildIdNeedsRoom)
{
    EXPECT_EQ(dom0.call(number, static_cast<u64>(VersionCommand::BuildId), 0), 3) << "no buffer: its length alone";
    BuildIdAnswer answer{{2}, {}};
    EXPECT_EQ(dom0.call_with(number, VersionCommand::BuildId, answer), as_result(Error::NoBufferSpace));
    EXPECT_EQ(answer.bytes, (std::array<u8, 12>{}));
    answer.room.length = 0;
    EXPECT_EQ(dom0.call_with(number, VersionCommand::BuildId, answer), as_result(Error::Invalid));
}

}
}
