// SPDX-License-Identifier: MIT
/// Several vCPUs of several domains make random event channel and grant hypercalls at the same time, on real threads.
/// Whatever happened, at the end everything is given back.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/grant/entry.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

using fakes::TestDomain;
using enum xen::EventChannelCommand;

constexpr u64 window_base = 0x4000'0000;
constexpr u32 vcpus = 2;
constexpr u32 in_use = xen::grant_entry_flag::reading | xen::grant_entry_flag::writing;

/// One vCPU's random guest.
class Guest {
public:
    Guest(TestDomain const& domain, u32 vcpu, u32 seed) : domain_{domain}, vcpu_{vcpu}, random_{seed}
    {
        auto const frame = domain->grants.shared_frame(0, fakes::no_hurry());
        entries_ = {arch::reach_as<SharedGrantEntry>(address_of(frame->frame())), 8};
    }

    void run(int operations)
    {
        for (int i = 0; i < operations; ++i) {
            below(3) == 0 ? grants() : events();
            rewrite_entry();
        }
        for (auto const& mapped : mapped_) unmap(mapped);
    }

private:
    u32 below(u32 limit) { return static_cast<u32>(random_() % limit); }
    xen::EventPort any_port() { return 1 + below(12); }
    xen::DomainId any_domain() { return static_cast<xen::DomainId>(below(3)); }

    template <typename T>
    void event(xen::EventChannelCommand command, T request)
    {
        static_cast<void>(domain_.call_with(xen::Hypercall::EventChannelOp, command, request, vcpu_));
    }
    void events()
    {
        switch (below(12)) {
        case 0: return event(AllocUnbound, xen::EventAllocUnbound{xen::domid_self, any_domain(), 0});
        case 1:
        case 2: return event(BindInterdomain, xen::EventBindInterdomain{any_domain(), 0, any_port(), 0});
        case 3: return event(BindVirq, xen::EventBindVirq{below(4), below(vcpus), 0});
        case 4: return event(BindIpi, xen::EventBindIpi{below(vcpus), 0});
        case 5: return event(Close, xen::EventClose{any_port()});
        case 6: return event(BindVcpu, xen::EventBindVcpu{any_port(), below(vcpus)});
        case 7: return event(Unmask, xen::EventUnmask{any_port()});
        case 8: return below(20) == 0 ? event(Reset, xen::EventReset{xen::domid_self}) : void();
        case 9: return raise_virq(domain_.vcpu(below(vcpus)), VirtualInterrupt{below(4)});
        default: return event(Send, xen::EventSend{any_port()});
        }
    }

    /// Grants a page, takes a grant back, or changes its mind, as the owner of the table.
    void rewrite_entry()
    {
        SharedGrantEntry& entry = entries_[below(8)];
        u32 const head = AtomicEntryWords::load(entry.head);
        if ((head & in_use) != 0) return;
        u16 const flags = below(4) == 0 ? xen::grant_entry_flag::invalid : xen::grant_entry_flag::permit_access;
        static_cast<void>(AtomicEntryWords::exchange(entry.head, head, flags | u32{any_domain()} << 16));
    }

    struct Mapped {
        u64 where;
        xen::GrantHandle handle;
    };
    void grants()
    {
        if (!mapped_.empty() && below(2) == 0) {
            unmap(mapped_.back());
            mapped_.pop_back();
            return;
        }
        xen::GrantReference const reference = below(8);
        if (below(2) == 0) return copy(reference);
        u64 const where = window_base + (vcpu_ * 64 + mapped_.size()) * page_size;
        u32 const flags = xen::grant_map_flag::host_map | (below(2) == 0 ? xen::grant_map_flag::readonly : 0);
        xen::GrantMap request{where, flags, reference, any_domain(), xen::GrantStatus::TryAgain, 0, 0};
        static_cast<void>(
            domain_.call_with(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::MapGrantRef, request, vcpu_));
        if (request.status == xen::GrantStatus::Okay && mapped_.size() < 32) mapped_.push_back({where, request.handle});
    }
    void unmap(Mapped const& mapped)
    {
        xen::GrantUnmap request{mapped.where, 0, mapped.handle, xen::GrantStatus::TryAgain, 0};
        static_cast<void>(
            domain_.call_with(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::UnmapGrantRef, request, vcpu_));
        EXPECT_EQ(request.status, xen::GrantStatus::Okay);
    }
    void copy(xen::GrantReference reference)
    {
        xen::GrantCopy request{};
        request.source = {.u = {.reference = reference}, .domain = any_domain(), .offset = 0, .pad = 0};
        request.destination = {.u = {.gfn = 2}, .domain = xen::domid_self, .offset = 64, .pad = 0};
        request.length = 16;
        request.flags = xen::grant_copy_flag::source_is_reference;
        static_cast<void>(
            domain_.call_with(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::Copy, request, vcpu_));
    }

    TestDomain const& domain_;
    u32 vcpu_;
    std::mt19937 random_;
    std::vector<Mapped> mapped_;
    std::span<SharedGrantEntry> entries_;
};

SharedGrantEntry* table_of(TestDomain const& domain)
{
    auto const frame = domain->grants.shared_frame(0, fakes::no_hurry());
    return arch::reach_as<SharedGrantEntry>(address_of(frame->frame()));
}

/// Domains 0 and 1 live to the end, domain 2 is destroyed while the others go on talking to it.
TEST(Hypercalls, RandomCallsFromAllSides)
{
    fakes::start_machine();
    u64 const free_before = frames::free_count();
    {
        DomainConfiguration const configuration{.max_vcpus = vcpus, .max_event_port = 200};
        TestDomain const dom0{0, true, configuration};
        TestDomain const one{1, false, configuration};
        TestDomain two{2, false, configuration};
        for (TestDomain const* domain : {&dom0, &one, static_cast<TestDomain const*>(&two)})
            for (u32 i = 0; i < 8; ++i) table_of(*domain)[i].frame = i;
        std::thread first{[&] { Guest{dom0, 0, 1}.run(10000); }};
        std::thread second{[&] { Guest{one, 0, 2}.run(10000); }};
        std::thread third{[&] {
            Guest{two, 0, 3}.run(3000);
            two.destroy();
        }};
        for (std::thread* thread : {&first, &second, &third}) thread->join();
        for (TestDomain const* domain : {&dom0, &one})
            for (u32 i = 0; i < 8; ++i) EXPECT_EQ(table_of(*domain)[i].head & in_use, 0u);
        EXPECT_FALSE(domains::find(2)) << "nobody holds it any more";
    }
    EXPECT_EQ(frames::free_count(), free_before);
}

}
}
