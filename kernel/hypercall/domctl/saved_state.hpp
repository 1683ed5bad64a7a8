// SPDX-License-Identifier: MIT
/// A domain's virtual machine as a sequence of records, each behind a descriptor, from HEADER to END, moved to and from
/// the toolstack's memory piece by piece. (xen/include/public/hvm/save.h; abi.md Annex A, "HVM save records".) The
/// domain must be still: StateTransfer.
#pragma once

#include <array>
#include <span>

#include "kernel/abi/xen/versions.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/lib/address.hpp"

namespace hospes::control {

/// Where the toolstack has the records, or wants them.
class RecordBuffer {
public:
    RecordBuffer(Vcpu& caller, Gva where, u32 size) : caller_{caller}, where_{where}, size_{size} {}

    /// NoSpace behind its end.
    [[nodiscard]] Expected<> write(u32 position, std::span<u8 const> bytes) const;
    /// NoData behind its end.
    [[nodiscard]] Expected<> read(u32 position, std::span<u8> bytes) const;
    [[nodiscard]] bool contains(u32 position, size_t bytes) const
    {
        return position <= size_ && bytes <= size_ - position;
    }

private:
    Vcpu& caller_;
    Gva where_;
    u32 size_;
};

enum class Moved : u8 { Part, All };

/// None is longer, whether saved or loaded: the work on one is a step.
inline constexpr size_t longest_record = 4096;

/// One vCPU's record of one kind.
struct RecordName {
    u32 code; ///< xen::HvmSaveCode
    u32 vcpu;
};
/// Writes that record, without its descriptor, to the beginning of `room`, and returns it. The domain is paused.
/// Invalid if no such kind is ever written, NotFound if there is no such vCPU, or this one has none.
[[nodiscard]] Expected<std::span<u8 const>> save_one(Domain const& domain, RecordName name, xen::Release const& release,
                                                     std::array<u8, longest_record>& room);

/// In bytes, of records as this release reads them.
[[nodiscard]] size_t saved_state_size(Domain const& domain, xen::Release const& release);
/// Writes HEADER, then the records of one vCPU each time, then END.
[[nodiscard]] Expected<Moved> save_next(Domain const& domain, StateTransfer& transfer, xen::Release const& release,
                                        RecordBuffer const& buffer);
/// Loads one record, of any release. At HEADER all vCPUs go down; each that has a CPU record comes up. NoData for a
/// missing HEADER or END, NotSupported for another frequency of the TSC, Invalid for anything else that is wrong; then
/// the records before it are loaded, and the domain should be destroyed.
[[nodiscard]] Expected<Moved> load_next(Domain const& domain, StateTransfer& transfer, RecordBuffer const& buffer);

/// A guest counts on the frequency of its TSC, which nothing here can change. 0 is none that it was told. NotSupported
/// if it is another than this machine's; the log says so.
[[nodiscard]] Expected<> check_frequency(Domain const& domain, u32 guest_khz);

}
