// SPDX-License-Identifier: MIT
/// Each broken rule of guest state is named; a good state breaks none.
#include "arch/x86_64/vmx/entry_checks.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "arch/x86_64/guest/vcpu_backend.hpp"

namespace hospes::vmx {
namespace {

using arch::SegmentName;

constexpr std::string_view no_rule = "guest state breaks a rule that is not in our list";

/// As at the PVH entry: 32-bit protected mode without paging.
GuestState protected_mode()
{
    GuestState state{
        .cr0 = 0x31, .cr4 = 0x2000, .pat = 0x0007'0406'0007'0406, .dr7 = 0x400, .rip = 0x10'0000, .rflags = 2};
    for (auto& segment : state.segments) segment = {0, 0xffff'ffff, 0xc093, 0};
    state.segments[std::to_underlying(SegmentName::Cs)].rights = 0xc09b;
    state.segments[std::to_underlying(SegmentName::Ldtr)] = {0, 0xffff, 0x82, 0};
    state.segments[std::to_underlying(SegmentName::Tr)] = {0, 0x67, 0x8b, 0};
    state.cr0_must_be_one = 0x20;
    state.cr0_may_be_one = 0xffff'ffff;
    state.cr4_must_be_one = 0x2000;
    state.cr4_may_be_one = 0x77'ffff;
    return state;
}

GuestState long_mode()
{
    GuestState state = protected_mode();
    state.cr0 = 0x8000'0031;
    state.cr4 = 0x2020;
    state.efer = 0x500;
    state.long_mode = true;
    state.segments[std::to_underlying(SegmentName::Cs)].rights = 0xa09b;
    return state;
}

TEST(EntryChecks, GoodStatesBreakNoRule)
{
    EXPECT_EQ(describe_bad_state(protected_mode()), no_rule);
    EXPECT_EQ(describe_bad_state(long_mode()), no_rule);
    GuestState behind_the_lower_half = long_mode(); // where the last instruction there leads
    behind_the_lower_half.rip = u64{1} << 47;
    EXPECT_EQ(describe_bad_state(behind_the_lower_half), no_rule);
}

struct Break {
    void (*how)(GuestState&);
    std::string_view name;
};

TEST(EntryChecks, NamesTheRule)
{
    Break const breaks[]{
        {[](GuestState& s) { s.cr0 &= ~u64{0x20}; }, "CR0: a bit has the wrong fixed value"},
        {[](GuestState& s) { s.cr0 &= ~u64{1}; }, "CR0.PG without CR0.PE"},
        {[](GuestState& s) { s.cr4 |= u64{1} << 30; }, "CR4: a bit has the wrong fixed value"},
        {[](GuestState& s) { s.cr4 &= ~u64{0x20}; }, "long mode without CR0.PG or CR4.PAE"},
        {[](GuestState& s) { s.cr3 = u64{1} << 60; }, "CR3: bits above the physical address width"},
        {[](GuestState& s) { s.dr7 = u64{1} << 32; }, "DR7 bits 63..32"},
        {[](GuestState& s) { s.sysenter_eip = u64{1} << 63; }, "SYSENTER_EIP is not canonical"},
        {[](GuestState& s) { s.pat = 2; }, "PAT holds no memory types"},
        {[](GuestState& s) { s.efer = 0x100; }, "EFER.LMA is not what the entry controls say"},
        {[](GuestState& s) { s.efer = 0x400; }, "EFER.LME differs from EFER.LMA with paging on"},
        {[](GuestState& s) { s.segments[7].rights = 0x89; }, "TR is no busy task state segment"},
        {[](GuestState& s) { s.segments[6].rights = 0x83; }, "LDTR is no local descriptor table"},
        {[](GuestState& s) { s.segments[1].rights = 0xa099 & ~1U; }, "CS is no code segment"},
        {[](GuestState& s) { s.segments[1].rights |= 1 << 14; }, "CS.L and CS.D"},
        {[](GuestState& s) { s.segments[3].rights &= ~1U; }, "SS, DS, ES, FS or GS is no data segment"},
        {[](GuestState& s) { s.segments[3].limit = 0x10'0000; }, "SS, DS, ES, FS or GS is no data segment"},
        {[](GuestState& s) { s.segments[5].base = u64{1} << 63; }, "FS, GS or TR base is not canonical"},
        {[](GuestState& s) { s.segments[1].base = u64{1} << 40; }, "CS, SS, DS or ES base above 4 GiB"},
        {[](GuestState& s) { s.gdtr_base = u64{1} << 63; }, "GDTR or IDTR base is not canonical"},
        {[](GuestState& s) { s.idtr_limit = 0x1'0000; }, "GDTR or IDTR limit above FFFF"},
        {[](GuestState& s) { s.rip = u64{1} << 63; }, "RIP: bits above the code segment's width"},
        {[](GuestState& s) { s.rflags = 0; }, "RFLAGS: a reserved bit"},
        {[](GuestState& s) { s.rflags |= 1 << 17; }, "RFLAGS.VM in long mode or without protection"},
        {[](GuestState& s) { s.entry_event = 0x8000'0030; }, "an interrupt to deliver with RFLAGS.IF clear"},
        {[](GuestState& s) { s.activity_state = 4; }, "activity state"},
        {[](GuestState& s) { s.rflags |= 0x200, s.interruptibility = 3; }, "blocking by STI and by MOV SS"},
        {[](GuestState& s) { s.interruptibility = 1; }, "blocking by STI with RFLAGS.IF clear"},
        {[](GuestState& s) { s.rflags |= 0x300, s.interruptibility = 1; }, "a single step that is not pending"},
        {[](GuestState& s) { s.link_pointer = 0; }, "VMCS link pointer"},
    };
    for (Break const& row : breaks) {
        GuestState state = long_mode();
        row.how(state);
        EXPECT_EQ(describe_bad_state(state), row.name);
    }
}

TEST(EntryChecks, UnusableSegmentsMayHoldAnything)
{
    GuestState state = long_mode();
    state.segments[3] = {0, 0x12'3456, 1 << 16, u64{1} << 40};
    EXPECT_EQ(describe_bad_state(state), no_rule);
}

TEST(EntryChecks, InstructionErrors)
{
    EXPECT_EQ(describe_instruction_error(7), "a bad control field");
    EXPECT_EQ(describe_instruction_error(8), "a bad host-state field");
    EXPECT_EQ(describe_instruction_error(999), "an unknown VM-instruction error");
}

}
}
