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

/// A command whose array has one element: works on a private copy and writes it back.
template <typename T, typename Operate>
Expected<u64> on_one(GrantCall& call, Operate operate)
{
    if (call.count() != 1) return failure(Error::Invalid);
    auto request = copy_in(call.caller, call.claim<T>());
    if (!request) return failure(request.error());
    Expected<> const result = operate(*request);
    if (auto const copied = copy_out(call.caller, call.claim<T>(), *request); !copied) return failure(copied.error());
    if (!result) return failure(result.error());
    return 0;
}

constexpr u32 only_version = 1;

}

namespace {

Expected<> grow(GrantCall& call, Domain& domain, xen::GrantSetupTable& request)
{
    auto const grown = domain.grants.grow(request.nr_frames, call.caller.budget);
    if (!grown && grown.error() == Error::Restart) return grown;
    request.status = grown ? GrantStatus::Okay : GrantStatus::GeneralError;
    return {};
}

}

/// Grows the table. An auto-translated guest maps its frames with add_to_physmap; frame_list is left alone.
Expected<u64> setup_table(GrantCall& call)
{
    return on_one<xen::GrantSetupTable>(call, [&](xen::GrantSetupTable& request) -> Expected<> {
        auto const domain = domains::resolve(call.caller, request.domain);
        if (!domain)
            request.status = as_status(domain.error());
        else
            return grow(call, **domain, request);
        return {};
    });
}

Expected<u64> query_size(GrantCall& call)
{
    return on_one<xen::GrantQuerySize>(call, [&](xen::GrantQuerySize& request) -> Expected<> {
        auto const domain = domains::resolve(call.caller, request.domain);
        if (!domain) {
            request.status = as_status(domain.error());
            return {};
        }
        GrantTable& table = (*domain)->grants;
        static_cast<void>(
            table.grow(1, call.caller.budget)); // a table is never seen without its first frame, memory permitting
        request.nr_frames = table.frame_count();
        request.max_nr_frames = table.frame_limit();
        request.status = GrantStatus::Okay;
        return {};
    });
}

/// Version 2 is refused as a hypervisor without it refuses it; the guest stays with version 1.
Expected<u64> set_version(GrantCall& call)
{
    return on_one<xen::GrantSetVersion>(call, [&](xen::GrantSetVersion& request) -> Expected<> {
        constexpr u32 newest_version = 2;
        u32 const wanted = std::exchange(request.version, only_version);
        if (wanted == only_version) return {};
        return failure(wanted == newest_version ? Error::NotImplemented : Error::Invalid);
    });
}

Expected<u64> get_version(GrantCall& call)
{
    return on_one<xen::GrantGetVersion>(call, [&](xen::GrantGetVersion& request) -> Expected<> {
        auto const domain = domains::resolve(call.caller, request.domain);
        if (!domain) return failure(domain.error());
        request.version = only_version;
        return {};
    });
}

Expected<u64> swap(GrantCall& call)
{
    return for_each_operation<xen::GrantSwap>(call, [&](xen::GrantSwap& request) {
        request.status = call.domain().grants.swap(request.reference_a, request.reference_b);
    });
}

}
