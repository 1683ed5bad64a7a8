// SPDX-License-Identifier: MIT
/// Questions about a grant table, and its length.
#include "kernel/hypercall/grant/grant_call.hpp"

namespace hospes::grant {

namespace {

/// How a failure to find the domain looks in a status.
GrantStatus as_status(Error error)
{
    return error == Error::NotPermitted ? GrantStatus::PermissionDenied : GrantStatus::BadDomain;
}

constexpr u32 only_version = 1;

Expected<> grow(GrantCall& call, Domain& domain, xen::GrantSetupTable& request)
{
    auto const grown = domain.grants.grow(request.nr_frames, call.caller.budget);
    if (!grown && grown.error() == Error::Restart) return grown;
    request.status = grown ? GrantStatus::Okay : GrantStatus::GeneralError;
    return {};
}

}

/// Grows the table. An auto-translated guest maps its frames with add_to_physmap; frame_list is left alone.
Expected<> setup_table(GrantCall& call, xen::GrantSetupTable& request)
{
    auto const domain = domains::resolve(call.caller, request.domain);
    if (domain) return grow(call, **domain, request);
    request.status = as_status(domain.error());
    return {};
}

Expected<> query_size(GrantCall& call, xen::GrantQuerySize& request)
{
    auto const domain = domains::resolve(call.caller, request.domain);
    if (!domain) {
        request.status = as_status(domain.error());
        return {};
    }
    GrantTable& table = (*domain)->grants;
    // A table is never seen without its first frame, memory permitting.
    static_cast<void>(table.grow(1, call.caller.budget));
    request.nr_frames = table.frame_count();
    request.max_nr_frames = table.frame_limit();
    request.status = GrantStatus::Okay;
    return {};
}

/// Version 2 is refused as a hypervisor without it refuses it; the guest stays with version 1.
Expected<> set_version(GrantCall&, xen::GrantSetVersion& request)
{
    constexpr u32 newest_version = 2;
    u32 const wanted = std::exchange(request.version, only_version);
    if (wanted == only_version) return {};
    return failure(wanted == newest_version ? Error::NotImplemented : Error::Invalid);
}

Expected<> get_version(GrantCall&, Domain&, xen::GrantGetVersion& request)
{
    request.version = only_version;
    return {};
}

Expected<u64> swap(GrantCall& call)
{
    return for_each_operation<xen::GrantSwap>(call, [&](xen::GrantSwap& request) {
        request.status = call.domain().grants.swap(request.reference_a, request.reference_b);
    });
}

}
