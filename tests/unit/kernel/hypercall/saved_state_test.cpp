// SPDX-License-Identifier: MIT
/// A domain's saved state: one moment for all its vCPUs, however many stretches it takes; the same speed of the TSC;
/// and whoever begins to move it, and does not go on, leaves nothing behind.
#include <gtest/gtest.h>

#include <vector>

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/abi/xen/versions.hpp"
#include "kernel/time/clock.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/simulated_cpus.hpp"

namespace hospes {
namespace {

using fakes::as_result;
using fakes::TestDomain;
using xen::DomctlCommand;
using xen::HvmSaveCode;

constexpr u32 vcpus = 12;
constexpr u64 buffer_at = 0x4000;
constexpr u64 request_at = 0x2000;
constexpr u64 other_request_at = 0x3000;
constexpr u32 room = 64 * kib;
/// A stretch is some vCPUs, a fraction of all.
constexpr Nanoseconds step = Budget::stretch / 4;

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

/// A domctl of dom0's that can be made stretch by stretch.
class Call {
public:
    Call(TestDomain const& control, DomctlCommand command, DomainId id, u32 size = 0, u64 where = request_at,
         u32 version = xen::domctl_interface_version)
        : control_{control}, arguments_{.value = {where}}
    {
        xen::Domctl request{};
        request.command = static_cast<u32>(command);
        request.interface_version = version;
        request.domain = id;
        if (size != 0) request.u.hvm_context = {.size = size, .pad = 0, .buffer = {buffer_at}};
        control_.put(where, request);
    }
    /// One stretch; true if there are more.
    bool restarts()
    {
        auto const done = dispatch_hypercall(control_.vcpu(), static_cast<u64>(xen::Hypercall::Domctl), arguments_);
        result_ = static_cast<s64>(done.value);
        stretches_ += 1;
        return done.restart;
    }
    s64 finish()
    {
        while (restarts()) {}
        return result_;
    }
    void claim(u32 progress) { arguments_.progress = progress; }
    [[nodiscard]] u32 progress() const { return arguments_.progress; }
    [[nodiscard]] u64 stretches() const { return stretches_; }
    [[nodiscard]] u32 size() const { return control_.get<xen::Domctl>(arguments_[0]).u.hvm_context.size; }
    void set_size(u32 size) const
    {
        auto request = control_.get<xen::Domctl>(arguments_[0]);
        request.u.hvm_context.size = size;
        control_.put(arguments_[0], request);
    }

private:
    TestDomain const& control_;
    HypercallArguments arguments_;
    s64 result_ = 0;
    u64 stretches_ = 0;
};

class SavedState : public testing::Test {
protected:
    [[nodiscard]] Call get(u32 size = room, u64 where = request_at) const
    {
        return {control_, DomctlCommand::GetHvmContext, guest_->id(), size, where};
    }
    [[nodiscard]] Call set(u32 size, u64 where = request_at) const
    {
        return {control_, DomctlCommand::SetHvmContext, guest_->id(), size, where};
    }
    [[nodiscard]] s64 simple(DomctlCommand command) const
    {
        return Call{control_, command, guest_->id(), 0, other_request_at}.finish();
    }
    [[nodiscard]] std::vector<u8> save() const
    {
        Call call = get();
        EXPECT_EQ(call.finish(), 0);
        std::vector<u8> bytes(call.size());
        for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = *control_.byte(buffer_at + i);
        return bytes;
    }
    [[nodiscard]] s64 load(std::vector<u8> const& bytes) const
    {
        for (size_t i = 0; i < bytes.size(); ++i) *control_.byte(buffer_at + i) = bytes[i];
        return set(static_cast<u32>(bytes.size())).finish();
    }
    [[nodiscard]] bool may_run() const { return !guest_.vcpu().waits_for(WaitReason::DomainPaused); }

    TestDomain const control_{0, true};
    TestDomain guest_{61, false, {.max_vcpus = vcpus}};
};

TEST_F(SavedState, AllClocksAreReadAtOneMoment)
{
    fakes::SlowClock const clock{step};
    auto const cpus = records_of<xen::HvmCpu>(save(), HvmSaveCode::Cpu);
    ASSERT_EQ(cpus.size(), vcpus);
    for (auto const& cpu : cpus) EXPECT_EQ(cpu.tsc, cpus[0].tsc);
}

TEST_F(SavedState, AllClocksAreSetAtOneMoment)
{
    auto const saved = save();
    fakes::SlowClock const clock{step};
    ASSERT_EQ(load(saved), 0);
    for (u32 id = 0; id < vcpus; ++id)
        EXPECT_EQ(guest_.vcpu(id).virtual_cpu().loaded_at, guest_.vcpu().virtual_cpu().loaded_at);
    EXPECT_NE(guest_.vcpu().virtual_cpu().loaded_at, 0U);
}

TEST_F(SavedState, ADifferentFrequencyIsRefused)
{
    auto bytes = save();
    constexpr size_t place = sizeof(xen::HvmSaveDescriptor) + offsetof(xen::HvmSaveHeader, guest_tsc_khz);
    auto const load_with = [&](u64 khz) {
        auto const value = static_cast<u32>(khz);
        std::memcpy(&bytes[place], &value, sizeof value);
        return load(bytes);
    };
    EXPECT_EQ(load_with(clock::tsc_khz()), 0);
    EXPECT_EQ(load_with(0), 0) << "it says nothing";
    EXPECT_EQ(load_with(clock::tsc_khz() + clock::tsc_khz() / 10'000), 0) << "measured 100 ppm off";
    EXPECT_EQ(load_with(clock::tsc_khz() / 2), as_result(Error::NotSupported));
}

TEST_F(SavedState, IsAsLongAsItWasSaidToBe)
{
    guest_.vcpu(3).set_waiting(WaitReason::Down);
    for (xen::Release const& release : xen::releases) {
        Call size_only{control_, DomctlCommand::GetHvmContext, guest_->id(), 0, request_at, release.domctl_version};
        ASSERT_EQ(size_only.finish(), 0);
        u32 const size = size_only.size();
        Call whole{control_, DomctlCommand::GetHvmContext, guest_->id(), size, request_at, release.domctl_version};
        EXPECT_EQ(whole.finish(), 0);
        EXPECT_EQ(whole.size(), size);
        Call too_small{control_,   DomctlCommand::GetHvmContext, guest_->id(), size - 1,
                       request_at, release.domctl_version};
        EXPECT_EQ(too_small.finish(), as_result(Error::NoSpace));
        EXPECT_TRUE(may_run());
    }
}

TEST_F(SavedState, ItsDomainIsStillFromTheFirstStretchToTheLast)
{
    fakes::SlowClock const clock{step};
    for (DomctlCommand const command : {DomctlCommand::GetHvmContext, DomctlCommand::SetHvmContext}) {
        Call call = command == DomctlCommand::GetHvmContext ? get() : set(room);
        u64 stretches = 0;
        for (; call.restarts(); ++stretches) {
            EXPECT_EQ(simple(DomctlCommand::GetVcpuContext), 0) << "which pauses it, and lets go what it has paused";
            EXPECT_FALSE(may_run());
        }
        EXPECT_GT(stretches, 1U);
        EXPECT_TRUE(may_run());
    }
}

TEST_F(SavedState, ACallerWhoNeverComesBackHoldsItUntilItIsUnpaused)
{
    fakes::SlowClock const clock{step};
    Call lost = get();
    ASSERT_TRUE(lost.restarts());
    EXPECT_EQ(simple(DomctlCommand::GetDomainInfo), 0);
    EXPECT_NE(control_.get<xen::Domctl>(other_request_at).u.get_domain_info.flags & xen::domain_info_flag::paused, 0U);
    EXPECT_EQ(simple(DomctlCommand::UnpauseDomain), 0);
    EXPECT_TRUE(may_run());
    EXPECT_EQ(lost.finish(), as_result(Error::Busy));
    EXPECT_EQ(simple(DomctlCommand::UnpauseDomain), as_result(Error::Invalid)) << "nobody had paused it";
}

TEST_F(SavedState, APauseOfTheToolstackOutlastsIt)
{
    fakes::SlowClock const clock{step};
    ASSERT_EQ(simple(DomctlCommand::PauseDomain), 0);
    ASSERT_EQ(get().finish(), 0);
    EXPECT_FALSE(may_run());
    ASSERT_EQ(simple(DomctlCommand::UnpauseDomain), 0);
    EXPECT_TRUE(may_run());
}

TEST_F(SavedState, TheLastCallThatIsBegunCounts)
{
    fakes::SlowClock const clock{step};
    Call first = get();
    ASSERT_TRUE(first.restarts());
    Call second = get(room, other_request_at);
    ASSERT_TRUE(second.restarts());
    EXPECT_EQ(first.finish(), as_result(Error::Busy));
    EXPECT_FALSE(may_run()) << "the second goes on";
    EXPECT_EQ(second.finish(), 0);
    EXPECT_TRUE(may_run());
}

TEST_F(SavedState, WhatTheCallerClaimsToHaveDoneIsNotBelieved)
{
    fakes::SlowClock const clock{step};
    for (u32 const claimed : {1U, 2U, vcpus, 0x8000'0000U, ~0U}) {
        Call call = get();
        call.claim(claimed);
        EXPECT_EQ(call.finish(), as_result(Error::Busy)) << claimed;
    }
    EXPECT_TRUE(may_run());
    Call saving = get();
    ASSERT_TRUE(saving.restarts());
    Call loading = set(room, other_request_at);
    loading.claim(saving.progress());
    EXPECT_EQ(loading.finish(), as_result(Error::Busy)) << "that is not what was begun";
    EXPECT_EQ(saving.finish(), 0);
}

TEST_F(SavedState, ABufferThatShrinksOnTheWayIsNotLeft)
{
    fakes::SlowClock const clock{step};
    Call saving = get();
    ASSERT_TRUE(saving.restarts());
    saving.set_size(100);
    *control_.byte(buffer_at + room - 1) = 0x5a;
    EXPECT_EQ(saving.finish(), as_result(Error::NoSpace));
    EXPECT_TRUE(may_run());
    Call loading = set(static_cast<u32>(save().size()));
    ASSERT_TRUE(loading.restarts());
    loading.set_size(100);
    EXPECT_EQ(loading.finish(), as_result(Error::NoData));
    EXPECT_TRUE(may_run());
}

TEST_F(SavedState, AWrongRecordFarBehindEndsIt)
{
    auto bytes = save();
    xen::HvmSaveDescriptor wrong{.typecode = 999, .instance = 0, .length = 0};
    std::memcpy(&bytes[bytes.size() - sizeof wrong], &wrong, sizeof wrong); // instead of END
    fakes::SlowClock const clock{step};
    EXPECT_EQ(load(bytes), as_result(Error::Invalid));
    EXPECT_TRUE(may_run());
    EXPECT_EQ(load({bytes.begin(), bytes.end() - sizeof wrong}), as_result(Error::NoData));
    EXPECT_TRUE(may_run());
}

// --- one record: XEN_DOMCTL_gethvmcontext_partial ---

class OneRecord : public SavedState {
protected:
    [[nodiscard]] s64 get_one(HvmSaveCode code, u32 vcpu, u64 bytes = room, u64 where = buffer_at,
                              u32 version = xen::domctl_interface_version)
    {
        return get_one(static_cast<u32>(code), vcpu, bytes, where, version);
    }
    [[nodiscard]] s64 get_one(u32 code, u32 vcpu, u64 bytes = room, u64 where = buffer_at,
                              u32 version = xen::domctl_interface_version)
    {
        xen::Domctl request{};
        request.command = static_cast<u32>(DomctlCommand::GetHvmContextPartial);
        request.interface_version = version;
        request.domain = named_;
        request.u.hvm_context_partial = {.type = code, .instance = vcpu, .buffer_size = bytes, .buffer = {where}};
        control_.put(other_request_at, request);
        s64 const result = control_.call(xen::Hypercall::Domctl, other_request_at, 0);
        size_ = control_.get<xen::Domctl>(other_request_at).u.hvm_context_partial.buffer_size;
        return result;
    }

    DomainId named_ = 61;
    u64 size_ = 0;
};

TEST_F(OneRecord, IsThatOfTheVcpuThatIsNamed)
{
    for (u32 id = 0; id < vcpus; ++id) guest_.vcpu(id).virtual_cpu().registers.rip = 1000 + id;
    ASSERT_EQ(get_one(HvmSaveCode::Cpu, 7), 0);
    EXPECT_EQ(size_, sizeof(xen::HvmCpu));
    EXPECT_EQ(control_.get<xen::HvmCpu>(buffer_at).rip, 1007U);
    EXPECT_TRUE(may_run());
}

TEST_F(OneRecord, IsAsLongAsTheReleaseHasIt)
{
    for (xen::Release const& release : xen::releases) {
        ASSERT_EQ(get_one(HvmSaveCode::LocalApic, 0, room, buffer_at, release.domctl_version), 0);
        EXPECT_EQ(size_, release.local_apic_bytes);
    }
}

TEST_F(OneRecord, OnlyItsSizeCanBeAskedFor)
{
    EXPECT_EQ(get_one(HvmSaveCode::Mtrr, 0, 0, 0), 0);
    EXPECT_EQ(size_, sizeof(xen::HvmMtrr));
}

TEST_F(OneRecord, StaysInItsBuffer)
{
    constexpr u8 untouched = 0x5a;
    *control_.byte(buffer_at) = untouched;
    EXPECT_EQ(get_one(HvmSaveCode::Cpu, 0, sizeof(xen::HvmCpu) - 1), as_result(Error::NoBufferSpace));
    EXPECT_EQ(*control_.byte(buffer_at), untouched);
    EXPECT_EQ(get_one(HvmSaveCode::Cpu, 0, sizeof(xen::HvmCpu)), 0);
    EXPECT_EQ(get_one(HvmSaveCode::Cpu, 0, room, u64{1} << 40), as_result(Error::BadAddress));
    EXPECT_TRUE(may_run());
}

TEST_F(OneRecord, WhatIsNotThereIsNotFound)
{
    EXPECT_EQ(get_one(HvmSaveCode::Cpu, vcpus), as_result(Error::NotFound));
    EXPECT_EQ(get_one(HvmSaveCode::Cpu, ~u32{0}), as_result(Error::NotFound));
    guest_.vcpu(3).set_waiting(WaitReason::Down);
    EXPECT_EQ(get_one(HvmSaveCode::Cpu, 3), as_result(Error::NotFound)) << "it is down";
    EXPECT_EQ(get_one(HvmSaveCode::LocalApic, 3), 0);
}

TEST_F(OneRecord, KindsThatNobodyWritesAreRefused)
{
    for (u32 const code : {static_cast<u32>(HvmSaveCode::End), static_cast<u32>(HvmSaveCode::Header),
                           static_cast<u32>(HvmSaveCode::TscAdjust), 999U, ~0U})
        EXPECT_EQ(get_one(code, 0), as_result(Error::Invalid)) << code;
}

TEST_F(OneRecord, NobodyReadsItsOwn)
{
    named_ = 0;
    EXPECT_EQ(get_one(HvmSaveCode::Cpu, 0), as_result(Error::Invalid));
}

TEST_F(OneRecord, DoesNotDisturbASaveThatIsUnderWay)
{
    fakes::SlowClock const clock{step};
    Call saving = get();
    ASSERT_TRUE(saving.restarts());
    EXPECT_EQ(get_one(HvmSaveCode::LocalApic, 0, 0, 0), 0);
    EXPECT_FALSE(may_run());
    EXPECT_EQ(saving.finish(), 0);
    EXPECT_TRUE(may_run());
}

TEST_F(SavedState, ADomainIsDestroyedInTheMiddle)
{
    fakes::SlowClock const clock{step};
    Call saving = get();
    ASSERT_TRUE(saving.restarts());
    EXPECT_EQ(simple(DomctlCommand::DestroyDomain), 0);
    EXPECT_EQ(guest_->life(), Domain::Life::Dead);
    EXPECT_EQ(saving.finish(), as_result(Error::Invalid));
    EXPECT_EQ(get().finish(), as_result(Error::Invalid));
}

}
}
