// SPDX-License-Identifier: MIT
/// The table of releases beside the C headers it is compiled with: `make check-abi` does so with several releases'
/// headers.

#include "kernel/abi/xen/versions.hpp"

#include <cstring>

#include <gtest/gtest.h>

#include "kernel/hypercall/domctl/layout.hpp"
#include "tests/unit/abi/table.hpp"
#include "tests/unit/abi/xen_headers.hpp"

namespace hospes::xen {
namespace {

/// The first of the rows whose numbers the headers have.
Release const* row_of_headers()
{
    for (Release const& row : releases)
        if (row.domctl_version == XEN_DOMCTL_INTERFACE_VERSION && row.sysctl_version == XEN_SYSCTL_INTERFACE_VERSION)
            return &row;
    return nullptr;
}

class Releases : public testing::Test {
protected:
    void SetUp() override { ASSERT_NE(release, nullptr) << "no row for the headers' interface versions"; }

    /// What the headers' toolstack would send, each member with a value of its own.
    static xen_domctl theirs()
    {
        xen_domctl call{};
        call.cmd = XEN_DOMCTL_createdomain;
        auto& create = call.u.createdomain;
        create.ssidref = 1;
        for (u8 i = 0; i < 16; ++i) create.handle[i] = i;
        create.flags = 2;
        create.iommu_opts = 3;
        create.max_vcpus = 4;
        create.max_evtchn_port = 5;
        create.max_grant_frames = -6;
        create.max_maptrack_frames = 7;
        create.grant_opts = 8;
        create.vmtrace_size = 9;
        create.cpupool_id = 10;
        create.arch.emulation_flags = 11;
        create.arch.misc_flags = 12;
        return call;
    }

    Release const* const release = row_of_headers();
};

TEST_F(Releases, TheHeadersCreateDomainIsOursOnceWidened)
{
    xen_domctl const original = theirs();
    Domctl call{};
    std::memcpy(&call, &original, sizeof call);
    control::widen(call, *release);
    DomctlCreateDomain const& create = call.u.create_domain;
    EXPECT_EQ(create.ssidref, 1u);
    EXPECT_EQ(create.handle[15], 15u);
    EXPECT_EQ(create.flags, 2u);
    EXPECT_EQ(create.iommu_options, 3u);
    EXPECT_EQ(create.max_vcpus, 4u);
    EXPECT_EQ(create.max_event_port, 5u);
    EXPECT_EQ(create.max_grant_frames, -6);
    EXPECT_EQ(create.max_maptrack_frames, 7);
    EXPECT_EQ(create.grant_options, 8u);
    EXPECT_EQ(create.altp2m, 0u);
    EXPECT_EQ(create.vmtrace_size, 9u);
    EXPECT_EQ(create.cpupool_id, 10u);
    EXPECT_EQ(create.arch.emulation_flags, 11u);
    EXPECT_EQ(create.arch.misc_flags, 12u);
    control::narrow(call, *release);
    EXPECT_EQ(std::memcmp(&call, &original, sizeof call), 0) << "and theirs again once narrowed";
}

TEST_F(Releases, WhatDiffersHasTheHeadersSize)
{
    size_t const ours = sizeof(DomctlCreateDomain) - sizeof(DomctlCreateDomain::altp2m);
    EXPECT_EQ(sizeof(xen_domctl_createdomain), ours + release->altp2m_bytes);
    EXPECT_EQ(sizeof(hvm_hw_lapic), release->local_apic_bytes);
    EXPECT_EQ(offsetof(hvm_hw_lapic, tdt_msr), offsetof(HvmLocalApic, tsc_deadline_msr))
        << "the end of the shorter form";
}

TEST_F(Releases, OnlyCreateDomainIsWidened)
{
    Domctl call{};
    for (u8& byte : call.u.raw) byte = static_cast<u8>(&byte - call.u.raw.data());
    Domctl const original = call;
    for (Release const& row : releases) {
        call.command = static_cast<u32>(DomctlCommand::MaxMem);
        control::widen(call, row);
        EXPECT_EQ(std::memcmp(&call.u, &original.u, sizeof call.u), 0) << "4." << row.minor;
    }
}

TEST_F(Releases, TheNamesThatHeadersLackAreThoseOfOtherReleases)
{
    bool const has_varbuf = value_there(XENVER_extraversion2).has_value();
    bool const has_domain_state = value_there(XEN_DOMCTL_get_domain_state).has_value();
    bool const has_levelling = value_there(XEN_SYSCTL_get_cpu_levelling_caps).has_value();
    EXPECT_FALSE(has_varbuf && release->domctl_version < 0x17) << "since 4.20";
    EXPECT_TRUE(has_varbuf || release->sysctl_version < 0x16);
    EXPECT_EQ(has_domain_state, release->sysctl_version >= 0x16) << "since 4.21";
    EXPECT_EQ(has_levelling, release->domctl_version < 0x18) << "until 4.21";
}

}
}
