// SPDX-License-Identifier: MIT
/// The releases of Xen whose toolstacks are answered, and all in which they differ: one row each. A call says by its
/// interface version which row it was made for; what is not here is the same in all of them.
/// (The public headers and the tools of Xen's branches stable-4.17 to stable-4.22: xen/include/public/domctl.h,
/// sysctl.h, arch-x86/hvm/save.h.)
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <optional>

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/abi/xen/sysctl.hpp"

namespace hospes::xen {

/// The major version of all of them.
inline constexpr u32 xen_major = 4;
/// As xen_version() and CPUID tell guests: of the release 4.`minor`.
[[nodiscard]] constexpr u32 version_number(u32 minor) { return xen_major << 16 | minor; }

struct Release {
    u32 minor;
    u32 domctl_version; // XEN_DOMCTL_INTERFACE_VERSION
    u32 sysctl_version; // XEN_SYSCTL_INTERFACE_VERSION
    // getdomaininfo is about the domain that is named, or ESRCH. Before, about the next one that exists: the caller
    // compares.
    bool exact_domain_info;
    u16 altp2m_bytes;     // in createdomain, at DomctlCreateDomain::altp2m
    u16 local_apic_bytes; // of HvmLocalApic that a saved state holds
};

inline constexpr std::array releases{
    Release{17, 0x15, 0x15, false, 0, 24}, Release{18, 0x16, 0x15, true, 0, 32}, Release{19, 0x17, 0x15, true, 4, 32},
    Release{20, 0x17, 0x15, true, 4, 32},  Release{21, 0x17, 0x16, true, 4, 32}, Release{22, 0x18, 0x16, true, 4, 32},
};
static_assert(releases.back().domctl_version == domctl_interface_version);
static_assert(releases.back().sysctl_version == sysctl_interface_version);
static_assert(releases.back().altp2m_bytes == sizeof(DomctlCreateDomain::altp2m));
static_assert(releases.back().local_apic_bytes == sizeof(HvmLocalApic));

/// Releases that share a number do not differ in what it numbers.
static_assert(std::ranges::adjacent_find(releases, [](Release const& one, Release const& next) {
                  return one.domctl_version == next.domctl_version &&
                         (one.exact_domain_info != next.exact_domain_info || one.altp2m_bytes != next.altp2m_bytes ||
                          one.local_apic_bytes != next.local_apic_bytes);
              }) == releases.end());

/// The first release with this domctl interface; null if it is none of ours.
[[nodiscard]] constexpr Release const* release_of_domctl(u32 version)
{
    auto const found = std::ranges::find(releases, version, &Release::domctl_version);
    return found == releases.end() ? nullptr : std::to_address(found);
}

[[nodiscard]] constexpr bool is_known_sysctl(u32 version)
{
    return std::ranges::contains(releases, version, &Release::sysctl_version);
}

/// What a stable domctl carries instead: it is the same in all releases that have it.
inline constexpr u32 stable_interface_version = 0;

}
