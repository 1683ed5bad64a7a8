// SPDX-License-Identifier: MIT
/// What this machine's CPUs can give to guests, for the toolstack to choose from.
#include <memory>
#include <new>
#include <optional>

#include "kernel/arch/cpu_policy.hpp"
#include "kernel/hypercall/policy_lists.hpp"
#include "kernel/hypercall/sysctl/sysctl_call.hpp"

namespace hospes::system_control {

namespace {

/// The system policies in the order of the toolstack's indexes; those of PV guests do not exist.
constexpr std::array<std::optional<arch::SystemPolicy>, 6> policies{
    arch::SystemPolicy::Raw,  arch::SystemPolicy::Host, std::nullopt, arch::SystemPolicy::Maximum, std::nullopt,
    arch::SystemPolicy::Usual};

/// The same for feature sets: raw, host, PV, HVM, PV maximum, HVM maximum.
constexpr std::array<std::optional<arch::SystemPolicy>, 6> feature_sets{
    arch::SystemPolicy::Raw,    arch::SystemPolicy::Host, std::nullopt, arch::SystemPolicy::Usual, std::nullopt,
    arch::SystemPolicy::Maximum};

}

/// A null handle asks for the number of words.
Expected<> cpu_feature_set(SysctlCall& call)
{
    auto& request = call.request.u.cpu_featureset;
    if (request.index >= feature_sets.size()) return failure(Error::Invalid);
    auto const which = feature_sets[request.index];
    if (!which) return failure(Error::NotSupported);
    if (request.features.is_null()) {
        request.nr_features = arch::feature_words;
        return {};
    }
    auto const words = arch::system_features(*which);
    u32 const count = std::min(request.nr_features, arch::feature_words);
    for (u32 i = 0; i < count; ++i)
        if (auto const copied = copy_out(call.caller, request.features, words[i], i); !copied) return copied;
    bool const too_small = request.nr_features < arch::feature_words;
    request.nr_features = count;
    if (too_small) return failure(Error::NoBufferSpace);
    return {};
}

/// Null handles ask for the most there can be; each list is wanted only if its handle is not null.
Expected<> cpu_policy(SysctlCall& call)
{
    auto& request = call.request.u.cpu_policy;
    if (request.index >= policies.size() || request.reserved != 0) return failure(Error::Invalid);
    auto const which = policies[request.index];
    if (!which) return failure(Error::NotSupported);
    if (request.leaves.is_null() && request.msrs.is_null()) {
        request.nr_leaves = arch::max_policy_leaves;
        request.nr_msrs = arch::max_policy_msrs;
        return {};
    }
    auto const lists = std::unique_ptr<arch::PolicyLists>{new (std::nothrow) arch::PolicyLists{}};
    if (!lists) return failure(Error::OutOfMemory);
    if (auto const read = arch::read_system_policy(*which, *lists); !read) return read;
    return write_policy_lists(call.caller, *lists, {request.leaves, request.msrs, request.nr_leaves, request.nr_msrs});
}

/// Levelling concerns PV guests; for ours every leaf is intercepted.
Expected<> levelling_capabilities(SysctlCall& call)
{
    call.request.u.cpu_levelling_caps.capabilities = 0;
    return {};
}

}
