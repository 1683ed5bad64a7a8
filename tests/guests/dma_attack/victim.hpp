// SPDX-License-Identifier: MIT
/// Another domain, which has been given all the memory that is free and uses all of it: whatever lies outside dom0 and
/// the hypervisor is one of its pages. It runs round them for ever, and adds one to the first word of each.
#pragma once

#include "tests/guests/framework/other_domain.hpp"

namespace hospes::test {

class Victim {
public:
    /// It runs from now on.
    [[nodiscard]] static std::optional<Victim> create();

    /// How often it has been round.
    [[nodiscard]] u32 rounds() const;
    /// Waits until it has been through all its pages once more; false if it does not get that far.
    [[nodiscard]] bool runs() const;
    /// How many pages hold something else than it wrote. It is paused meanwhile, and each page mapped into this domain.
    [[nodiscard]] u64 count_changed() const;

private:
    explicit Victim(OtherDomain domain) : domain_{std::move(domain)} {}
    void take_all_memory();
    [[nodiscard]] bool start() const;
    [[nodiscard]] u64 count_others_than(u32 rounds) const;

    OtherDomain domain_;
    u64 pages_ = 0;
};

}
