// SPDX-License-Identifier: MIT
/// A domain's memory limits, and what the toolstack asks about its frames.
#include <algorithm>

#include "kernel/hypercall/control_bitmap.hpp"
#include "kernel/hypercall/domctl/domctl_call.hpp"

namespace hospes::control {

namespace {

constexpr u64 most_frames_at_once = 1024; // as under Xen
constexpr u32 address_bits = 64;

}

Expected<> max_memory(DomctlCall& call)
{
    call.domain->quota.ram.set_limit(call.request.u.max_mem.max_memory_kib * kib / page_size);
    return {};
}

/// The pool that second-stage tables come from, in bytes: a hard limit.
Expected<> get_paging_pool(DomctlCall& call)
{
    call.request.u.paging_mempool.size = call.domain->physmap.stage().table_limit() * page_size;
    return {};
}

Expected<> set_paging_pool(DomctlCall& call)
{
    u64 const size = call.request.u.paging_mempool.size;
    if (size % page_size != 0) return failure(Error::Invalid);
    call.domain->physmap.stage().set_table_limit(size / page_size);
    return {};
}

/// There are no shadow tables. What is left are the pool's size in MiB and the log of written pages.
Expected<> shadow_op(DomctlCall& call)
{
    auto& request = call.request.u.shadow_op;
    SecondStage& stage = call.domain->physmap.stage();
    switch (static_cast<xen::ShadowCommand>(request.operation)) {
    case xen::ShadowCommand::EnableLogDirty: return switch_dirty_log(*call.domain, true);
    case xen::ShadowCommand::Off: return switch_dirty_log(*call.domain, false);
    case xen::ShadowCommand::Clean:
    case xen::ShadowCommand::Peek: return read_dirty_log(call);
    case xen::ShadowCommand::GetAllocation:
        request.megabytes = static_cast<u32>(stage.table_limit() * page_size / mib);
        return {};
    case xen::ShadowCommand::SetAllocation: stage.set_table_limit(request.megabytes * mib / page_size); return {};
    default: return failure(Error::NotSupported);
    }
}

/// The types replace the numbers that were asked about, so what is answered must not be looked at again.
Expected<> page_frame_info(DomctlCall& call)
{
    auto const& request = call.request.u.get_page_frame_info3;
    if (request.nr_frames > most_frames_at_once) return failure(Error::TooBig);
    for (u32 i = call.progress; i < request.nr_frames;) {
        auto const frame = copy_in(call.caller, request.array, i);
        if (!frame) return failure(frame.error());
        bool const is_memory = call.domain->physmap.lookup(Gfn{*frame}).type == MappingType::Ram;
        u64 const type = is_memory ? xen::page_frame_type::no_table : xen::page_frame_type::invalid;
        if (auto const copied = copy_out(call.caller, request.array, type, i); !copied) return copied;
        if (++i < request.nr_frames && call.budget().is_spent()) return call.restart_at(i);
    }
    return {};
}

Expected<> get_address_size(DomctlCall& call)
{
    call.request.u.address_size.bits = address_bits;
    return {};
}

/// There is one node; memory always comes from it.
Expected<> set_node_affinity(DomctlCall&) { return {}; }

Expected<> get_node_affinity(DomctlCall& call)
{
    CpuSet nodes;
    nodes.set(0);
    return write_bitmap(call.caller, call.request.u.node_affinity.nodes, nodes);
}

}
