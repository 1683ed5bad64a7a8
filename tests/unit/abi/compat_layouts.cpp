// SPDX-License-Identifier: MIT
/// What kernel/abi/compat says about both sides of a structure, beside Xen's headers. Compiled for 64 bits and for 32,
/// and never run: what differs does not compile.
#include "kernel/abi/compat/calls.hpp"
#include "kernel/abi/compat/shared_info.hpp"

#include <utility>

#include "tests/unit/abi/xen_headers.hpp"

namespace hospes::compat {
namespace {

constexpr bool is_narrow = sizeof(void*) == narrow_long;

struct Place {
    size_t at;
    size_t bytes;
    constexpr bool operator==(Place const&) const = default;
};

/// Are the layout's members here, and its end there?
template <size_t count>
consteval bool lies_so(Layout const& layout, size_t bytes, std::array<Place, count> const& places)
{
    if ((is_narrow ? layout.narrow_bytes : layout.wide_bytes) != bytes) return false;
    size_t next = 0;
    for (Member const& member : std::span{layout.members}.first(layout.count)) {
        if (member.wide_bytes == 0) continue; // of no member
        Place const here{is_narrow ? member.narrow_at : member.wide_at,
                         is_narrow ? member.narrow_bytes : member.wide_bytes};
        if (next == count || here != places[next++]) return false;
    }
    return next == count;
}

}

// clang-format off

/// Only macros can ask for the offset of a member.
#define PLACE_OF(member) Place{offsetof(Theirs, member), sizeof(std::declval<Theirs&>().member)}
#define LAYOUT(layout, type, ...) \
    namespace layout##_ { \
    using Theirs = ::type; \
    static_assert(lies_so(layout, sizeof(Theirs), std::array{__VA_ARGS__})); \
    }
/// The same for both.
#define EQUAL(ours, theirs) \
    static_assert(offsetof(Ours, ours) == offsetof(Theirs, theirs) && \
                  sizeof(std::declval<Ours&>().ours) == sizeof(std::declval<Theirs&>().theirs))
#define SAME(name, ours, theirs, ...) \
    namespace name##_ { \
    using Ours = ours; \
    using Theirs = ::theirs; \
    static_assert(sizeof(Ours) == sizeof(Theirs)); \
    __VA_ARGS__; \
    }

LAYOUT(multicall_entry, multicall_entry_t, PLACE_OF(op), PLACE_OF(result), PLACE_OF(args))
LAYOUT(memory_reservation, xen_memory_reservation, PLACE_OF(extent_start), PLACE_OF(nr_extents),
       PLACE_OF(extent_order), PLACE_OF(mem_flags), PLACE_OF(domid))
LAYOUT(add_to_physmap, xen_add_to_physmap, PLACE_OF(domid), PLACE_OF(size), PLACE_OF(space), PLACE_OF(idx),
       PLACE_OF(gpfn))
LAYOUT(add_to_physmap_batch, xen_add_to_physmap_batch, PLACE_OF(domid), PLACE_OF(space), PLACE_OF(size),
       PLACE_OF(u.foreign_domid), PLACE_OF(idxs), PLACE_OF(gpfns), PLACE_OF(errs))
LAYOUT(remove_from_physmap, xen_remove_from_physmap, PLACE_OF(domid), PLACE_OF(gpfn))
LAYOUT(memory_map, xen_memory_map, PLACE_OF(nr_entries), PLACE_OF(buffer))
LAYOUT(foreign_memory_map, xen_foreign_memory_map, PLACE_OF(domid), PLACE_OF(map.nr_entries), PLACE_OF(map.buffer))
LAYOUT(reserved_device_memory_map, xen_reserved_device_memory_map, PLACE_OF(flags), PLACE_OF(nr_entries),
       PLACE_OF(buffer), PLACE_OF(dev.pci.seg), PLACE_OF(dev.pci.bus), PLACE_OF(dev.pci.devfn))
LAYOUT(grant_setup_table, gnttab_setup_table, PLACE_OF(dom), PLACE_OF(nr_frames), PLACE_OF(status),
       PLACE_OF(frame_list))
LAYOUT(grant_copy, gnttab_copy, PLACE_OF(source.u), PLACE_OF(source.domid), PLACE_OF(source.offset), PLACE_OF(dest.u),
       PLACE_OF(dest.domid), PLACE_OF(dest.offset), PLACE_OF(len), PLACE_OF(flags), PLACE_OF(status))
LAYOUT(sched_poll, sched_poll, PLACE_OF(ports), PLACE_OF(nr_ports), PLACE_OF(timeout))
LAYOUT(runstate_info, vcpu_runstate_info, PLACE_OF(state), PLACE_OF(state_entry_time), PLACE_OF(time))
LAYOUT(register_runstate_area, vcpu_register_runstate_memory_area, PLACE_OF(addr.v))
LAYOUT(register_time_area, vcpu_register_time_memory_area, PLACE_OF(addr.v))
LAYOUT(set_singleshot_timer, vcpu_set_singleshot_timer, PLACE_OF(timeout_abs_ns), PLACE_OF(flags))
LAYOUT(platform_parameters, xen_platform_parameters, PLACE_OF(virt_start))
static_assert(lies_so(one_long, sizeof(xen_pfn_t), std::array{Place{0, sizeof(xen_pfn_t)}}));
static_assert(sizeof(xen_ulong_t) == sizeof(xen_pfn_t));

SAME(event_alloc, xen::EventAllocUnbound, evtchn_alloc_unbound, EQUAL(remote_domain, remote_dom); EQUAL(port, port))
SAME(event_inter, xen::EventBindInterdomain, evtchn_bind_interdomain, EQUAL(remote_domain, remote_dom);
     EQUAL(remote_port, remote_port); EQUAL(local_port, local_port))
SAME(event_virq, xen::EventBindVirq, evtchn_bind_virq, EQUAL(virq, virq); EQUAL(vcpu, vcpu); EQUAL(port, port))
SAME(event_pirq, xen::EventBindPirq, evtchn_bind_pirq, EQUAL(pirq, pirq); EQUAL(flags, flags); EQUAL(port, port))
SAME(event_ipi, xen::EventBindIpi, evtchn_bind_ipi, EQUAL(vcpu, vcpu); EQUAL(port, port))
SAME(event_close, xen::EventClose, evtchn_close, EQUAL(port, port))
SAME(event_send, xen::EventSend, evtchn_send, EQUAL(port, port))
SAME(event_status, xen::EventStatus, evtchn_status, EQUAL(domain, dom); EQUAL(port, port); EQUAL(status, status);
     EQUAL(vcpu, vcpu); EQUAL(u.interdomain.domain, u.interdomain.dom); EQUAL(u.interdomain.port, u.interdomain.port))
SAME(event_vcpu, xen::EventBindVcpu, evtchn_bind_vcpu, EQUAL(port, port); EQUAL(vcpu, vcpu))
SAME(event_unmask, xen::EventUnmask, evtchn_unmask, EQUAL(port, port))
SAME(event_reset, xen::EventReset, evtchn_reset, EQUAL(domain, dom))
SAME(grant_map, xen::GrantMap, gnttab_map_grant_ref, EQUAL(host_address, host_addr); EQUAL(flags, flags);
     EQUAL(reference, ref); EQUAL(domain, dom); EQUAL(status, status); EQUAL(handle, handle);
     EQUAL(device_bus_address, dev_bus_addr))
SAME(grant_unmap, xen::GrantUnmap, gnttab_unmap_grant_ref, EQUAL(host_address, host_addr);
     EQUAL(device_bus_address, dev_bus_addr); EQUAL(handle, handle); EQUAL(status, status))
SAME(grant_size, xen::GrantQuerySize, gnttab_query_size, EQUAL(domain, dom); EQUAL(nr_frames, nr_frames);
     EQUAL(max_nr_frames, max_nr_frames); EQUAL(status, status))
SAME(grant_set, xen::GrantSetVersion, gnttab_set_version, EQUAL(version, version))
SAME(grant_get, xen::GrantGetVersion, gnttab_get_version, EQUAL(domain, dom); EQUAL(version, version))
SAME(grant_swap, xen::GrantSwap, gnttab_swap_grant_ref, EQUAL(reference_a, ref_a); EQUAL(reference_b, ref_b);
     EQUAL(status, status))
SAME(shutdown, xen::SchedShutdown, sched_shutdown, EQUAL(reason, reason))
SAME(remote_shutdown, xen::SchedRemoteShutdown, sched_remote_shutdown, EQUAL(domain, domain_id); EQUAL(reason, reason))
SAME(vcpu_register, xen::VcpuRegisterVcpuInfo, vcpu_register_vcpu_info, EQUAL(gfn, mfn); EQUAL(offset, offset))
SAME(hvm_param, xen::HvmParam, xen_hvm_param, EQUAL(domain, domid); EQUAL(index, index); EQUAL(value, value))
SAME(hvm_time, xen::HvmGetTime, xen_hvm_get_time, EQUAL(now, now))
SAME(hvm_vector, xen::HvmEventUpcallVector, xen_hvm_evtchn_upcall_vector, EQUAL(vcpu, vcpu); EQUAL(vector, vector))
SAME(compile_info, xen::CompileInfo, xen_compile_info, EQUAL(compiler, compiler); EQUAL(compiled_by, compile_by);
     EQUAL(compile_domain, compile_domain); EQUAL(compile_date, compile_date))
SAME(feature, xen::FeatureInfo, xen_feature_info, EQUAL(submap_index, submap_idx); EQUAL(submap, submap))
SAME(time_info, xen::VcpuTimeInfo, vcpu_time_info, EQUAL(version, version); EQUAL(tsc_timestamp, tsc_timestamp);
     EQUAL(system_time, system_time); EQUAL(tsc_to_system_multiplier, tsc_to_system_mul); EQUAL(tsc_shift, tsc_shift);
     EQUAL(flags, flags))
static_assert(sizeof(domid_t) == sizeof(xen::MemoryDomain));

#ifndef __x86_64__
SAME(vcpu_info, VcpuInfo, vcpu_info, EQUAL(event_upcall_pending, evtchn_upcall_pending);
     EQUAL(event_upcall_mask, evtchn_upcall_mask); EQUAL(event_pending_selector, evtchn_pending_sel);
     EQUAL(cr2, arch.cr2); EQUAL(time, time))
SAME(shared_info, SharedInfo, shared_info, EQUAL(vcpu_info, vcpu_info); EQUAL(event_pending, evtchn_pending);
     EQUAL(event_mask, evtchn_mask); EQUAL(wall_clock_version, wc_version); EQUAL(wall_clock_seconds, wc_sec);
     EQUAL(wall_clock_nanoseconds, wc_nsec); EQUAL(max_pfn, arch.max_pfn);
     EQUAL(pfn_to_mfn_frame_list_list, arch.pfn_to_mfn_frame_list_list); EQUAL(nmi_reason, arch.nmi_reason);
     EQUAL(p2m_cr3, arch.p2m_cr3); EQUAL(p2m_vaddr, arch.p2m_vaddr); EQUAL(p2m_generation, arch.p2m_generation);
     EQUAL(wall_clock_seconds_high, arch.wc_sec_hi))
SAME(runstate, RunstateInfo, vcpu_runstate_info, EQUAL(state, state); EQUAL(state_entry_time, state_entry_time);
     EQUAL(time, time))
static_assert(event_channels == EVTCHN_2L_NR_CHANNELS);
#endif

// clang-format on

}
