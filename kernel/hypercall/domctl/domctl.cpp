// SPDX-License-Identifier: MIT
/// domctl(call): the toolstack's view of single domains. (xen/include/public/domctl.h; abi.md 3.12, 3.14.)
#include "kernel/hypercall/domctl/domctl_call.hpp"

#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/command_table.hpp"
#include "kernel/hypercall/domctl/layout.hpp"

namespace hospes {

namespace {

/// Which domain the handler is given.
enum class Finds : u8 {
    TheDomain, ///< the one that is named
    OrTheNext, ///< for releases that want it so, the first that exists from there on
    Itself,    ///< none: it looks for itself
};

/// What the interface version must be.
enum class Interface : u8 { OfRelease, Stable };

struct Row {
    xen::DomctlCommand number;
    control::Handler handler;
    Finds finds = Finds::TheDomain;
    Interface interface = Interface::OfRelease;
};

using enum xen::DomctlCommand;

/// The toolstack of 4.20 and later tries it with each new domain, and takes no other refusal.
Expected<> not_supported(control::DomctlCall&) { return failure(Error::NotSupported); }

/// Passthrough, introspection, tracing and PV-only commands are left out: NotImplemented.
constexpr std::array rows{
    Row{CreateDomain, control::create_domain, Finds::Itself},
    Row{DestroyDomain, control::destroy_domain, Finds::Itself},
    Row{PauseDomain, control::pause_domain},
    Row{UnpauseDomain, control::unpause_domain},
    Row{GetDomainInfo, control::get_domain_info, Finds::OrTheNext},
    Row{SetVcpuAffinity, control::set_vcpu_affinity},
    Row{ShadowOp, control::shadow_op},
    Row{MaxMem, control::max_memory},
    Row{SetVcpuContext, control::set_vcpu_context},
    Row{GetVcpuContext, control::get_vcpu_context},
    Row{GetVcpuInfo, control::get_vcpu_info},
    Row{MaxVcpus, control::max_vcpus},
    Row{SchedulerOp, control::scheduler_op},
    Row{SetDomainHandle, control::set_domain_handle},
    Row{SetTimeOffset, control::set_time_offset},
    Row{GetVcpuAffinity, control::get_vcpu_affinity},
    Row{ResumeDomain, control::resume_domain},
    Row{SendTrigger, control::send_trigger},
    Row{GetHvmContext, control::get_hvm_context},
    Row{SetHvmContext, control::set_hvm_context},
    Row{GetHvmContextPartial, control::get_hvm_context_partial},
    Row{GetAddressSize, control::get_address_size},
    Row{GetTscInfo, control::get_tsc_info},
    Row{SetTscInfo, control::set_tsc_info},
    Row{GetPageFrameInfo3, control::page_frame_info},
    Row{SetNodeAffinity, control::set_node_affinity},
    Row{GetNodeAffinity, control::get_node_affinity},
    Row{GetCpuPolicy, control::get_cpu_policy},
    Row{SetCpuPolicy, control::set_cpu_policy},
    Row{GetPagingMempoolSize, control::get_paging_pool},
    Row{SetPagingMempoolSize, control::set_paging_pool},
    Row{SetLlcColors, not_supported},
    Row{GetDomainState, control::get_domain_state, Finds::Itself, Interface::Stable},
};
constexpr auto commands = command_table<rows>();

/// The release that the call was made for; null if the interface version is not one that is answered. Stable commands
/// are those of the last.
xen::Release const* release_of(Row const* row, u32 interface_version)
{
    if (!row || row->interface == Interface::OfRelease) return xen::release_of_domctl(interface_version);
    return interface_version == xen::stable_interface_version ? &xen::releases.back() : nullptr;
}

Expected<DomainReference> find_domain(Row const& row, control::DomctlCall const& call)
{
    if (row.finds != Finds::OrTheNext || call.release.exact_domain_info) return domains::find(call.request.domain);
    auto found = domains::at_or_after(call.request.domain);
    if (!found) return failure(Error::NoSuchDomain);
    return *std::move(found);
}

Expected<> perform(Vcpu& caller, Row const& row, xen::Release const& release, xen::Domctl& request, u32& progress)
{
    control::DomctlCall call{caller, nullptr, request, progress, release};
    if (row.finds == Finds::Itself) return row.handler(call);
    auto const domain = find_domain(row, call);
    if (!domain) return failure(domain.error());
    // Another of dom0's vCPUs may be changing the same domain: this call is made again when that one is done.
    auto const turn = (*domain)->control_turn.try_take();
    if (!turn) return failure(Error::Restart);
    call.domain = &**domain;
    return row.handler(call);
}

}

Expected<u64> domctl(Vcpu& caller, HypercallArguments& arguments)
{
    auto const claim = claim_of<xen::Domctl>(arguments[0]);
    auto request = copy_in(caller, claim);
    if (!request) return failure(request.error());
    Row const* const row = commands.find(request->command);
    xen::Release const* const release = release_of(row, request->interface_version);
    if (!release) return failure(Error::AccessDenied);
    if (!row || !row->handler) return failure(Error::NotImplemented);
    control::widen(*request, *release);
    auto const done = perform(caller, *row, *release, *request, arguments.progress);
    if (!done && done.error() == Error::Restart) return failure(Error::Restart);
    control::narrow(*request, *release);
    // Copied back on errors too: some say in the structure what they stumbled over.
    if (auto const copied = copy_out(caller, claim, *request); !copied) return failure(copied.error());
    if (!done) return failure(done.error());
    return 0;
}

}
