// SPDX-License-Identifier: MIT
/// Which pages a domain has written, for a migration: the toolstack sends all pages while the guest runs, asks again
/// and again for those written meanwhile, and at last stops the guest and asks for the rest. (abi.md 5.6.)
///
/// Writes are not tracked here. As long as the guest runs, none are reported, so that the toolstack goes on to the end
/// at once; there all of the guest's RAM is. That moves any guest correctly, and keeps it still while its memory is
/// sent.
#include <algorithm>
#include <array>

#include "kernel/hypercall/domctl/domctl_call.hpp"

namespace hospes::control {

namespace {

constexpr u64 frames_at_once = 256;
using Bits = std::array<u8, frames_at_once / 8>;

/// Marks what is RAM from frame `first` on; returns how many frames that are.
u32 mark_ram(Domain const& domain, u64 first, u64 count, Bits& bits)
{
    u32 found = 0;
    for (u64 i = 0; i < count;) {
        Mapping const mapping = domain.physmap.lookup(Gfn{first + i});
        u64 const size = u64{1} << mapping.order;
        u64 const end = std::min(count, i + size - ((first + i) & (size - 1)));
        if (mapping.type != MappingType::Ram) {
            i = end;
            continue;
        }
        found += static_cast<u32>(end - i);
        for (; i < end; ++i) bits[i / 8] = static_cast<u8>(bits[i / 8] | 1u << i % 8);
    }
    return found;
}

/// One piece of the bitmap, from where `log` is on; moves it behind.
Expected<> read_piece(DomctlCall& call, DirtyLog& log)
{
    auto const& request = call.request.u.shadow_op;
    u64 const count = std::min(frames_at_once, request.pages - log.next_frame);
    bool const guest_is_still = (request.mode & xen::shadow_mode_flag::log_dirty_final) != 0;
    Bits bits{};
    if (guest_is_still) log.dirty_count += mark_ram(*call.domain, log.next_frame, count, bits);
    auto const where = element_address(request.dirty_bitmap, log.next_frame / 8);
    if (!where) return failure(where.error());
    log.next_frame += count;
    return copy_to_guest(call.caller, *where, std::span{bits}.first((count + 7) / 8));
}

}

Expected<> switch_dirty_log(Domain& domain, bool on)
{
    auto held = domain.control.lock();
    if (on && held->dirty_log) return failure(Error::Invalid);
    held->dirty_log = on ? std::optional{DirtyLog{}} : std::nullopt;
    return {};
}

/// Goes on where the last call with Restart ended.
Expected<> read_dirty_log(DomctlCall& call)
{
    auto& request = call.request.u.shadow_op;
    auto const begun = call.domain->control.lock()->dirty_log;
    if (!begun) return failure(Error::Invalid);
    auto const remember = [&](DirtyLog progress) {
        auto held = call.domain->control.lock();
        if (held->dirty_log) held->dirty_log = progress;
    };

    DirtyLog log = *begun;
    Expected<> copied;
    while (copied && log.next_frame < request.pages) {
        copied = read_piece(call, log);
        if (copied && log.next_frame < request.pages && call.budget().is_spent()) {
            remember(log);
            return failure(Error::Restart);
        }
    }
    remember({});
    request.fault_count = 0;
    request.dirty_count = log.dirty_count;
    return copied;
}

}
