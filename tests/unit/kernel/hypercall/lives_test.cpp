// SPDX-License-Identifier: MIT
/// A thousand lives of guests, friendly and hostile: whatever a guest has done, its end leaves everything where it
/// began.
#include <gtest/gtest.h>

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/memory.hpp"
#include "kernel/grant/entry.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/failing_allocations.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/software/guest.hpp"
#include "tests/software/toolstack.hpp"

namespace hospes {
namespace {

using fakes::TestDomain;
using software::GuestPlan;
using software::Processor;
using software::Toolstack;
using xen::GrantStatus;

constexpr DomainId guest_id = 40; ///< other tests have left domains with lower numbers
constexpr u64 window = software::first_window << page_shift;

struct Belongings {
    u64 frames = frames::free_count();
    u64 heap = fakes::heap_bytes();
    constexpr bool operator==(Belongings const&) const = default;
};
void PrintTo(Belongings const& value, std::ostream* out)
{
    *out << value.frames << " frames free, " << value.heap << " bytes on the heap";
}

template <typename T>
s64 memory(Processor const& processor, xen::MemoryCommand command, T request)
{
    return processor.call_with(xen::Hypercall::MemoryOp, command, request);
}

s64 reservation(Processor const& guest, xen::MemoryCommand command, u64 frame)
{
    u64 const list = guest.page(software::first_list);
    if (!guest.put(list, frame)) return Processor::no_memory;
    return memory(guest, command,
                  xen::MemoryReservation{.extent_start = {list},
                                         .nr_extents = 1,
                                         .extent_order = 0,
                                         .mem_flags = 0,
                                         .domain = xen::domid_self,
                                         .pad = {}});
}

s64 add_to_map(Processor const& guest, xen::MapSpace space, u64 index, u64 where)
{
    return memory(guest, xen::MemoryCommand::AddToPhysmap,
                  xen::AddToPhysmap{xen::domid_self, 0, static_cast<u32>(space), index, where});
}

/// Grants frame `frame` to `whom`, by the guest's own table, which it maps first.
void grant(Processor const& guest, xen::GrantReference reference, xen::DomainId whom, u32 frame)
{
    ASSERT_EQ(add_to_map(guest, xen::MapSpace::GrantTable, 0, software::grant_table_at), 0);
    u64 const entry = (software::grant_table_at << page_shift) + reference * sizeof(SharedGrantEntry);
    ASSERT_TRUE(guest.put(entry, SharedGrantEntry{xen::grant_entry_flag::permit_access | u32{whom} << 16, frame}));
}

xen::GrantMap map(Processor const& mapper, xen::DomainId granter, xen::GrantReference reference, u64 where)
{
    xen::GrantMap request{where, xen::grant_map_flag::host_map, reference, granter, GrantStatus::TryAgain, 0, 0};
    EXPECT_EQ(mapper.call_with(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::MapGrantRef, request), 0);
    return request;
}

GrantStatus unmap(Processor const& mapper, u64 where, xen::GrantHandle handle)
{
    xen::GrantUnmap request{where, 0, handle, GrantStatus::TryAgain, 0};
    EXPECT_EQ(mapper.call_with(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::UnmapGrantRef, request), 0);
    return request.status;
}

template <typename T>
s64 event(Processor const& processor, xen::EventChannelCommand command, T& request)
{
    return processor.call_with(xen::Hypercall::EventChannelOp, command, request);
}

/// dom0, one guest after the other, and what each has done before its end.
class Lives : public testing::Test {
public:
    using Story = void (*)(Lives&);

    Lives()
    {
        dom0_domain_->quota.ram.set_limit(256);
        EXPECT_EQ(toolstack().prepare(), 0);
    }

    [[nodiscard]] Processor dom0() const { return Processor{dom0_domain_.vcpu()}; }
    [[nodiscard]] Toolstack toolstack() const { return Toolstack{dom0()}; }
    [[nodiscard]] Processor guest(u32 vcpu = 0) const { return Processor{*(*domains::find(guest_id))->vcpu(vcpu)}; }

    void live(Story story)
    {
        GuestPlan plan{.id = guest_id};
        ASSERT_EQ(toolstack().build(plan), 0);
        story(*this);
        ASSERT_EQ(toolstack().destroy(guest_id), 0);
        ASSERT_FALSE(domains::find(guest_id)) << "somebody still holds it";
    }

    /// The first life makes what stays for dom0's own, such as tables of its map.
    void live_often(Story story, u32 lives = 100)
    {
        live(story);
        Belongings const before;
        for (u32 life = 0; life < lives && !HasFatalFailure(); ++life) live(story);
        EXPECT_EQ(Belongings{}, before);
    }

private:
    TestDomain const dom0_domain_{0, true};
};

TEST_F(Lives, ThatDoNothing)
{
    live_often([](Lives&) {});
}

TEST_F(Lives, OfEventsBetweenTwo)
{
    live_often([](Lives& self) {
        using enum xen::EventChannelCommand;
        for (u32 i = 0; i < 50; ++i) {
            xen::EventAllocUnbound made{guest_id, 0, 0};
            ASSERT_EQ(event(self.dom0(), AllocUnbound, made), 0);
            xen::EventBindInterdomain bound{guest_id, 0, made.port, 0};
            ASSERT_EQ(event(self.dom0(), BindInterdomain, bound), 0);
            xen::EventSend sent{made.port};
            ASSERT_EQ(event(self.guest(), Send, sent), 0);
            xen::EventClose closed{bound.local_port};
            if (i % 2 == 0) ASSERT_EQ(event(self.dom0(), Close, closed), 0);
        }
        xen::EventReset all{xen::domid_self};
        ASSERT_EQ(event(self.dom0(), Reset, all), 0);
    });
}

/// A3: the mapping was taken out by the way, its handle stayed, and so did the granter for ever.
TEST_F(Lives, ThatPutSharedInfoOverAGrantMapping)
{
    live_often([](Lives& self) {
        Processor const guest = self.guest();
        grant(guest, 1, guest_id, 3);
        for (auto const space : {xen::MapSpace::SharedInfo, xen::MapSpace::GrantTable}) {
            auto const mapped = map(guest, guest_id, 1, window);
            ASSERT_EQ(mapped.status, GrantStatus::Okay);
            static_cast<void>(add_to_map(guest, space, 0, software::first_window));
            EXPECT_EQ(unmap(guest, window, mapped.handle), GrantStatus::Okay) << "the handle always ends its use";
            u64 const entry = (software::grant_table_at << page_shift) + sizeof(SharedGrantEntry);
            EXPECT_EQ(guest.get<SharedGrantEntry>(entry)->head & 0xffff, u32{xen::grant_entry_flag::permit_access});
        }
    });
}

/// A3 again, without so much as an unmap.
TEST_F(Lives, ThatEndWithSharedInfoOverAGrantMapping)
{
    live_often([](Lives& self) {
        grant(self.guest(), 1, guest_id, 3);
        ASSERT_EQ(map(self.guest(), guest_id, 1, window).status, GrantStatus::Okay);
        static_cast<void>(add_to_map(self.guest(), xen::MapSpace::SharedInfo, 0, software::first_window));
    });
}

/// A4, its order: what was RAM is given back and is a grant mapping when the page comes.
TEST_F(Lives, ThatPutPagesWhereMemoryWas)
{
    live_often([](Lives& self) {
        Processor const guest = self.guest();
        u64 const frame = software::first_spare;
        grant(guest, 1, guest_id, 3);
        ASSERT_EQ(reservation(guest, xen::MemoryCommand::DecreaseReservation, frame), 1);
        auto const mapped = map(guest, guest_id, 1, frame << page_shift);
        ASSERT_EQ(mapped.status, GrantStatus::Okay);
        EXPECT_EQ(reservation(guest, xen::MemoryCommand::DecreaseReservation, frame), 0);
        EXPECT_NE(
            memory(guest, xen::MemoryCommand::RemoveFromPhysmap, xen::RemoveFromPhysmap{xen::domid_self, {}, frame}),
            0);
        EXPECT_EQ(unmap(guest, frame << page_shift, mapped.handle), GrantStatus::Okay);
    });
}

/// A2: memory that is given back but lives on by a mapping counts until it is free.
TEST_F(Lives, ThatKeepTheMemoryTheyGiveBack)
{
    live_often([](Lives& self) {
        Processor const guest = self.guest();
        u64 const free_before = frames::free_count();
        for (u64 i = 0; i < 200; ++i) {
            grant(guest, 1, guest_id, static_cast<u32>(software::first_spare));
            static_cast<void>(map(guest, guest_id, 1, (software::first_window + i) << page_shift));
            static_cast<void>(reservation(guest, xen::MemoryCommand::DecreaseReservation, software::first_spare));
            static_cast<void>(reservation(guest, xen::MemoryCommand::PopulatePhysmap, software::first_spare));
        }
        constexpr u64 still_allowed = GuestPlan{}.most_pages - software::ram_frames, tables_and_grants = 16;
        EXPECT_LE(free_before - frames::free_count(), still_allowed + tables_and_grants);
    });
}

/// A5: what another domain can take back is no place for the hypervisor to write to.
TEST_F(Lives, ThatRegisterAreasInGrantedPages)
{
    live_often([](Lives& self) {
        Processor const dom0 = self.dom0();
        grant(self.guest(), 1, 0, 3);
        auto const mapped = map(dom0, guest_id, 1, window);
        ASSERT_EQ(mapped.status, GrantStatus::Okay);
        EXPECT_NE(dom0.vcpu_call(xen::VcpuCommand::RegisterVcpuInfo, 0,
                                 xen::VcpuRegisterVcpuInfo{software::first_window, 0, 0}),
                  0);
        EXPECT_NE(dom0.vcpu_call(xen::VcpuCommand::RegisterRunstateMemoryArea, 0,
                                 xen::VcpuRegisterRunstateMemoryArea{{window + 256}}),
                  0);
        EXPECT_NE(dom0.vcpu_call(xen::VcpuCommand::RegisterVcpuTimeMemoryArea, 0,
                                 xen::VcpuRegisterTimeMemoryArea{{window + 512}}),
                  0);
        EXPECT_EQ(unmap(dom0, window, mapped.handle), GrantStatus::Okay);
    });
}

/// A1, without the race: registering over and over, by a vCPU for another that is down.
TEST_F(Lives, ThatRegisterAreasForOthers)
{
    live_often([](Lives& self) {
        using enum xen::VcpuCommand;
        for (u32 i = 0; i < 20; ++i) {
            u64 const page = (software::first_spare + i % software::spare_frames) << page_shift;
            Processor const guest = self.guest();
            EXPECT_EQ(guest.vcpu_call(RegisterRunstateMemoryArea, 1, xen::VcpuRegisterRunstateMemoryArea{{page}}), 0);
            EXPECT_EQ(guest.vcpu_call(RegisterVcpuTimeMemoryArea, 1, xen::VcpuRegisterTimeMemoryArea{{page + 64}}), 0);
            static_cast<void>(
                guest.vcpu_call(RegisterVcpuInfo, 1, xen::VcpuRegisterVcpuInfo{page >> page_shift, 1024, 0}));
            static_cast<void>(reservation(guest, xen::MemoryCommand::DecreaseReservation, page >> page_shift));
            static_cast<void>(reservation(guest, xen::MemoryCommand::PopulatePhysmap, page >> page_shift));
        }
    });
}

/// A10's aim: a guest whose peer binds to it while it goes. Afterwards its end is nobody's.
TEST_F(Lives, WhosePeerStaysBound)
{
    live_often([](Lives& self) {
        using enum xen::EventChannelCommand;
        xen::EventBindInterdomain bound{guest_id, 0, 1, 0};
        ASSERT_EQ(event(self.dom0(), BindInterdomain, bound), 0);
        ASSERT_EQ(self.toolstack().destroy(guest_id), 0);
        xen::EventSend sent{bound.local_port};
        EXPECT_EQ(event(self.dom0(), Send, sent), 0) << "unbound: nobody hears";
        xen::EventClose closed{bound.local_port};
        EXPECT_EQ(event(self.dom0(), Close, closed), 0);
        GuestPlan plan{.id = guest_id};
        ASSERT_EQ(self.toolstack().build(plan), 0);
    });
}

/// A zombie until its last page is given back, and then gone.
TEST_F(Lives, ThatOutliveTheirEndInAPageOfDom0s)
{
    live_often([](Lives& self) {
        grant(self.guest(), 1, 0, 3);
        auto const mapped = map(self.dom0(), guest_id, 1, window);
        ASSERT_EQ(mapped.status, GrantStatus::Okay);
        ASSERT_EQ(self.toolstack().destroy(guest_id), 0);
        EXPECT_TRUE(domains::find(guest_id));
        EXPECT_EQ(unmap(self.dom0(), window, mapped.handle), GrantStatus::Okay);
        ASSERT_FALSE(domains::find(guest_id));
        GuestPlan plan{.id = guest_id};
        ASSERT_EQ(self.toolstack().build(plan), 0);
    });
}

/// Anything in any order, each life another. dom0 does nothing itself, so it keeps nothing either.
TEST_F(Lives, OfAllKinds)
{
    static u32 life = 0;
    life = 0;
    live_often(
        [](Lives& self) {
            software::SeededChoices choices{life++};
            auto const domain = domains::find(guest_id);
            std::vector<software::Guest> guests;
            for (u32 vcpu = 0; vcpu < 2; ++vcpu)
                guests.emplace_back(self.guest(vcpu), choices, software::Guest::Habits{.domains = 2});
            static_cast<void>(add_to_map(self.guest(), xen::MapSpace::GrantTable, 0, software::grant_table_at));
            for (u32 step = 0; step < 200; ++step) guests[choices.below(2)].step();
        },
        1000);
}

}
}
