// SPDX-License-Identifier: MIT
/// A reference to a domain that is given back by itself.
#pragma once

#include <utility>

#include "kernel/domain/domain.hpp"

namespace hospes {

/// Keeps a domain alive for a scope.
class [[nodiscard]] DomainReference {
public:
    explicit DomainReference(Domain& domain) : domain_{&domain} { domain.hold(); }
    /// Takes over a reference that the caller holds.
    [[nodiscard]] static DomainReference adopt(Domain& domain) { return DomainReference{&domain}; }
    DomainReference(DomainReference&& other) noexcept : domain_{std::exchange(other.domain_, nullptr)} {}
    DomainReference& operator=(DomainReference&&) = delete;
    ~DomainReference()
    {
        if (domain_) domain_->release();
    }
    Domain& operator*() const { return *domain_; }
    Domain* operator->() const { return domain_; }

private:
    explicit DomainReference(Domain* held) : domain_{held} {}
    Domain* domain_;
};

}
