// SPDX-License-Identifier: MIT
/// All domains, by id.
#pragma once

#include <optional>

#include "kernel/domain/domain_reference.hpp"

namespace hospes::domains {

/// Puts a new domain on the list. Exists if the id is taken.
[[nodiscard]] Expected<> add(Domain& domain);
/// The next free id above the last one given out, wrapping below the reserved ones. Never reuses a live or zombie id.
[[nodiscard]] Expected<DomainId> choose_id();
/// NoSuchDomain if there is none. Zombies are found too, until they are gone.
[[nodiscard]] Expected<DomainReference> find(DomainId id);
/// `id` may be DOMID_SELF; anything else needs `caller` to be the control domain: NotPermitted.
[[nodiscard]] Expected<DomainReference> resolve(Vcpu const& caller, DomainId id);
/// The first domain whose id is at least `id`.
[[nodiscard]] std::optional<DomainReference> at_or_after(DomainId id);
void remove(Domain& domain);
/// How many there are, zombies included.
[[nodiscard]] u32 count();

/// dom0; null before it has been made.
[[nodiscard]] Domain* control_domain();

}
