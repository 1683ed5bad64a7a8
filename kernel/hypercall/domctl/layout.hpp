// SPDX-License-Identifier: MIT
/// A domctl's structure as another release has it, made the one that is known here, and back. Handlers know only this
/// one.
#pragma once

#include <cstring>

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/versions.hpp"

namespace hospes::control {

inline constexpr size_t altp2m_at = offsetof(xen::DomctlCreateDomain, altp2m);
inline constexpr size_t altp2m_bytes = sizeof(xen::DomctlCreateDomain::altp2m);

/// Does this release's structure lack what createdomain has since 4.19?
[[nodiscard]] constexpr bool lacks_altp2m(u32 command, xen::Release const& release)
{
    return command == static_cast<u32>(xen::DomctlCommand::CreateDomain) && release.altp2m_bytes == 0;
}

/// The caller's structure becomes ours: what it lacks is zero.
inline void widen(xen::Domctl& request, xen::Release const& release)
{
    if (!lacks_altp2m(request.command, release)) return;
    auto& bytes = request.u.raw;
    std::memmove(&bytes[altp2m_at + altp2m_bytes], &bytes[altp2m_at], bytes.size() - altp2m_at - altp2m_bytes);
    std::memset(&bytes[altp2m_at], 0, altp2m_bytes);
}

/// Ours becomes the caller's again.
inline void narrow(xen::Domctl& request, xen::Release const& release)
{
    if (!lacks_altp2m(request.command, release)) return;
    auto& bytes = request.u.raw;
    std::memmove(&bytes[altp2m_at], &bytes[altp2m_at + altp2m_bytes], bytes.size() - altp2m_at - altp2m_bytes);
    std::memset(&bytes[bytes.size() - altp2m_bytes], 0, altp2m_bytes);
}

}
