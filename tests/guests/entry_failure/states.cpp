// SPDX-License-Identifier: MIT
#include "tests/guests/entry_failure/states.hpp"

#include <array>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "tests/guests/framework/other_domain.hpp"

namespace hospes::test {
namespace {

using Cpu = xen::HvmCpu;

// Attributes: type 3..0, S 4, DPL 6..5, P 7, AVL 8, L 9, D/B 10, G 11.
constexpr u32 flat_code_64 = 0xa9b, flat_data = 0xc93, busy_task_state = 0x8b;
constexpr u32 type_mask = 0xf, code_or_data = 1 << 4, default_32 = 1 << 10, granularity = 1 << 11;
constexpr u32 available_task_state = 9, data_read_only = 1;

constexpr u32 flat_limit = 0xffff'ffff;
constexpr u64 bit_63 = u64{1} << 63;
constexpr u64 not_canonical = u64{1} << 47;
constexpr u64 above_4_gib = u64{1} << 32;

constexpr u64 protected_mode = Cr0{}.with<Cr0::ProtectedMode>(true).with<Cr0::ExtensionType>(true).raw();
constexpr u64 paging = Cr0::Paging::mask;
constexpr u64 physical_address_extension = Cr4::PhysicalAddressExtension::mask;
constexpr u64 long_mode = Efer::LongModeEnable::mask | Efer::LongModeActive::mask;

// HvmCpu::pending_event: vector 7..0, type 10..8, error code 11, valid 31.
constexpr u32 event_valid = 1U << 31, event_has_error_code = 1 << 11, event_nmi = 2 << 8, event_exception = 3 << 8;

constexpr Fate runs{Fate::Kind::Runs};
constexpr Fate refused{Fate::Kind::Refused};
constexpr Fate unknown{Fate::Kind::Unknown};
constexpr Fate ends(std::string_view rule) { return {Fate::Kind::Ends, rule}; }

/// QEMU's and Bochs' VMRUN have put the host's state into the block by then: the log names what it finds there.
constexpr auto ends_somehow = ends("");
constexpr auto bad_data_segment = ends("SS, DS, ES, FS or GS is no data segment");
constexpr auto bad_task_state = ends("TR is no busy task state segment");

constexpr auto table = std::to_array<State>({
    {"protected mode", Mode::Protected32, [](Cpu&) {}, runs, runs},
    {"long mode", Mode::Long, [](Cpu&) {}, runs, runs},
    {"an interrupt that waits for RFLAGS.IF", Mode::Long, [](Cpu& c) { c.pending_event = event_valid | 0x40; }, runs,
     runs},
    {"a SYSENTER_EIP that is not canonical", Mode::Long, [](Cpu& c) { c.sysenter_eip = not_canonical; }, runs, runs},

    // What no CPU would take, whoever made it.
    {"CR0 bits 63..32", Mode::Long, [](Cpu& c) { c.cr0 |= bit_63; }, refused, refused},
    {"CR0.PG without CR0.PE", Mode::Protected32, [](Cpu& c) { c.cr0 = paging; }, refused, refused},
    {"CR0.NW without CR0.CD", Mode::Protected32, [](Cpu& c) { c.cr0 |= Cr0::NotWriteThrough::mask; }, refused,
     refused},
    {"long mode without CR4.PAE", Mode::Long, [](Cpu& c) { c.cr4 = 0; }, refused, refused},
    {"EFER.LMA without EFER.LME", Mode::Long, [](Cpu& c) { c.msr_efer = Efer::LongModeActive::mask; }, refused,
     refused},
    {"EFER.LME with paging, without EFER.LMA", Mode::Long, [](Cpu& c) { c.msr_efer = Efer::LongModeEnable::mask; },
     refused, refused},
    {"EFER.LMA without paging", Mode::Protected32, [](Cpu& c) { c.msr_efer = long_mode; }, refused, refused},
    {"EFER.SVME", Mode::Long, [](Cpu& c) { c.msr_efer |= Efer::SvmEnable::mask; }, refused, refused},
    {"a reserved bit of EFER", Mode::Long, [](Cpu& c) { c.msr_efer |= bit_63; }, refused, refused},
    {"a reserved bit of CR4", Mode::Long, [](Cpu& c) { c.cr4 |= u64{1} << 40; }, refused, refused},
    {"CR4.VMXE", Mode::Long, [](Cpu& c) { c.cr4 |= Cr4::VmxEnable::mask; }, refused, refused},
    {"CR4.LA57, which no guest has", Mode::Long, [](Cpu& c) { c.cr4 |= Cr4::LinearAddress57::mask; }, refused, refused},
    {"CR4.PCIDE outside long mode", Mode::Protected32, [](Cpu& c) { c.cr4 = Cr4::ProcessContextId::mask; }, refused,
     refused},
    {"DR6 bits 63..32", Mode::Long, [](Cpu& c) { c.dr6 = bit_63; }, refused, refused},
    {"DR7 bits 63..32", Mode::Long, [](Cpu& c) { c.dr7 = bit_63; }, refused, refused},
    {"an exception 40", Mode::Long, [](Cpu& c) { c.pending_event = event_valid | event_exception | 40; }, refused,
     refused},
    {"an NMI 3", Mode::Long, [](Cpu& c) { c.pending_event = event_valid | event_nmi | 3; }, refused, refused},
    {"#UD with an error code", Mode::Long,
     [](Cpu& c) { c.pending_event = event_valid | event_exception | event_has_error_code | 6; }, refused, refused},
    {"#GP without an error code", Mode::Long, [](Cpu& c) { c.pending_event = event_valid | event_exception | 13; },
     refused, refused},

    // What only the CPU knows.
    {"CS.L and CS.D", Mode::Long, [](Cpu& c) { c.cs_attributes |= default_32; }, ends("CS.L and CS.D"),
     ends_somehow},
    {"CR3 bit 63", Mode::Long, [](Cpu& c) { c.cr3 |= bit_63; }, ends("CR3: bits above the physical address width"),
     unknown},
    {"a task state segment that is not busy", Mode::Long,
     [](Cpu& c) { c.tr_attributes = (busy_task_state & ~type_mask) | available_task_state; }, bad_task_state, unknown},
    {"no task state segment", Mode::Protected32, [](Cpu& c) { c.tr_attributes = 0; }, bad_task_state, unknown},
    {"a task state segment whose limit lacks its granularity", Mode::Protected32,
     [](Cpu& c) { c.tr_limit = flat_limit; }, bad_task_state, unknown},
    {"an LDTR with a task state segment", Mode::Protected32, [](Cpu& c) { c.ldtr_attributes = busy_task_state; },
     ends("LDTR is no local descriptor table"), unknown},
    {"a code segment of data, read-only", Mode::Protected32,
     [](Cpu& c) { c.cs_attributes = (flat_data & ~type_mask) | data_read_only; }, ends("CS is no code segment"),
     unknown},
    {"a data segment of the system's", Mode::Protected32, [](Cpu& c) { c.ds_attributes &= ~code_or_data; },
     bad_data_segment, unknown},
    {"a stack segment whose limit lacks its granularity", Mode::Protected32,
     [](Cpu& c) { c.ss_attributes &= ~granularity; }, bad_data_segment, unknown},
    {"an FS base that is not canonical", Mode::Long, [](Cpu& c) { c.fs_base = not_canonical; },
     ends("FS, GS or TR base is not canonical"), unknown},
    {"a stack segment above 4 GiB", Mode::Protected32, [](Cpu& c) { c.ss_base = above_4_gib; },
     ends("CS, SS, DS or ES base above 4 GiB"), unknown},
    {"a GDTR base that is not canonical", Mode::Long, [](Cpu& c) { c.gdtr_base = not_canonical; },
     ends("GDTR or IDTR base is not canonical"), unknown},
    {"an EIP of 64 bits", Mode::Protected32, [](Cpu& c) { c.rip |= above_4_gib; },
     ends("RIP: bits above the code segment's width"), unknown},
    {"a reserved bit of RFLAGS", Mode::Long, [](Cpu& c) { c.rflags |= bit_63; }, ends("RFLAGS: a reserved bit"),
     unknown},
    {"RFLAGS.VM in long mode", Mode::Long, [](Cpu& c) { c.rflags |= Rflags::Virtual8086::mask; },
     ends("RFLAGS.VM in long mode or without protection"), unknown},
    {"PAE paging with bad pointers", Mode::Protected32,
     [](Cpu& c) {
         c.cr0 |= paging;
         c.cr4 = physical_address_extension;
         c.cr3 = place::bad_pointers;
     },
     ends("a page directory pointer entry (PDPTE)"), unknown},

    // The guest's own doing. CR0.CD is not its own on VMX, so that the instruction is carried out in software.
    {"PAE paging with bad pointers, turned on by the guest", Mode::Protected32,
     [](Cpu& c) {
         c.rip = place::load_cr0;
         c.rax = protected_mode | paging | Cr0::CacheDisable::mask;
         c.cr4 = physical_address_extension;
         c.cr3 = place::bad_pointers;
     },
     ends("a page directory pointer entry (PDPTE)"), unknown},
});

}

Cpu good_registers(Mode mode)
{
    Cpu registers = flat_registers();
    if (mode == Mode::Protected32) return registers;
    registers.cr0 |= paging;
    registers.cr3 = place::top_table;
    registers.cr4 = physical_address_extension;
    registers.msr_efer = long_mode;
    registers.cs_attributes = flat_code_64;
    return registers;
}

std::span<State const> states() { return table; }

}
