// SPDX-License-Identifier: MIT
/// Another domain, which has been given all the memory that is free: whatever lies outside dom0 and the hypervisor is
/// one of its pages, and all of them hold zeros.
#pragma once

#include <optional>

#include "kernel/lib/integers.hpp"

namespace hospes::test {

class Victim {
public:
    [[nodiscard]] static std::optional<Victim> create();

    [[nodiscard]] u64 pages() const { return pages_; }
    /// How many pages do not begin with zeros. Maps each of them into this domain for that.
    [[nodiscard]] u64 count_changed() const;
    [[nodiscard]] u16 id() const { return id_; }

private:
    explicit Victim(u16 id) : id_{id} {}
    void take_all_memory();

    u16 id_;
    u64 pages_ = 0;
};

}
