// SPDX-License-Identifier: MIT
/// domctl(call): the toolstack's view of single domains. (xen/include/public/domctl.h; abi.md 3.12, 3.14.)
#include "kernel/hypercall/domctl/domctl_call.hpp"

#include "kernel/domain/domain_list.hpp"

namespace hospes {

namespace {

enum class Finds : u8 { TheDomain, Itself }; ///< who looks the domain up

struct Row {
    xen::DomctlCommand command;
    control::Handler handler;
    Finds finds = Finds::TheDomain;
};

using enum xen::DomctlCommand;

/// Passthrough, introspection, tracing and PV-only commands are left out: NotImplemented.
constexpr std::array rows{
    Row{CreateDomain, control::create_domain, Finds::Itself},
    Row{DestroyDomain, control::destroy_domain, Finds::Itself},
    Row{PauseDomain, control::pause_domain},
    Row{UnpauseDomain, control::unpause_domain},
    Row{GetDomainInfo, control::get_domain_info, Finds::Itself},
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
};

Row const* find_row(u32 command)
{
    for (Row const& row : rows)
        if (static_cast<u32>(row.command) == command) return &row;
    return nullptr;
}

Expected<> perform(Vcpu& caller, Row const& row, xen::Domctl& request, u32& progress)
{
    control::DomctlCall call{caller, nullptr, request, progress};
    if (row.finds == Finds::Itself) return row.handler(call);
    auto const domain = domains::find(request.domain);
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
    if (request->interface_version != xen::domctl_interface_version) return failure(Error::AccessDenied);
    Row const* const row = find_row(request->command);
    if (!row) return failure(Error::NotImplemented);
    auto const done = perform(caller, *row, *request, arguments.progress);
    if (!done && done.error() == Error::Restart) return failure(Error::Restart);
    // Copied back on errors too: some say in the structure what they stumbled over.
    if (auto const copied = copy_out(caller, claim, *request); !copied) return failure(copied.error());
    if (!done) return failure(done.error());
    return 0;
}

}
