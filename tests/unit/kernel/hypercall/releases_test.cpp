// SPDX-License-Identifier: MIT
/// One hypervisor, toolstacks of all releases: each call is answered as the release wants that its interface version
/// names.
#include <gtest/gtest.h>

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/version.hpp"
#include "kernel/abi/xen/versions.hpp"
#include "kernel/domain/state_changes.hpp"
#include "kernel/hypercall/domctl/layout.hpp"
#include "kernel/options/command_line.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/quiet_log.hpp"

namespace hospes {
namespace {

using fakes::as_result;
using fakes::TestDomain;
using xen::DomctlCommand;

constexpr u64 call_at = 0;
constexpr u64 buffer_at = page_size;

xen::Domctl request(DomctlCommand command, DomainId domain)
{
    xen::Domctl call{};
    call.command = static_cast<u32>(command);
    call.domain = domain;
    return call;
}

class ToolstackReleases : public testing::Test {
protected:
    ~ToolstackReleases() override { adopt_options({}); }

    /// As a toolstack with this interface version makes it: nothing is widened or narrowed here.
    s64 raw(u32 version, xen::Domctl& call) const
    {
        call.interface_version = version;
        control_.put(call_at, call);
        s64 const result = control_.call(xen::Hypercall::Domctl, call_at, 0);
        call = control_.get<xen::Domctl>(call_at);
        return result;
    }
    s64 destroy(DomainId id) const
    {
        xen::Domctl call = request(DomctlCommand::DestroyDomain, id);
        return raw(xen::releases.back().domctl_version, call);
    }

    TestDomain const control_{0, true};
};

TEST_F(ToolstackReleases, EachOfThemIsHeardAndNoOther)
{
    for (xen::Release const& release : xen::releases) {
        xen::Domctl call = request(DomctlCommand::GetDomainInfo, 0);
        EXPECT_EQ(raw(release.domctl_version, call), 0) << "4." << release.minor;
        EXPECT_EQ(call.u.get_domain_info.max_vcpu_id, 0u);
    }
    for (u32 const version : {0u, 0x14u, 0x19u, ~0u}) {
        xen::Domctl call = request(DomctlCommand::GetDomainInfo, 0);
        EXPECT_EQ(raw(version, call), as_result(Error::AccessDenied)) << version;
        xen::Domctl unknown = request(DomctlCommand{4711}, 0);
        EXPECT_EQ(raw(version, unknown), as_result(Error::AccessDenied)) << version;
    }
    for (u32 const version : {0x15u, 0x16u}) EXPECT_TRUE(xen::is_known_sysctl(version));
    for (u32 const version : {0u, 0x14u, 0x17u}) EXPECT_FALSE(xen::is_known_sysctl(version));
}

/// A toolstack since 4.18 does not compare: it would take the next domain's state for that of one which is gone.
TEST_F(ToolstackReleases, DomainInfoIsExactSince418)
{
    constexpr DomainId last = 32'000; // behind what other tests leave
    TestDomain const guest{last};
    for (xen::Release const& release : xen::releases) {
        xen::Domctl call = request(DomctlCommand::GetDomainInfo, last - 1);
        if (release.minor < 18) {
            EXPECT_EQ(raw(release.domctl_version, call), 0);
            EXPECT_EQ(call.domain, last);
            EXPECT_EQ(call.u.get_domain_info.domain, last);
        } else {
            EXPECT_EQ(raw(release.domctl_version, call), as_result(Error::NoSuchDomain)) << "4." << release.minor;
        }
        call = request(DomctlCommand::GetDomainInfo, last + 1);
        EXPECT_EQ(raw(release.domctl_version, call), as_result(Error::NoSuchDomain)) << "none behind it";
    }
}

xen::Domctl create_request()
{
    xen::Domctl call = request(DomctlCommand::CreateDomain, xen::domid_invalid);
    auto& wanted = call.u.create_domain;
    wanted.flags = xen::create_flag::hvm | xen::create_flag::hap;
    wanted.handle[3] = 0x42;
    wanted.max_vcpus = 2;
    wanted.max_event_port = 1023;
    wanted.max_grant_frames = wanted.max_maptrack_frames = -1;
    wanted.grant_options = 1;
    wanted.arch.emulation_flags = xen::emulation_flag::local_apic;
    return call;
}

TEST_F(ToolstackReleases, CreateDomainGrewInTheMiddleIn419)
{
    for (xen::Release const& release : xen::releases) {
        xen::Domctl call = create_request();
        if (release.minor < 19) { // arch lies where the others have cpupool_id
            std::memmove(&call.u.raw[48], &call.u.raw[52], 16);
            std::memset(&call.u.raw[64], 0, 4);
        }
        auto const sent = call.u.raw;
        ASSERT_EQ(raw(release.domctl_version, call), 0) << "4." << release.minor;
        EXPECT_EQ(call.u.raw, sent) << "comes back as the caller has it";
        auto const made = domains::find(call.domain);
        ASSERT_TRUE(made);
        EXPECT_EQ((*made)->configuration().max_vcpus, 2u);
        EXPECT_EQ((*made)->configuration().emulation_flags, xen::emulation_flag::local_apic);
        EXPECT_EQ((*made)->configuration().handle[3], 0x42);
        EXPECT_EQ(destroy(call.domain), 0);
    }
}

/// Each form sent under the other's number is nonsense, and noticed.
TEST_F(ToolstackReleases, AFormUnderTheWrongNumberIsRefused)
{
    xen::Domctl newer = create_request();
    EXPECT_EQ(raw(0x15, newer), as_result(Error::NotSupported)) << "no local APIC there";
    xen::Domctl older = create_request();
    control::narrow(older, xen::releases.front());
    EXPECT_EQ(raw(0x17, older), as_result(Error::NotSupported));
}

TEST_F(ToolstackReleases, AlternateViewsAreNotSupported)
{
    for (u32 const altp2m : {1u, 10u << 16 | 2u}) {
        xen::Domctl call = create_request();
        call.u.create_domain.altp2m = altp2m;
        EXPECT_EQ(raw(0x17, call), as_result(Error::NotSupported));
    }
}

/// libxl 4.20 tries the first with each domain and goes on after no other error; the second is for passthrough.
TEST_F(ToolstackReleases, WhatIsRefusedIsRefusedInTheirWords)
{
    TestDomain const guest{5};
    xen::Domctl colours = request(DomctlCommand::SetLlcColors, 5);
    EXPECT_EQ(raw(0x17, colours), as_result(Error::NotSupported));
    xen::Domctl interrupt = request(DomctlCommand::GsiPermission, 5);
    EXPECT_EQ(raw(0x17, interrupt), as_result(Error::NotImplemented));
}

/// Nothing here makes a guest's TSC differ from the machine's.
TEST_F(ToolstackReleases, AnEmulatedTscIsRefused)
{
    TestDomain const guest{5};
    for (u32 const mode : {0u, 1u, 2u, 3u}) {
        xen::Domctl call = request(DomctlCommand::SetTscInfo, 5);
        call.u.tsc_info.tsc_mode = mode;
        fakes::LogListener const log;
        bool const offered = mode == 0 || mode == 2;
        EXPECT_EQ(raw(0x17, call), offered ? 0 : as_result(Error::NotSupported)) << mode;
        EXPECT_EQ(log.text.contains("domain 5: tsc_mode"), !offered) << mode;
    }
}

// --- the local APIC's record (xen/include/public/arch-x86/hvm/save.h) ---

struct RecordAt {
    size_t position;
    u32 length;
};

std::optional<RecordAt> find_record(std::span<u8 const> state, xen::HvmSaveCode code)
{
    for (size_t at = 0; at + sizeof(xen::HvmSaveDescriptor) <= state.size();) {
        xen::HvmSaveDescriptor descriptor;
        std::memcpy(&descriptor, &state[at], sizeof descriptor);
        at += sizeof descriptor;
        if (descriptor.typecode == static_cast<u16>(code)) return RecordAt{at, descriptor.length};
        at += descriptor.length;
    }
    return std::nullopt;
}

class SavedLocalApic : public ToolstackReleases {
protected:
    std::vector<u8> save(u32 version) const
    {
        xen::Domctl call = request(DomctlCommand::GetHvmContext, 5);
        EXPECT_EQ(raw(version, call), 0);
        u32 const size = call.u.hvm_context.size;
        call.u.hvm_context.buffer = {buffer_at};
        EXPECT_EQ(raw(version, call), 0);
        EXPECT_EQ(call.u.hvm_context.size, size) << "as it said before";
        std::vector<u8> state(size);
        for (size_t i = 0; i < size; ++i) state[i] = *control_.byte(buffer_at + i);
        return state;
    }
    s64 load(std::span<u8 const> state) const
    {
        for (size_t i = 0; i < state.size(); ++i) *control_.byte(buffer_at + i) = state[i];
        xen::Domctl call = request(DomctlCommand::SetHvmContext, 5);
        call.u.hvm_context = {.size = static_cast<u32>(state.size()), .pad = 0, .buffer = {buffer_at}};
        return raw(0x15, call);
    }
    /// The same state, its record cut or grown to `length`.
    static std::vector<u8> with_length(std::vector<u8> state, u32 length)
    {
        auto const record = find_record(state, xen::HvmSaveCode::LocalApic);
        auto const begin = state.begin() + static_cast<std::ptrdiff_t>(record->position);
        if (length < record->length)
            state.erase(begin + length, begin + record->length);
        else
            state.insert(begin + record->length, length - record->length, 0);
        std::memcpy(&state[record->position - 4], &length, sizeof length);
        return state;
    }

    TestDomain const guest_{5};
};

TEST_F(SavedLocalApic, IsAsLongAsTheReleaseReadsIt)
{
    for (xen::Release const& release : xen::releases) {
        auto const record = find_record(save(release.domctl_version), xen::HvmSaveCode::LocalApic);
        ASSERT_TRUE(record);
        EXPECT_EQ(record->length, release.minor < 18 ? 24u : 32u) << "4." << release.minor;
    }
}

TEST_F(SavedLocalApic, IsReadAsAnyReleaseWroteIt)
{
    guest_.vcpu().clear_waiting(WaitReason::Down);
    xen::HvmLocalApic apic{};
    apic.apic_base_msr = 1;
    apic.pending_errors = 0x20;
    guest_.vcpu().virtual_cpu().local_apic = apic;
    auto const longer = save(0x17);
    guest_.vcpu().virtual_cpu().local_apic = {};
    EXPECT_EQ(load(longer), 0);
    EXPECT_EQ(guest_.vcpu().virtual_cpu().local_apic.pending_errors, 0x20u);
    EXPECT_EQ(load(with_length(longer, 24)), 0);
    EXPECT_EQ(guest_.vcpu().virtual_cpu().local_apic.apic_base_msr, 1u);
    EXPECT_EQ(guest_.vcpu().virtual_cpu().local_apic.pending_errors, 0u) << "an old stream does not say";
    for (u32 const length : {0u, 23u, 25u, 31u, 33u})
        EXPECT_EQ(load(with_length(longer, length)), as_result(Error::Invalid)) << length;
}

// --- get_domain_state ---

class DomainStates : public ToolstackReleases {
protected:
    DomainStates()
    {
        while (state_changes::take()) {} // of other tests' domains
    }
    s64 ask(DomainId domain, xen::Domctl& call) const
    {
        call = request(DomctlCommand::GetDomainState, domain);
        return raw(xen::stable_interface_version, call);
    }
    void listen() const
    {
        xen::EventBindVirq bind{.virq = static_cast<u32>(xen::VirtualInterrupt::DomainException), .vcpu = 0, .port = 0};
        ASSERT_EQ(control_.call_with(xen::Hypercall::EventChannelOp, xen::EventChannelCommand::BindVirq, bind), 0);
    }
};

TEST_F(DomainStates, HaveAnInterfaceOfTheirOwn)
{
    xen::Domctl call;
    EXPECT_EQ(ask(0, call), 0);
    for (u32 const version : {0x15u, 0x17u, 0x18u, 1u}) {
        call = request(DomctlCommand::GetDomainState, 0);
        EXPECT_EQ(raw(version, call), as_result(Error::AccessDenied)) << version;
    }
}

TEST_F(DomainStates, TellWhatADomainIs)
{
    xen::Domctl call;
    ASSERT_EQ(ask(0, call), 0);
    auto const& answer = call.u.get_domain_state;
    EXPECT_EQ(answer.state, xen::domain_state::exists);
    EXPECT_EQ(answer.capabilities, xen::domain_capability::control | xen::domain_capability::hardware);
    u64 const own = answer.unique_id;
    EXPECT_NE(own, 0u) << "0 means unknown to xenstored";
    TestDomain guest{5};
    ASSERT_EQ(ask(5, call), 0);
    EXPECT_EQ(answer.capabilities, 0u);
    u64 const first = answer.unique_id;
    EXPECT_NE(first, own);
    guest.destroy();
    EXPECT_EQ(ask(5, call), as_result(Error::NoSuchDomain));
    TestDomain const again{5};
    ASSERT_EQ(ask(5, call), 0);
    EXPECT_NE(answer.unique_id, first) << "the number is the same, the domain is not";
    call = request(DomctlCommand::GetDomainState, 5);
    call.u.get_domain_state.pad = 1;
    EXPECT_EQ(raw(0, call), as_result(Error::Invalid));
}

TEST_F(DomainStates, ChangesAreToldOnceToTheOneThatListens)
{
    xen::Domctl call;
    TestDomain guest{5};
    EXPECT_EQ(ask(xen::domid_invalid, call), as_result(Error::AccessDenied)) << "nobody is told of changes";
    listen();
    ASSERT_EQ(ask(xen::domid_invalid, call), 0);
    EXPECT_EQ(call.domain, 5u);
    EXPECT_EQ(call.u.get_domain_state.state, xen::domain_state::exists);
    EXPECT_EQ(ask(xen::domid_invalid, call), as_result(Error::NotFound));
    guest->shut_down(ShutdownReason::Poweroff);
    ASSERT_EQ(ask(xen::domid_invalid, call), 0);
    EXPECT_EQ(call.domain, 5u);
    EXPECT_EQ(call.u.get_domain_state.state, xen::domain_state::exists | xen::domain_state::shut_down);
    {
        auto const held = domains::find(5); // as another domain's mapping would
        ASSERT_TRUE(held);
        guest.destroy();
        ASSERT_EQ(ask(xen::domid_invalid, call), 0);
        EXPECT_EQ(call.u.get_domain_state.state & xen::domain_state::dead, xen::domain_state::dead);
    }
    ASSERT_EQ(ask(xen::domid_invalid, call), 0) << "and gone";
    EXPECT_EQ(call.domain, 5u);
    EXPECT_EQ(call.u.get_domain_state.state, 0u);
    EXPECT_EQ(call.u.get_domain_state.unique_id, 0u);
    EXPECT_EQ(ask(xen::domid_invalid, call), as_result(Error::NotFound));
}

// --- xen_version ---

class VersionTexts : public ToolstackReleases {
protected:
    /// The length asked for, then the text in a buffer of that size.
    static std::string text(TestDomain const& caller, xen::VersionCommand command)
    {
        s64 const length = caller.call(xen::Hypercall::XenVersion, static_cast<u64>(command), 0);
        if (length < 0) return std::to_string(length);
        caller.put(buffer_at, xen::VariableBuffer{static_cast<u32>(length)});
        *caller.byte(buffer_at + 4 + static_cast<u64>(length)) = 0xaa;
        EXPECT_EQ(caller.call(xen::Hypercall::XenVersion, static_cast<u64>(command), buffer_at), length);
        EXPECT_EQ(*caller.byte(buffer_at + 4 + static_cast<u64>(length)), 0xaa) << "no zero behind it";
        return {reinterpret_cast<char const*>(caller.byte(buffer_at + 4)), static_cast<size_t>(length)};
    }
};

TEST_F(VersionTexts, TheVersionIsTheInstalledToolstacks)
{
    auto const version = [this] { return control_.call(xen::Hypercall::XenVersion, 0, 0); };
    EXPECT_EQ(version(), 0x4'0011) << "unless told otherwise";
    for (xen::Release const& release : xen::releases) {
        Options wanted;
        wanted.toolstack_minor = release.minor;
        adopt_options(wanted);
        EXPECT_EQ(version(), 4 << 16 | release.minor);
    }
}

TEST_F(VersionTexts, AreWholeSince420)
{
    std::string const line(2000, 'x'); // the old form has room for half of it
    Options wanted;
    wanted.command_line = line;
    adopt_options(wanted);
    using enum xen::VersionCommand;
    EXPECT_TRUE(text(control_, ExtraVersion2).ends_with("-hospes"));
    EXPECT_TRUE(text(control_, Capabilities2).contains("hvm-3.0-x86_64"));
    EXPECT_TRUE(text(control_, Changeset2).starts_with("hospes "));
    EXPECT_EQ(text(control_, CommandLine2), line);
    TestDomain const guest{5};
    EXPECT_EQ(text(guest, CommandLine2), "<denied>");
}

TEST_F(VersionTexts, WantRoom)
{
    u64 const command = static_cast<u64>(xen::VersionCommand::Changeset2);
    s64 const length = control_.call(xen::Hypercall::XenVersion, command, 0);
    ASSERT_GT(length, 5);
    control_.put(buffer_at, xen::VariableBuffer{5});
    EXPECT_EQ(control_.call(xen::Hypercall::XenVersion, command, buffer_at), as_result(Error::NoBufferSpace));
    control_.put(buffer_at, xen::VariableBuffer{100});
    EXPECT_EQ(control_.call(xen::Hypercall::XenVersion, command, buffer_at), length);
    u64 const nowhere = TestDomain::ram_frames * page_size;
    EXPECT_EQ(control_.call(xen::Hypercall::XenVersion, command, nowhere), as_result(Error::BadAddress));
    control_.put(nowhere - 4, xen::VariableBuffer{static_cast<u32>(length)});
    EXPECT_EQ(control_.call(xen::Hypercall::XenVersion, command, nowhere - 4), as_result(Error::BadAddress));
    EXPECT_EQ(control_.call(xen::Hypercall::XenVersion, 15, buffer_at), as_result(Error::NotImplemented));
}

}
}
