// SPDX-License-Identifier: MIT
/// What dom0 asks of the hypervisor as a toolstack does: domctl and sysctl.
#pragma once

#include <optional>
#include <span>

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/sysctl.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes::test {

/// Fills in what each call needs besides its arguments, and makes it.
s64 domctl(xen::DomctlCommand command, u16 domain, xen::Domctl& call);
/// A command without arguments.
s64 domctl(xen::DomctlCommand command, u16 domain);
s64 sysctl(xen::SysctlCommand command, xen::Sysctl& call);

/// True if `vcpu` of `domain` runs on any CPU but the first from now on.
[[nodiscard]] bool keep_off_first_cpu(u16 domain, u32 vcpu);

/// Nothing if there is no domain with exactly this number.
[[nodiscard]] std::optional<xen::DomctlGetDomainInfo> domain_info(u16 domain);

/// Free pages of the whole machine.
[[nodiscard]] u64 free_pages();
/// The same, once it has stayed the same for some time: what a domain had last is freed when nobody finds it any more,
/// in stretches a millisecond apart (kernel/domain/burial.hpp).
[[nodiscard]] u64 free_pages_at_rest();

/// Domains there are, dom0 and dying ones among them.
[[nodiscard]] u32 domain_count();

}
