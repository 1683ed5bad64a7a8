// SPDX-License-Identifier: MIT
/// The manual's checks of guest state, one predicate and one sentence each.
#include "arch/x86_64/vmx/entry_checks.hpp"

#include <algorithm>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/guest/mtrr.hpp"
#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/vmx/vmcs.hpp"

namespace hospes::vmx {

namespace {

using arch::SegmentName;
using Segment = GuestState::Segment;

constexpr u64 upper_half = ~u64{0xffff'ffff};
constexpr u32 largest_small_limit = 0xfffff;

/// All bits above the width are the same. RIP may be one step beyond what is canonical.
bool has_linear_width(u64 address)
{
    s64 const above = static_cast<s64>(address) >> 48;
    return above == 0 || above == -1;
}

bool is_canonical(u64 address) { return static_cast<u64>(static_cast<s64>(address << 16) >> 16) == address; }

Segment const& of(GuestState const& s, SegmentName name) { return s.segments[std::to_underlying(name)]; }
SegmentRights rights(GuestState const& s, SegmentName name) { return SegmentRights{of(s, name).rights}; }
bool is_usable(GuestState const& s, SegmentName name) { return !rights(s, name).get<SegmentRights::Unusable>(); }

constexpr std::array data_segments{SegmentName::Ss, SegmentName::Ds, SegmentName::Es, SegmentName::Fs, SegmentName::Gs};
constexpr std::array lower_segments{SegmentName::Ss, SegmentName::Ds, SegmentName::Es};
constexpr std::array based_segments{SegmentName::Fs, SegmentName::Gs, SegmentName::Tr};

/// Limit and granularity must agree. (SDM vol. 3, 27.3.1.2)
bool has_bad_granularity(Segment const& segment)
{
    bool const in_pages = SegmentRights{segment.rights}.get<SegmentRights::Granularity>();
    if (segment.limit > largest_small_limit && !in_pages) return true;
    return (segment.limit & page_mask) != page_mask && in_pages;
}

bool has_bad_data_segment(GuestState const& s)
{
    return std::ranges::any_of(data_segments, [&](SegmentName name) {
        SegmentRights const value = rights(s, name);
        return is_usable(s, name) && (!value.get<SegmentRights::Accessed>() ||
                                      !value.get<SegmentRights::CodeOrData>() || !value.get<SegmentRights::Present>() ||
                                      value.get<SegmentRights::Reserved>() != 0 || has_bad_granularity(of(s, name)));
    });
}

bool has_bad_code_segment(GuestState const& s)
{
    SegmentRights const value = rights(s, SegmentName::Cs);
    u8 const type = value.get<SegmentRights::Type>();
    constexpr u8 data_read_write_accessed = 3; // legal in an unrestricted guest
    bool const is_code = (type & 9) == 9;
    return (!is_code && type != data_read_write_accessed) || !value.get<SegmentRights::CodeOrData>() ||
           !value.get<SegmentRights::Present>() || value.get<SegmentRights::Reserved>() != 0 ||
           has_bad_granularity(of(s, SegmentName::Cs));
}

bool has_bad_task_state(GuestState const& s)
{
    SegmentRights const value = rights(s, SegmentName::Tr);
    u8 const type = value.get<SegmentRights::Type>();
    constexpr u8 busy_16 = 3, busy_32_or_64 = 11;
    bool const legal_type = type == busy_32_or_64 || (type == busy_16 && !s.long_mode);
    return !is_usable(s, SegmentName::Tr) || !legal_type || value.get<SegmentRights::CodeOrData>() ||
           !value.get<SegmentRights::Present>() || has_bad_granularity(of(s, SegmentName::Tr));
}

bool has_bad_local_table(GuestState const& s)
{
    if (!is_usable(s, SegmentName::Ldtr)) return false;
    SegmentRights const value = rights(s, SegmentName::Ldtr);
    constexpr u8 local_table = 2;
    return value.get<SegmentRights::Type>() != local_table || value.get<SegmentRights::CodeOrData>() ||
           !value.get<SegmentRights::Present>() || !is_canonical(of(s, SegmentName::Ldtr).base);
}

bool injects_interrupt(GuestState const& s)
{
    EventInformation const event{s.entry_event};
    return event.get<EventInformation::Valid>() &&
           event.get<EventInformation::Kind>() == EventInformation::Type::Interrupt;
}

bool misses_pending_step(GuestState const& s)
{
    bool const in_shadow = Interruptibility{s.interruptibility}.get<Interruptibility::Shadow>() != 0;
    return in_shadow && Rflags{s.rflags}.get<Rflags::Trap>() &&
           !PendingDebug{s.pending_debug}.get<PendingDebug::SingleStep>();
}

bool long_code(GuestState const& s) { return s.long_mode && rights(s, SegmentName::Cs).get<SegmentRights::LongMode>(); }

struct Rule {
    std::string_view name;
    bool (*is_broken)(GuestState const&);
};

/// In the manual's order. (SDM vol. 3, 27.3.1.1 to 27.3.1.6)
constexpr auto rules = std::to_array<Rule>({
    {"CR0: a bit has the wrong fixed value",
     [](GuestState const& s) {
         return (s.cr0 & s.cr0_must_be_one) != s.cr0_must_be_one || (s.cr0 & ~s.cr0_may_be_one) != 0;
     }},
    {"CR0.PG without CR0.PE",
     [](GuestState const& s) { return Cr0{s.cr0}.get<Cr0::Paging>() && !Cr0{s.cr0}.get<Cr0::ProtectedMode>(); }},
    {"CR4: a bit has the wrong fixed value",
     [](GuestState const& s) {
         return (s.cr4 & s.cr4_must_be_one) != s.cr4_must_be_one || (s.cr4 & ~s.cr4_may_be_one) != 0;
     }},
    {"long mode without CR0.PG or CR4.PAE",
     [](GuestState const& s) {
         return s.long_mode && (!Cr0{s.cr0}.get<Cr0::Paging>() || !Cr4{s.cr4}.get<Cr4::PhysicalAddressExtension>());
     }},
    {"CR4.PCIDE outside long mode",
     [](GuestState const& s) { return !s.long_mode && Cr4{s.cr4}.get<Cr4::ProcessContextId>(); }},
    {"CR3: bits above the physical address width", [](GuestState const& s) { return s.cr3 >> s.physical_bits != 0; }},
    {"DR7 bits 63..32", [](GuestState const& s) { return (s.dr7 & upper_half) != 0; }},
    {"SYSENTER_ESP is not canonical", [](GuestState const& s) { return !is_canonical(s.sysenter_esp); }},
    {"SYSENTER_EIP is not canonical", [](GuestState const& s) { return !is_canonical(s.sysenter_eip); }},
    {"PAT holds no memory types", [](GuestState const& s) { return !arch::is_legal_pat(s.pat); }},
    {"EFER.LMA is not what the entry controls say",
     [](GuestState const& s) { return Efer{s.efer}.get<Efer::LongModeActive>() != s.long_mode; }},
    {"EFER.LME differs from EFER.LMA with paging on",
     [](GuestState const& s) {
         return Cr0{s.cr0}.get<Cr0::Paging>() && Efer{s.efer}.get<Efer::LongModeEnable>() != s.long_mode;
     }},
    {"TR is no busy task state segment", has_bad_task_state},
    {"LDTR is no local descriptor table", has_bad_local_table},
    {"CS is no code segment", has_bad_code_segment},
    {"CS.L and CS.D",
     [](GuestState const& s) { return long_code(s) && rights(s, SegmentName::Cs).get<SegmentRights::Default32>(); }},
    {"SS, DS, ES, FS or GS is no data segment", has_bad_data_segment},
    {"FS, GS or TR base is not canonical",
     [](GuestState const& s) {
         return std::ranges::any_of(based_segments, [&](SegmentName name) { return !is_canonical(of(s, name).base); });
     }},
    {"CS, SS, DS or ES base above 4 GiB",
     [](GuestState const& s) {
         return (of(s, SegmentName::Cs).base & upper_half) != 0 ||
                std::ranges::any_of(lower_segments, [&](SegmentName name) {
                    return is_usable(s, name) && (of(s, name).base & upper_half) != 0;
                });
     }},
    {"GDTR or IDTR base is not canonical",
     [](GuestState const& s) { return !is_canonical(s.gdtr_base) || !is_canonical(s.idtr_base); }},
    {"GDTR or IDTR limit above FFFF", [](GuestState const& s) { return ((s.gdtr_limit | s.idtr_limit) >> 16) != 0; }},
    {"RIP: bits above the code segment's width",
     [](GuestState const& s) { return long_code(s) ? !has_linear_width(s.rip) : (s.rip & upper_half) != 0; }},
    {"RFLAGS: a reserved bit",
     [](GuestState const& s) {
         constexpr u64 legal = 0x3f'7fd7;
         return (s.rflags & ~legal) != 0 || !Rflags{s.rflags}.get<Rflags::AlwaysOne>();
     }},
    {"RFLAGS.VM in long mode or without protection",
     [](GuestState const& s) {
         return Rflags{s.rflags}.get<Rflags::Virtual8086>() && (s.long_mode || !Cr0{s.cr0}.get<Cr0::ProtectedMode>());
     }},
    {"an interrupt to deliver with RFLAGS.IF clear",
     [](GuestState const& s) { return injects_interrupt(s) && !Rflags{s.rflags}.get<Rflags::InterruptEnable>(); }},
    {"activity state", [](GuestState const& s) { return s.activity_state > 3; }},
    {"blocking by STI and by MOV SS",
     [](GuestState const& s) {
         Interruptibility const state{s.interruptibility};
         return state.get<Interruptibility::BySti>() && state.get<Interruptibility::ByMovSs>();
     }},
    {"blocking by STI with RFLAGS.IF clear",
     [](GuestState const& s) {
         return Interruptibility{s.interruptibility}.get<Interruptibility::BySti>() &&
                !Rflags{s.rflags}.get<Rflags::InterruptEnable>();
     }},
    {"an interrupt to deliver in an interrupt shadow",
     [](GuestState const& s) {
         return injects_interrupt(s) && Interruptibility{s.interruptibility}.get<Interruptibility::Shadow>() != 0;
     }},
    {"a single step that is not pending", misses_pending_step},
    {"VMCS link pointer", [](GuestState const& s) { return s.link_pointer != ~u64{0}; }},
});

/// By number. (SDM vol. 3, table 31-1)
constexpr std::array<std::string_view, 13> instruction_errors{
    "no error number",
    "VMCALL in VMX root operation",
    "VMCLEAR with a bad address",
    "VMCLEAR of the VMXON region",
    "VMLAUNCH of a structure that is not clear",
    "VMRESUME of a structure that was not launched",
    "VMRESUME after VMXOFF",
    "a bad control field",
    "a bad host-state field",
    "VMPTRLD with a bad address",
    "VMPTRLD of the VMXON region",
    "VMPTRLD of another revision's structure",
    "a VMCS field that does not exist",
};
constexpr u32 blocked_by_mov_ss = 26;

}

std::string_view describe_bad_state(GuestState const& state)
{
    for (Rule const& rule : rules)
        if (rule.is_broken(state)) return rule.name;
    return "guest state breaks a rule that is not in our list";
}

std::string_view describe_instruction_error(u32 number)
{
    if (number == blocked_by_mov_ss) return "an entry in a MOV SS shadow of our own";
    return number < instruction_errors.size() ? instruction_errors[number] : "an unknown VM-instruction error";
}

}
