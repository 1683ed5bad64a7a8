// SPDX-License-Identifier: MIT
/// kernel/arch/cpu_policy.hpp on top of the policies and their wire format.
#include "arch/x86_64/cpuid/cpuid_policy.hpp"
#include "arch/x86_64/cpuid/cpuid_policy_wire.hpp"
#include "arch/x86_64/guest/virtual_machine.hpp"
#include "kernel/arch/cpu_policy.hpp"
#include "kernel/domain/domain.hpp"

namespace hospes::arch {

namespace {

CpuidPolicy const& policy_of(SystemPolicy which)
{
    SystemPolicies const& policies = system_policies();
    switch (which) {
    case SystemPolicy::Raw: return policies.raw;
    case SystemPolicy::Host: return policies.host;
    case SystemPolicy::Maximum: return policies.maximum;
    case SystemPolicy::Usual: return policies.usual;
    }
    return policies.usual;
}

Expected<> read(CpuidPolicy const& policy, PolicyLists& out)
{
    auto const leaves = write_leaves(policy, out.leaves);
    if (!leaves) return failure(leaves.error());
    auto const msrs = write_msrs(policy, out.msrs);
    if (!msrs) return failure(msrs.error());
    out.leaf_count = *leaves;
    out.msr_count = *msrs;
    return {};
}

}

Expected<> read_system_policy(SystemPolicy which, PolicyLists& out) { return read(policy_of(which), out); }

Expected<> read_domain_policy(Domain const& domain, PolicyLists& out)
{
    return read(domain.virtual_machine->policy, out);
}

Expected<> change_domain_policy(Domain& domain, PolicyLists const& lists, PolicyComplaint& complaint)
{
    if (domain.life() != Domain::Life::Building) return failure(Error::Busy);
    CpuidPolicy const& maximum = system_policies().maximum;
    CpuidPolicy wanted = domain.virtual_machine->policy;
    WireError error;
    auto done = merge_leaves(wanted, std::span{lists.leaves}.first(lists.leaf_count), error);
    if (done) done = merge_msrs(wanted, std::span{lists.msrs}.first(lists.msr_count), error);
    if (done) done = check_compatible(wanted, maximum, error);
    complaint = {error.leaf, error.subleaf, error.msr};
    if (!done) return done;
    constrain(wanted, maximum);
    domain.virtual_machine->policy = wanted;
    return {};
}

std::array<u32, feature_words> system_features(SystemPolicy which)
{
    std::array<u32, feature_words> words{};
    auto const set = policy_of(which).feature_set();
    static_assert(sizeof(set) == sizeof(words));
    std::copy(set.begin(), set.end(), words.begin());
    return words;
}

}
