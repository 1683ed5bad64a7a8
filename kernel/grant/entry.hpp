// SPDX-License-Identifier: MIT
/// One grant entry: the half that guest and hypervisor share, and the half that says how often it is in use.
///
///     shared (the guest writes all of it, at any time)          ours
///     ┌──────────────┬───────────────┬───────────────┐         ┌──────┬─────────┐
///     │ flags 0..15  │ domain 16..31 │ frame 32..63  │         │ uses │ writers │
///     └──────────────┴───────────────┴───────────────┘         └──────┴─────────┘
///
/// The guest withdraws a grant by changing the flags to 0 in one atomic step that fails while READING or WRITING is
/// set; a use begins by setting those bits in one atomic step that fails if the flags or the domain changed. So either
/// the guest sees the use or the use does not happen. (xen/include/public/grant_table.h, "grant table entries".)
#pragma once

#include <array>
#include <atomic>
#include <expected>

#include "kernel/abi/xen/grant_table.hpp"
#include "kernel/lib/address.hpp"

namespace hospes {

template <typename T>
using Granted = std::expected<T, xen::GrantStatus>;
[[nodiscard]] constexpr std::unexpected<xen::GrantStatus> refuse(xen::GrantStatus status)
{
    return std::unexpected{status};
}

/// xen::GrantEntryV1 as two words, because flags and domain are checked and changed together.
struct SharedGrantEntry {
    u32 head;
    u32 frame;

    [[nodiscard]] static constexpr u16 flags(u32 head) { return static_cast<u16>(head); }
    [[nodiscard]] static constexpr xen::DomainId domain(u32 head) { return static_cast<xen::DomainId>(head >> 16); }
};
static_assert(sizeof(SharedGrantEntry) == sizeof(xen::GrantEntryV1));
static_assert(offsetof(SharedGrantEntry, frame) == offsetof(xen::GrantEntryV1, frame));
static_assert(offsetof(xen::GrantEntryV1, flags) == 0 && offsetof(xen::GrantEntryV1, domain) == 2);

inline constexpr u32 grant_entries_per_frame = page_size / sizeof(SharedGrantEntry);

/// How shared words are accessed. Tests put a policy here that stops before every access, to try all interleavings.
struct AtomicEntryWords {
    static u32 load(u32& word) { return std::atomic_ref{word}.load(std::memory_order_acquire); }
    static bool exchange(u32& word, u32 expected, u32 wanted)
    {
        return std::atomic_ref{word}.compare_exchange_strong(expected, wanted, std::memory_order_acq_rel);
    }
    static void clear(u32& word, u32 bits) { std::atomic_ref{word}.fetch_and(~bits, std::memory_order_acq_rel); }
};

/// The uses of one entry. Every member is called under the granter's table lock.
class GrantUse {
public:
    /// Begins a use by `user`: the frame the granter names, read once. GeneralError if the entry allows no such use,
    /// or keeps changing while we look.
    template <typename Words = AtomicEntryWords>
    [[nodiscard]] Granted<Gfn> begin(SharedGrantEntry& shared, xen::DomainId user, bool for_writing)
    {
        if (uses_ == ~u32{0}) return refuse(xen::GrantStatus::GeneralError);
        u32 const in_use = bits(true, for_writing);
        constexpr int attempts = 8; // a guest that races with itself must not hold us (security.md, XSA-295)
        for (int attempt = 0; attempt < attempts; ++attempt) {
            u32 const head = Words::load(shared.head);
            if (!allows(head, user, for_writing)) break;
            if (!Words::exchange(shared.head, head, head | in_use)) continue;
            ++uses_;
            if (for_writing) ++writers_;
            return Gfn{Words::load(shared.frame)};
        }
        return refuse(xen::GrantStatus::GeneralError);
    }

    /// Ends a use. The bits go exactly with the last one that set them.
    template <typename Words = AtomicEntryWords>
    void end(SharedGrantEntry& shared, bool for_writing)
    {
        --uses_;
        if (for_writing) --writers_;
        u32 const unused = bits(uses_ == 0, for_writing && writers_ == 0);
        if (unused != 0) Words::clear(shared.head, unused);
    }

    [[nodiscard]] bool in_use() const { return uses_ != 0; }

private:
    [[nodiscard]] static constexpr u32 bits(bool reading, bool writing)
    {
        return (reading ? u32{xen::grant_entry_flag::reading} : 0) |
               (writing ? u32{xen::grant_entry_flag::writing} : 0);
    }
    [[nodiscard]] static constexpr bool allows(u32 head, xen::DomainId user, bool for_writing)
    {
        u16 const flags = SharedGrantEntry::flags(head);
        return (flags & xen::grant_entry_flag::type_mask) == xen::grant_entry_flag::permit_access &&
               SharedGrantEntry::domain(head) == user &&
               !(for_writing && (flags & xen::grant_entry_flag::readonly) != 0);
    }

    u32 uses_ = 0;
    u32 writers_ = 0;
};

}
