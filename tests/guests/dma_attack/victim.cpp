// SPDX-License-Identifier: MIT
#include "tests/guests/dma_attack/victim.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/hvm_save.hpp"
#include "tests/guests/dma_attack/foreign_pages.hpp"
#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"

extern "C" char const victim_program[], victim_program_end[];

namespace hospes::test {
namespace {

constexpr u32 large_order = 9;
constexpr u64 program_page = 0, first_page = 1;

s64 domctl(u16 domain, xen::DomctlCommand command, xen::Domctl call = {})
{
    call.domain = domain;
    call.command = static_cast<u32>(command);
    call.interface_version = xen::domctl_interface_version;
    return hypercall(xen::Hypercall::Domctl, &call);
}

/// In protected mode without paging, all segments flat. (As PVH guests begin: xen/docs/misc/pvh.pandoc)
xen::HvmCpu registers(u64 pages)
{
    constexpr u32 protected_mode = 1, x87_is_internal = 1 << 4;
    constexpr u32 all = ~u32{0}, flat_code = 0xc9b, flat_data = 0xc93, busy_task = 0x8b;
    xen::HvmCpu state{};
    state.cr0 = protected_mode | x87_is_internal;
    state.cs_limit = state.ds_limit = state.es_limit = state.ss_limit = all;
    state.cs_attributes = flat_code;
    state.ds_attributes = state.es_attributes = state.ss_attributes = flat_data;
    state.tr_limit = 0x67;
    state.tr_attributes = busy_task;
    state.rip = program_page << page_shift;
    state.rbx = first_page << page_shift;
    state.rcx = pages << page_shift;
    return state;
}

/// What sethvmcontext wants to read.
struct SavedState {
    xen::HvmSaveDescriptor before_header{static_cast<u16>(xen::HvmSaveCode::Header), 0, sizeof(xen::HvmSaveHeader)};
    xen::HvmSaveHeader header{xen::hvm_file_magic, xen::hvm_file_version, 0, 0, 0};
    xen::HvmSaveDescriptor before_cpu{static_cast<u16>(xen::HvmSaveCode::Cpu), 0, sizeof(xen::HvmCpu)};
    xen::HvmCpu cpu;
    xen::HvmSaveDescriptor end{static_cast<u16>(xen::HvmSaveCode::End), 0, 0};
};

void write_program(u16 domain)
{
    ForeignPages const pages{domain, program_page, 1};
    auto* const place = const_cast<u32*>(&pages.first_word(0));
    std::memcpy(place, victim_program, static_cast<size_t>(victim_program_end - victim_program));
}

}

std::optional<Victim> Victim::create()
{
    xen::Domctl call{};
    call.u.create_domain.flags = xen::create_flag::hvm | xen::create_flag::hap;
    call.u.create_domain.max_vcpus = 1;
    call.u.create_domain.max_event_port = 1023;
    call.u.create_domain.max_grant_frames = call.u.create_domain.max_maptrack_frames = -1;
    call.u.create_domain.grant_options = 1;
    call.u.create_domain.arch.emulation_flags = xen::emulation_flag::local_apic;
    constexpr u16 id = 1; // dom0 has been alone
    if (domctl(id, xen::DomctlCommand::CreateDomain, call) != 0) return std::nullopt;
    Victim victim{id};
    if (!victim.prepare()) return std::nullopt;
    victim.take_all_memory();
    if (!victim.start()) return std::nullopt;
    return victim;
}

bool Victim::prepare() const
{
    xen::Domctl vcpus{}, limit{}, tables{};
    vcpus.u.max_vcpus.max_vcpus = 1;
    limit.u.max_mem.max_memory_kib = u64{64} * mib;
    tables.u.paging_mempool.size = 4 * mib;
    return domctl(id_, xen::DomctlCommand::MaxVcpus, vcpus) == 0 &&
           domctl(id_, xen::DomctlCommand::MaxMem, limit) == 0 &&
           domctl(id_, xen::DomctlCommand::SetPagingMempoolSize, tables) == 0;
}

void Victim::take_all_memory()
{
    for (;; pages_ += u64{1} << large_order) {
        std::array const gfn{pages_};
        if (memory_operation::populate_physmap(id_, gfn.data(), 1, large_order) != 1) return;
    }
}

bool Victim::start() const
{
    if (pages_ <= first_page) return false;
    write_program(id_);
    SavedState const state{.cpu = registers(pages_)};
    xen::Domctl context{};
    context.u.hvm_context.size = sizeof state;
    context.u.hvm_context.buffer = {address(&state)};
    return domctl(id_, xen::DomctlCommand::SetHvmContext, context) == 0 &&
           domctl(id_, xen::DomctlCommand::UnpauseDomain) == 0;
}

u32 Victim::rounds() const { return ForeignPages{id_, first_page, 1}.first_word(0); }

/// The second round from now on is a whole one.
bool Victim::runs() const
{
    u32 const wanted = rounds() + 2;
    for (u64 const deadline = now() + 30 * second; now() < deadline; schedule::yield())
        if (rounds() >= wanted) return true;
    return false;
}

/// Those it has not come to in this round lag behind by one.
u64 Victim::count_others_than(u32 rounds) const
{
    u64 others = 0;
    for (u64 first = first_page; first < pages_; first += ForeignPages::most) {
        u64 const count = std::min(ForeignPages::most, pages_ - first);
        ForeignPages const pages{id_, first, count};
        for (u64 i = 0; i != count; ++i) {
            u32 const seen = pages.first_word(i);
            others += seen != rounds && seen != rounds - 1;
        }
    }
    return others;
}

u64 Victim::count_changed() const
{
    if (domctl(id_, xen::DomctlCommand::PauseDomain) != 0) abandon("the other domain cannot be paused");
    u64 const changed = count_others_than(rounds());
    if (domctl(id_, xen::DomctlCommand::UnpauseDomain) != 0) abandon("the other domain cannot go on");
    return changed;
}

}
