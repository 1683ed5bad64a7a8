// SPDX-License-Identifier: MIT
/// What the headers of some release lack is said to be absent, so that the tables can name it all the same. Include it
/// behind the C headers.
#pragma once

namespace hospes::xen {

/// Stands for the value of a constant that the headers do not have.
struct Absent {};
inline constexpr Absent absent{};

}

// Since 4.20 and 4.21.
#ifndef XENVER_extraversion2
#define XENVER_extraversion2 ::hospes::xen::absent
#define XENVER_capabilities2 ::hospes::xen::absent
#define XENVER_changeset2 ::hospes::xen::absent
#define XENVER_commandline2 ::hospes::xen::absent
#define XEN_DOMCTL_gsi_permission ::hospes::xen::absent
#define XEN_DOMCTL_set_llc_colors ::hospes::xen::absent
#else
#define HEADERS_HAVE_VARBUF
#endif
#ifndef XEN_DOMCTL_get_domain_state
#define XEN_DOMCTL_get_domain_state ::hospes::xen::absent
#define XEN_DOMCTL_CDF_trap_unmapped_accesses ::hospes::xen::absent
#define XEN_DOMCTL_GETDOMSTATE_STATE_EXIST ::hospes::xen::absent
#define XEN_DOMCTL_GETDOMSTATE_STATE_SHUTDOWN ::hospes::xen::absent
#define XEN_DOMCTL_GETDOMSTATE_STATE_DYING ::hospes::xen::absent
#define XEN_DOMCTL_GETDOMSTATE_STATE_DEAD ::hospes::xen::absent
#define XEN_DOMCTL_GETDOMSTATE_CAP_CONTROL ::hospes::xen::absent
#define XEN_DOMCTL_GETDOMSTATE_CAP_HARDWARE ::hospes::xen::absent
#define XEN_DOMCTL_GETDOMSTATE_CAP_XENSTORE ::hospes::xen::absent
#else
#define HEADERS_HAVE_DOMAIN_STATE
#endif
// Until 4.21.
#ifdef XEN_SYSCTL_get_cpu_levelling_caps
#define HEADERS_HAVE_LEVELLING
#else
#define XEN_SYSCTL_get_cpu_levelling_caps ::hospes::xen::absent
#endif
