// SPDX-License-Identifier: MIT
/// Making and ending domains.
#include <algorithm>

#include "kernel/domain/burial.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/domain/para_clock.hpp"
#include "kernel/domain/state_changes.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/hypercall/domain_info.hpp"
#include "kernel/hypercall/domctl/domctl_call.hpp"
#include "kernel/options/command_line.hpp"

namespace hospes::control {

namespace {

constexpr u32 highest_grant_version_known = 2;
constexpr u32 flags_known = xen::create_flag::hvm | xen::create_flag::hap | xen::create_flag::s3_integrity |
                            xen::create_flag::oos_off | xen::create_flag::xenstore_domain | xen::create_flag::iommu |
                            xen::create_flag::nested_virtualisation | xen::create_flag::vpmu;
constexpr u32 flags_needed = xen::create_flag::hvm | xen::create_flag::hap;
/// Features that need what we do not have: a second IOMMU owner, nested SVM or VMX, a virtual PMU.
constexpr u32 flags_refused =
    xen::create_flag::iommu | xen::create_flag::nested_virtualisation | xen::create_flag::vpmu;

Expected<> check(xen::DomctlCreateDomain const& wanted)
{
    if ((wanted.flags & ~flags_known) != 0 || (wanted.flags & flags_needed) != flags_needed)
        return failure(Error::Invalid);
    if ((wanted.flags & flags_refused) != 0 || wanted.iommu_options != 0) return failure(Error::Invalid);
    if (wanted.max_vcpus == 0 || wanted.max_vcpus > max_vcpus_per_domain) return failure(Error::Invalid);
    if ((wanted.grant_options & ~xen::grant_option_version_mask) != 0) return failure(Error::Invalid);
    if (wanted.grant_options > highest_grant_version_known) return failure(Error::Invalid);
    if (wanted.arch.emulation_flags != xen::emulation_flag::local_apic) return failure(Error::NotSupported);
    if ((wanted.arch.misc_flags & ~xen::misc_flag::msr_relaxed) != 0) return failure(Error::Invalid);
    if (wanted.altp2m != 0 || wanted.vmtrace_size != 0) return failure(Error::NotSupported);
    if (wanted.cpupool_id != 0) return failure(Error::NotFound);
    return {};
}

/// Negative numbers mean "the default".
u32 limit(s32 wanted, u32 usual) { return wanted < 0 ? usual : static_cast<u32>(wanted); }

DomainConfiguration configuration_for(xen::DomctlCreateDomain const& wanted)
{
    return {.max_vcpus = wanted.max_vcpus,
            .max_event_port = std::min(wanted.max_event_port, PortTable::capacity - 1),
            .max_grant_frames = limit(wanted.max_grant_frames, options().max_grant_frames),
            .max_maptrack_frames = limit(wanted.max_maptrack_frames, options().max_maptrack_frames),
            .grants_allowed = wanted.grant_options != 0,
            .flags = wanted.flags,
            .emulation_flags = wanted.arch.emulation_flags,
            .ssidref = wanted.ssidref,
            .cpupool = wanted.cpupool_id,
            .handle = wanted.handle};
}

Expected<DomainId> choose_id(DomainId wanted)
{
    if (wanted != 0 && wanted < xen::domid_first_reserved) return wanted;
    return domains::choose_id();
}

}

Expected<> create_domain(DomctlCall& call)
{
    auto const& wanted = call.request.u.create_domain;
    if (auto const valid = check(wanted); !valid) return valid;
    auto const id = choose_id(call.request.domain);
    if (!id) return failure(id.error());
    auto const domain = Domain::create(*id, configuration_for(wanted), false);
    if (!domain) return failure(domain.error());
    if (auto const added = domains::add(**domain); !added) {
        (*domain)->abandon();
        return added;
    }
    call.request.domain = *id;
    return {};
}

namespace {

Expected<> end_domain(DomctlCall& call)
{
    auto const domain = domains::find(call.request.domain);
    if (!domain) return failure(domain.error());
    if ((*domain)->is_control_domain()) return failure(Error::Invalid);
    auto const turn = (*domain)->control_turn.try_take();
    if (!turn) return failure(Error::Restart);
    return (*domain)->destroy_slice(call.budget());
}

}

/// Normally the caller held the last reference: then the call goes on until all of the domain's memory is free.
Expected<> destroy_domain(DomctlCall& call)
{
    constexpr u32 ended = 1; // nobody finds it any more
    if (call.progress != ended)
        if (auto const done = end_domain(call); !done) return done;
    if (!burial::go_on(call.budget())) return call.restart_at(ended);
    return {};
}

Expected<> pause_domain(DomctlCall& call)
{
    if (call.concerns_caller()) return failure(Error::Invalid);
    return call.domain->pause();
}

/// Lets go, too, what is held by a transfer of its state that nobody goes on with.
Expected<> unpause_domain(DomctlCall& call)
{
    if (call.concerns_caller()) return failure(Error::Invalid);
    bool const was_held = call.domain->end_transfer();
    auto const unpaused = call.domain->unpause();
    return was_held ? Expected<>{} : unpaused;
}

Expected<> resume_domain(DomctlCall& call)
{
    if (call.concerns_caller()) return failure(Error::Invalid);
    return call.domain->resume();
}

Expected<> get_domain_info(DomctlCall& call)
{
    call.request.u.get_domain_info = describe_domain(*call.domain);
    call.request.domain = call.domain->id();
    return {};
}

namespace {

/// The one that VIRQ_DOM_EXC tells of changes may take them.
Expected<DomainId> take_change(Vcpu const& caller)
{
    Vcpu const& first = *caller.domain().vcpu(0);
    bool const is_told = first.virq_ports[static_cast<u32>(VirtualInterrupt::DomainException)].load() != 0;
    if (!is_told) return failure(Error::AccessDenied);
    auto const changed = state_changes::take();
    if (!changed) return failure(Error::NotFound);
    return *changed;
}

}

/// (xen/common/domain.c of 4.21, get_domain_state)
Expected<> get_domain_state(DomctlCall& call)
{
    auto& answer = call.request.u.get_domain_state;
    if (answer.pad != 0) return failure(Error::Invalid);
    bool const any = call.request.domain == xen::domid_invalid;
    auto const id = any ? take_change(call.caller) : Expected<DomainId>{call.request.domain};
    if (!id) return failure(id.error());
    auto const domain = domains::find(*id);
    if (!domain && !any) return failure(domain.error());
    answer = domain ? describe_state(**domain) : xen::DomctlGetDomainState{};
    call.request.domain = *id;
    return {};
}

Expected<> set_domain_handle(DomctlCall& call)
{
    call.domain->control.lock()->handle = call.request.u.set_domain_handle.handle;
    return {};
}

Expected<> set_time_offset(DomctlCall& call)
{
    call.domain->clock.offset_seconds.store(call.request.u.set_time_offset.seconds, std::memory_order_relaxed);
    para_clock::publish_wall_clock(*call.domain);
    return {};
}

}
