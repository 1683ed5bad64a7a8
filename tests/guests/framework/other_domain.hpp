// SPDX-License-Identifier: MIT
/// Another domain, made and ended by dom0 with the toolstack's own calls: no memory yet, paused.
#pragma once

#include <optional>
#include <utility>

#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/abi/xen/sched.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes::test {

struct DomainPlan {
    u64 memory_kib; ///< that it may have
    u32 vcpus = 1;
    u32 highest_port = 1023;
    u64 table_bytes = 4 * mib; ///< for second-stage tables
};

class OtherDomain {
public:
    [[nodiscard]] static std::optional<OtherDomain> create(DomainPlan const& plan);
    /// One vCPU, and it may have so much memory.
    [[nodiscard]] static std::optional<OtherDomain> create(u64 memory_mib);
    OtherDomain(OtherDomain&& other) noexcept : id_{std::exchange(other.id_, none)} {}
    OtherDomain& operator=(OtherDomain&&) = delete;
    ~OtherDomain();

    [[nodiscard]] u16 id() const { return id_; }
    /// 2^order pages, contiguous on both sides. True if there were so many.
    [[nodiscard]] bool populate(u64 gfn, u32 order) const;
    /// As sethvmcontext answers. `tsc_khz` is what the saved state says of its machine; 0: nothing.
    [[nodiscard]] s64 load_registers(xen::HvmCpu const& registers, u32 tsc_khz = 0) const;
    /// getvcpucontext, and the same back by setvcpucontext.
    [[nodiscard]] s64 rewrite_context() const;
    /// As gettscinfo and settscinfo have it.
    [[nodiscard]] u32 tsc_khz() const;
    [[nodiscard]] s64 set_tsc_khz(u32 value) const;
    [[nodiscard]] s64 pause() const;
    [[nodiscard]] s64 unpause() const;
    /// Once it has shut down or crashed.
    [[nodiscard]] std::optional<xen::ShutdownReason> shutdown_reason() const;

private:
    static constexpr u16 none = 0;
    explicit OtherDomain(u16 id) : id_{id} {}

    u16 id_;
};

/// Protected mode without paging, all segments flat, at address 0. (As PVH guests begin: xen/docs/misc/pvh.pandoc)
[[nodiscard]] xen::HvmCpu flat_registers();

}
