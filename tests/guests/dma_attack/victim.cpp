// SPDX-License-Identifier: MIT
#include "tests/guests/dma_attack/victim.hpp"

#include <algorithm>
#include <array>

#include "kernel/abi/xen/domctl.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"

namespace hospes::test {
namespace {

constexpr u32 large_order = 9;
constexpr u64 pages_at_once = 256;
constexpr u64 window_offset = 0x400; // into the hole that unused_gfn() knows

s64 domctl(xen::DomctlCommand command, xen::Domctl& call)
{
    call.command = static_cast<u32>(command);
    call.interface_version = xen::domctl_interface_version;
    return hypercall(xen::Hypercall::Domctl, &call);
}

/// Maps `count` of its pages from `first` on, one after the other.
s64 map(u16 domain, u64 first, u64 window, u64 count)
{
    static std::array<u64, pages_at_once> indexes, gfns;
    static std::array<s32, pages_at_once> errors;
    for (u64 i = 0; i != count; ++i) {
        indexes[i] = first + i;
        gfns[i] = window + i;
    }
    xen::AddToPhysmapBatch request{};
    request.domain = xen::domid_self;
    request.space = static_cast<u16>(xen::MapSpace::GmfnForeign);
    request.size = static_cast<u16>(count);
    request.foreign_domain = domain;
    request.indexes = {address(indexes.data())};
    request.gfns = {address(gfns.data())};
    request.errors = {address(errors.data())};
    return hypercall(xen::Hypercall::MemoryOp, xen::MemoryCommand::AddToPhysmapBatch, &request);
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
    if (domctl(xen::DomctlCommand::CreateDomain, call) != 0) return std::nullopt;
    Victim victim{call.domain};
    xen::Domctl limit{};
    limit.domain = victim.id_;
    limit.u.max_mem.max_memory_kib = u64{64} * mib;
    xen::Domctl tables{};
    tables.domain = victim.id_;
    tables.u.paging_mempool.size = 4 * mib;
    if (domctl(xen::DomctlCommand::MaxMem, limit) != 0) return std::nullopt;
    if (domctl(xen::DomctlCommand::SetPagingMempoolSize, tables) != 0) return std::nullopt;
    victim.take_all_memory();
    return victim;
}

void Victim::take_all_memory()
{
    for (;; pages_ += u64{1} << large_order) {
        std::array const gfn{pages_};
        if (memory_operation::populate_physmap(id_, gfn.data(), 1, large_order) != 1) return;
    }
}

u64 Victim::count_changed() const
{
    u64 const window = unused_gfn(window_offset);
    u64 changed = 0;
    for (u64 first = 0; first < pages_; first += pages_at_once) {
        u64 const count = std::min(pages_at_once, pages_ - first);
        if (map(id_, first, window, count) != 0) return pages_;
        for (u64 i = 0; i != count; ++i) {
            changed += *reinterpret_cast<u64 volatile*>((window + i) << page_shift) != 0;
            static_cast<void>(memory_operation::remove_from_physmap(xen::domid_self, window + i));
        }
    }
    return changed;
}

}
