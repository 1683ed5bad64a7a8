// SPDX-License-Identifier: MIT
/// How much of the host's memory a domain may have, and has. A charge is taken before anything is allocated, goes with
/// the memory, and is refunded when the memory is free again, not when the domain lets go of it: whoever else still has
/// a frame mapped keeps it charged to its owner.
///
///     Charge::take() ──▶ frames::allocate() ──▶ frames::give_to(owner, frame, charge) ──▶ last reference: refund()
///        │ above the limit: OutOfMemory, nothing is charged
///        └─ dropped on the way: refunded
#pragma once

#include <atomic>
#include <utility>

#include "kernel/lib/error.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes {

/// One kind of memory of one domain, in frames. Any CPU may call, without a lock.
class Account {
public:
    explicit constexpr Account(u64 limit) : limit_{limit} {}

    /// Checks the limit and adds in one step. OutOfMemory above it.
    [[nodiscard]] Expected<> charge(u64 frames)
    {
        u64 used = used_.load(std::memory_order_relaxed);
        do {
            u64 const limit = limit_.load(std::memory_order_relaxed) + beyond_.load(std::memory_order_relaxed);
            if (used > limit || frames > limit - used) return failure(Error::OutOfMemory);
        } while (!used_.compare_exchange_weak(used, used + frames, std::memory_order_relaxed));
        return {};
    }
    /// Adds without a look at the limit, which is that much higher for everybody until hold_limit().
    void charge_beyond_limit(u64 frames)
    {
        beyond_.fetch_add(frames, std::memory_order_relaxed);
        used_.fetch_add(frames, std::memory_order_relaxed);
    }
    /// What was charged beyond the limit stays, and nothing grows until less than the limit is in use.
    void hold_limit() { beyond_.store(0, std::memory_order_relaxed); }
    void refund(u64 frames) { used_.fetch_sub(frames, std::memory_order_relaxed); }

    [[nodiscard]] u64 used() const { return used_.load(std::memory_order_relaxed); }
    [[nodiscard]] u64 limit() const { return limit_.load(std::memory_order_relaxed); }
    /// A limit below what is in use takes nothing away; it only stops growth.
    void set_limit(u64 frames) { limit_.store(frames, std::memory_order_relaxed); }

private:
    std::atomic<u64> used_{0};
    std::atomic<u64> limit_;
    std::atomic<u64> beyond_{0};
};

/// Whether a charge may exceed the account's limit.
enum class Limit : u8 {
    Holds,
    MayBeExceeded, ///< the control domain builds a domain
};

enum class AccountKind : u8 {
    Ram,      ///< the toolstack's tot_pages, limited by XEN_DOMCTL_max_mem
    Overhead, ///< what the hypervisor needs for the domain: shared info, grant table, maptrack, event ports
};

/// All that one domain is charged for, except second-stage tables, which have a pool of their own (TablePool).
class Quota {
public:
    explicit constexpr Quota(u64 overhead_limit) : ram{0}, overhead{overhead_limit} {}
    [[nodiscard]] Account& account(AccountKind kind) { return kind == AccountKind::Ram ? ram : overhead; }

    Account ram;
    Account overhead;
};

/// Frames that are charged but not allocated yet, or not handed over. Move-only.
class [[nodiscard]] Charge {
public:
    /// OutOfMemory above the account's limit, if that holds.
    [[nodiscard]] static Expected<Charge> take(Quota& quota, AccountKind kind, u64 frames, Limit limit = Limit::Holds)
    {
        if (limit == Limit::MayBeExceeded)
            quota.account(kind).charge_beyond_limit(frames);
        else if (auto const charged = quota.account(kind).charge(frames); !charged)
            return failure(charged.error());
        return Charge{quota, kind, frames};
    }
    Charge(Charge&& other) noexcept : quota_{other.quota_}, kind_{other.kind_}, frames_{std::exchange(other.frames_, 0)}
    {}
    Charge& operator=(Charge&&) = delete;
    ~Charge()
    {
        if (frames_ != 0) quota_.account(kind_).refund(frames_);
    }

    [[nodiscard]] AccountKind kind() const { return kind_; }
    [[nodiscard]] u64 frames() const { return frames_; }
    /// `frames` of them are handed over to somebody who will refund them, or keeps them for the domain's life.
    void settle(u64 frames) { frames_ -= frames; }

private:
    Charge(Quota& quota, AccountKind kind, u64 frames) : quota_{quota}, kind_{kind}, frames_{frames} {}
    Quota& quota_;
    AccountKind kind_;
    u64 frames_;
};

}
