// SPDX-License-Identifier: MIT
/// A domain's event channels (two-level ABI only, 4,096 ports; design.md D14).
#pragma once

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/lib/error.hpp"

namespace hospes {

class Domain;
class Vcpu;

class EventChannels {
public:
    explicit EventChannels(Domain& domain) : domain_{domain} {}
    ~EventChannels();

    /// Closes every port; peers become unbound. Part of a domain's destruction; the vCPUs are stopped.
    void close_all();

private:
    Domain& domain_;
};

}
