// SPDX-License-Identifier: MIT
/// Limits how often something may happen: a bucket that refills with time.
#pragma once

#include <algorithm>

#include "kernel/lib/integers.hpp"

namespace hospes {

class TokenBucket {
public:
    /// `burst` tokens at most, one more every `ticks_per_token`.
    constexpr TokenBucket(u32 burst, u64 ticks_per_token)
        : burst_{burst}, ticks_per_token_{ticks_per_token}, tokens_{burst}
    {}

    /// True if there was a token at time `now`.
    bool take(u64 now)
    {
        u64 const fresh = now > refilled_ ? (now - refilled_) / ticks_per_token_ : 0;
        if (fresh != 0) {
            tokens_ = static_cast<u32>(std::min<u64>(burst_, tokens_ + std::min<u64>(fresh, burst_)));
            refilled_ = now;
        }
        if (tokens_ == 0) return false;
        --tokens_;
        return true;
    }

private:
    u32 burst_;
    u64 ticks_per_token_;
    u32 tokens_;
    u64 refilled_ = 0;
};

}
