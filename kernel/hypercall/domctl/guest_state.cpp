// SPDX-License-Identifier: MIT
/// A domain's registers, clock and CPU policy, for building it and for saving it.
#include <memory>
#include <new>

#include "kernel/arch/cpu_policy.hpp"
#include "kernel/hypercall/domctl/domctl_call.hpp"
#include "kernel/hypercall/domctl/saved_state.hpp"
#include "kernel/hypercall/policy_lists.hpp"
#include "kernel/log/log.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::control {

namespace {

using Direction = StateTransfer::Direction;

constexpr u32 largest_context = 1024 * 1024;

/// A new one, or the one that this call has begun before it was restarted. Busy if that has ended since: another was
/// begun, or the domain was let go.
Expected<StateTransfer> transfer_of(DomctlCall& call, Direction direction)
{
    if (call.progress == 0) return call.domain->begin_transfer(direction);
    if (call.domain->is_dying()) return failure(Error::Invalid);
    auto const begun = call.domain->control.lock()->transfer;
    if (!begun || begun->number != call.progress || begun->direction != direction) return failure(Error::Busy);
    return *begun;
}

/// Calls `move_next(transfer)` until all is moved; how many bytes that were. In between nobody else has the domain:
/// control_turn.
template <typename MoveNext>
Expected<u32> move_state(DomctlCall& call, Direction direction, MoveNext move_next)
{
    auto transfer = transfer_of(call, direction);
    if (!transfer) return failure(transfer.error());
    auto moved = move_next(*transfer);
    while (moved && *moved == Moved::Part) {
        if (call.budget().is_spent()) {
            call.domain->control.lock()->transfer = *transfer;
            return call.restart_at(transfer->number);
        }
        moved = move_next(*transfer);
    }
    call.domain->end_transfer();
    if (!moved) return failure(moved.error());
    return transfer->bytes_done;
}

RecordBuffer buffer_of(DomctlCall const& call)
{
    auto const& request = call.request.u.hvm_context;
    return {call.caller, Gva{request.buffer.address}, request.size};
}

}

/// A null buffer asks for the size only.
Expected<> get_hvm_context(DomctlCall& call)
{
    auto& request = call.request.u.hvm_context;
    if (call.concerns_caller() || call.domain->is_dying()) return failure(Error::Invalid);
    size_t const needed = saved_state_size(*call.domain, call.release);
    if (request.buffer.is_null()) {
        request.size = static_cast<u32>(needed);
        return {};
    }
    if (call.progress == 0 && request.size < needed) return failure(Error::NoSpace);
    auto const moved = move_state(call, Direction::Saving, [&](StateTransfer& transfer) {
        return save_next(*call.domain, transfer, call.release, buffer_of(call));
    });
    if (!moved) return failure(moved.error());
    request.size = *moved;
    return {};
}

namespace {

/// A null buffer asks for the size only.
Expected<> hand_over(DomctlCall& call, std::span<u8 const> record)
{
    auto& request = call.request.u.hvm_context_partial;
    if (!request.buffer.is_null()) {
        if (request.buffer_size < record.size()) return failure(Error::NoBufferSpace);
        if (auto const copied = copy_to_guest(call.caller, Gva{request.buffer.address}, record); !copied) return copied;
    }
    request.buffer_size = record.size();
    return {};
}

}

Expected<> get_hvm_context_partial(DomctlCall& call)
{
    auto const& request = call.request.u.hvm_context_partial;
    if (call.concerns_caller()) return failure(Error::Invalid);
    if (auto const paused = call.domain->pause(); !paused) return paused;
    std::array<u8, longest_record> room{};
    auto const record = save_one(*call.domain, {request.type, request.instance}, call.release, room);
    static_cast<void>(call.domain->unpause());
    if (!record) return failure(record.error());
    return hand_over(call, *record);
}

Expected<> set_hvm_context(DomctlCall& call)
{
    if (call.concerns_caller()) return failure(Error::Invalid);
    if (call.request.u.hvm_context.size > largest_context) return failure(Error::TooBig);
    auto const moved = move_state(call, Direction::Loading, [&](StateTransfer& transfer) {
        return load_next(*call.domain, transfer, buffer_of(call));
    });
    if (!moved) return failure(moved.error());
    return {};
}

Expected<> get_tsc_info(DomctlCall& call)
{
    auto info = call.domain->control.lock()->tsc_info;
    info.guest_tsc_khz = static_cast<u32>(clock::tsc_khz());
    info.elapsed_nanoseconds = clock::now();
    call.request.u.tsc_info = info;
    return {};
}

/// Guests always run on the host's TSC: mode 0 (as it comes) and 2 (never emulated) are the same, emulation is not
/// offered, and the frequency must be the machine's.
Expected<> set_tsc_info(DomctlCall& call)
{
    constexpr u32 mode_default = 0, mode_never_emulate = 2;
    auto const& wanted = call.request.u.tsc_info;
    if (call.concerns_caller()) return failure(Error::Invalid);
    if (wanted.tsc_mode != mode_default && wanted.tsc_mode != mode_never_emulate) {
        log_warning("domain {}: tsc_mode {} is refused: a guest's TSC is the machine's", call.domain->id(),
                    wanted.tsc_mode);
        return failure(Error::NotSupported);
    }
    if (auto const valid = check_frequency(*call.domain, wanted.guest_tsc_khz); !valid) return valid;
    auto held = call.domain->control.lock();
    held->tsc_info.tsc_mode = wanted.tsc_mode;
    held->tsc_info.incarnation = wanted.incarnation;
    return {};
}

Expected<> get_cpu_policy(DomctlCall& call)
{
    auto& request = call.request.u.cpu_policy;
    auto const lists = std::unique_ptr<arch::PolicyLists>{new (std::nothrow) arch::PolicyLists{}};
    if (!lists) return failure(Error::OutOfMemory);
    if (auto const read = arch::read_domain_policy(*call.domain, *lists); !read) return read;
    return write_policy_lists(call.caller, *lists, {request.leaves, request.msrs, request.nr_leaves, request.nr_msrs});
}

Expected<> set_cpu_policy(DomctlCall& call)
{
    auto& request = call.request.u.cpu_policy;
    if (call.concerns_caller()) return failure(Error::Invalid);
    if (request.nr_leaves > arch::max_policy_leaves || request.nr_msrs > arch::max_policy_msrs)
        return failure(Error::TooBig);
    auto const lists = std::unique_ptr<arch::PolicyLists>{new (std::nothrow) arch::PolicyLists{}};
    if (!lists) return failure(Error::OutOfMemory);
    for (; lists->leaf_count < request.nr_leaves; ++lists->leaf_count) {
        auto const leaf = copy_in(call.caller, request.leaves, lists->leaf_count);
        if (!leaf) return failure(leaf.error());
        lists->leaves[lists->leaf_count] = *leaf;
    }
    for (; lists->msr_count < request.nr_msrs; ++lists->msr_count) {
        auto const msr = copy_in(call.caller, request.msrs, lists->msr_count);
        if (!msr) return failure(msr.error());
        lists->msrs[lists->msr_count] = *msr;
    }
    arch::PolicyComplaint complaint;
    auto const changed = arch::change_domain_policy(*call.domain, *lists, complaint);
    request.error_leaf = complaint.leaf;
    request.error_subleaf = complaint.subleaf;
    request.error_msr = complaint.msr;
    return changed;
}

}
