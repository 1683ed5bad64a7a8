// SPDX-License-Identifier: MIT
/// Devices see a physmap's changes, and in the one order that is safe: out of the table, flushed, and only then free.
#include <gtest/gtest.h>

#include <map>

#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

/// Remembers what was unmapped since the last flush, as a device's cache would.
class FakeDevices final : public iommu::DmaSpace {
public:
    Expected<> map(Gfn where, Hfn frame, unsigned order, bool writable) override
    {
        if (refuses) return failure(Error::OutOfMemory);
        for (u64 i = 0; i < u64{1} << order; ++i) visible[(where + i).raw()] = {(frame + i).raw(), writable};
        return {};
    }
    Expected<> unmap(Gfn where, unsigned order) override
    {
        if (refuses) return failure(Error::OutOfMemory);
        for (u64 i = 0; i < u64{1} << order; ++i) {
            auto const found = visible.find((where + i).raw());
            if (found == visible.end()) continue;
            cached.insert(*found);
            visible.erase(found);
        }
        return {};
    }
    bool flush() override
    {
        ++flushes;
        // Whatever a device may still reach must still belong to somebody.
        for (auto const& [gfn, target] : cached) EXPECT_NE(frames::owner_of(Hfn{target.frame}), nullptr) << gfn;
        cached.clear();
        return answers;
    }

    struct Target {
        u64 frame;
        bool writable;
    };
    std::map<u64, Target> visible, cached;
    int flushes = 0;
    bool refuses = false, answers = true;
};

class DmaSpaceTest : public ::testing::Test {
protected:
    DmaSpaceTest() { EXPECT_TRUE(domain->physmap.attach(devices)); }

    static Domain& machine_first()
    {
        fakes::start_machine();
        // Never destroyed: at exit the list of domains and their memory may be gone already.
        static auto& keeper = *new fakes::TestDomain{7};
        return *keeper;
    }
    Domain& other = machine_first();
    FakeDevices devices;
    fakes::TestDomain domain{3};
    static constexpr Gfn hole{0x5000};
};

TEST_F(DmaSpaceTest, RamIsShownWhenAttached)
{
    EXPECT_EQ(devices.visible.size(), fakes::TestDomain::ram_frames);
    EXPECT_EQ(devices.visible.at(3).frame, domain->physmap.lookup(Gfn{3}).frame.raw());
}

TEST_F(DmaSpaceTest, FlushedBeforeReleased)
{
    Hfn const frame = domain->physmap.lookup(Gfn{3}).frame;
    {
        Retired retired{*domain};
        ASSERT_TRUE(domain->physmap.remove(Gfn{3}, 0, MappingType::Ram, retired));
        EXPECT_FALSE(devices.visible.contains(3));
        EXPECT_EQ(devices.flushes, 0);
        EXPECT_NE(frames::owner_of(frame), nullptr) << "not before the flush";
    }
    EXPECT_EQ(devices.flushes, 1);
    EXPECT_EQ(frames::owner_of(frame), nullptr);
}

TEST_F(DmaSpaceTest, KeptForEverIfAnIommuIsSilent)
{
    Hfn const frame = domain->physmap.lookup(Gfn{4}).frame;
    devices.answers = false;
    {
        Retired retired{*domain};
        ASSERT_TRUE(domain->physmap.remove(Gfn{4}, 0, MappingType::Ram, retired));
    }
    EXPECT_EQ(frames::owner_of(frame), &*domain);
    devices.answers = true;
    frames::drop_references(frame);
}

TEST_F(DmaSpaceTest, GrantsAsTheyMayBeUsed)
{
    for (auto const type : {MappingType::GrantReadOnly, MappingType::GrantWritable, MappingType::Foreign}) {
        auto reference = other.physmap.reference(Gfn{1}, false);
        ASSERT_TRUE(reference);
        ASSERT_TRUE(domain->physmap.add(hole, std::move(*reference), type));
        EXPECT_EQ(devices.visible.at(hole.raw()).writable, type != MappingType::GrantReadOnly);
        Retired retired{*domain};
        ASSERT_TRUE(domain->physmap.remove(hole, 0, type, retired));
        EXPECT_FALSE(devices.visible.contains(hole.raw()));
    }
}

TEST_F(DmaSpaceTest, SpecialPagesAndDevicesAreNotShown)
{
    auto reference = other.physmap.reference(Gfn{1}, false);
    ASSERT_TRUE(reference);
    ASSERT_TRUE(domain->physmap.add(hole, std::move(*reference), MappingType::Special));
    ASSERT_TRUE(domain->physmap.add_device(hole + 1, Hfn{0xfec00}, 1, MemoryType::Uncacheable));
    EXPECT_FALSE(devices.visible.contains(hole.raw()));
    EXPECT_FALSE(devices.visible.contains(hole.raw() + 1));
    Retired retired{*domain};
    ASSERT_TRUE(domain->physmap.remove(hole, 0, MappingType::Special, retired));
    ASSERT_TRUE(domain->physmap.remove(hole + 1, 0, MappingType::Device, retired));
    retired.finish();
    EXPECT_EQ(devices.flushes, 0) << "no device can have known them";
}

TEST_F(DmaSpaceTest, NothingHappensHalfway)
{
    devices.refuses = true;
    auto reference = other.physmap.reference(Gfn{1}, false);
    ASSERT_TRUE(reference);
    EXPECT_FALSE(domain->physmap.add(hole, std::move(*reference), MappingType::Foreign));
    EXPECT_EQ(domain->physmap.lookup(hole).type, MappingType::None);
    Retired retired{*domain};
    EXPECT_FALSE(domain->physmap.remove(Gfn{5}, 0, MappingType::Ram, retired));
    EXPECT_EQ(domain->physmap.lookup(Gfn{5}).type, MappingType::Ram);
    devices.refuses = false;
}

}
}
