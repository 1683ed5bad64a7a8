// SPDX-License-Identifier: MIT
/// A domain's saved state: all its vCPUs' clocks are read at one moment, and must run as fast as this machine's.
#include "kernel/hypercall/domctl/saved_state.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/time/clock.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes::control {
namespace {

using xen::HvmSaveCode;

std::vector<u8> save(Domain const& domain)
{
    std::vector<u8> bytes(saved_state_size(domain, xen::releases.back()));
    bytes.resize(save_state(domain, xen::releases.back(), bytes));
    return bytes;
}

template <typename Record>
std::vector<Record> records_of(std::vector<u8> const& bytes, HvmSaveCode code)
{
    std::vector<Record> found;
    xen::HvmSaveDescriptor descriptor{};
    for (size_t at = 0; at < bytes.size(); at += sizeof descriptor + descriptor.length) {
        std::memcpy(&descriptor, &bytes[at], sizeof descriptor);
        if (descriptor.typecode != static_cast<u16>(code)) continue;
        std::memcpy(&found.emplace_back(), &bytes[at + sizeof descriptor], sizeof(Record));
    }
    return found;
}

TEST(SavedState, AllClocksAreReadAtOneMoment)
{
    fakes::TestDomain const guest{DomainId{61}, false, DomainConfiguration{.max_vcpus = 3}};
    auto const cpus = records_of<xen::HvmCpu>(save(*guest), HvmSaveCode::Cpu);
    ASSERT_EQ(cpus.size(), 3U);
    EXPECT_EQ(cpus[0].tsc, cpus[1].tsc);
    EXPECT_EQ(cpus[0].tsc, cpus[2].tsc);
}

TEST(SavedState, ADifferentFrequencyIsRefused)
{
    fakes::TestDomain const guest{DomainId{62}};
    auto bytes = save(*guest);
    constexpr size_t place = sizeof(xen::HvmSaveDescriptor) + offsetof(xen::HvmSaveHeader, guest_tsc_khz);
    auto const load_with = [&](u64 khz) {
        auto const value = static_cast<u32>(khz);
        std::memcpy(&bytes[place], &value, sizeof value);
        return load_state(*guest, bytes);
    };
    EXPECT_TRUE(load_with(clock::tsc_khz()));
    EXPECT_TRUE(load_with(0)) << "it says nothing";
    EXPECT_TRUE(load_with(clock::tsc_khz() + clock::tsc_khz() / 10'000)) << "measured 100 ppm off";
    EXPECT_EQ(load_with(clock::tsc_khz() / 2).error(), Error::NotSupported);
}

}
}
