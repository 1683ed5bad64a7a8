// SPDX-License-Identifier: MIT
/// How dom0 makes guests, looks at them and ends them: the steps of xl, each a hypercall, each with its result (0, or a
/// negative error).
#pragma once

#include "kernel/abi/xen/domctl.hpp"
#include "tests/software/processor.hpp"

namespace hospes::software {

struct GuestPlan {
    DomainId id = 0; ///< 0: the hypervisor chooses
    u32 vcpus = 2;
    u32 ports = 200;
    s32 grant_frames = 4;
    s32 maptrack_frames = 2;
    u64 most_pages = ram_frames + 32;
};

class Toolstack {
public:
    explicit Toolstack(Processor const& processor) : processor_{processor} {}
    [[nodiscard]] Processor const& processor() const { return processor_; }

    /// Gives dom0 its large buffers. Once.
    s64 prepare() const;

    /// createdomain; `plan.id` becomes the id that it got.
    s64 create(GuestPlan& plan) const;
    s64 create_vcpus(GuestPlan const& plan) const;
    s64 limit_memory(GuestPlan const& plan) const;
    s64 limit_tables(DomainId id, u64 pages) const;
    /// RAM for guest frames from `first` on.
    s64 populate(DomainId id, u64 first = 0, u64 count = ram_frames) const;
    s64 set_memory_map(DomainId id) const;
    /// The ports of xenstore and console, which dom0 will bind to.
    s64 make_ports(DomainId id) const;
    s64 set_parameter(DomainId id, xen::HvmParamIndex index, u64 value) const;
    /// Maps the first frame of the guest's grant table into dom0.
    s64 seed_grants(DomainId id) const;
    s64 load_registers(DomainId id) const;
    s64 unpause(DomainId id) const;

    /// All of the above, in this order; what was made when a step fails is destroyed.
    s64 build(GuestPlan& plan) const;
    /// destroydomain, until it is done or the vCPU must stop.
    s64 destroy(DomainId id) const;

    s64 domctl(xen::DomctlCommand command, DomainId id, xen::Domctl& request) const;
    s64 domctl(xen::DomctlCommand command, DomainId id) const
    {
        xen::Domctl request{};
        return domctl(command, id, request);
    }
    /// save, and load of what was saved, in a buffer of dom0's.
    s64 save_and_load(DomainId id) const;

    [[nodiscard]] u64 large_buffer() const
    {
        return (first_large_buffer + processor_.vcpu().id() * large_buffer_frames) << page_shift;
    }

private:
    Processor processor_;
};

}
