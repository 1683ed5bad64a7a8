// SPDX-License-Identifier: MIT
/// Data that can be reached only while its lock is held.
#pragma once

#include <utility>

#include "kernel/sync/spinlock.hpp"

namespace hospes {

template <typename T, LockRank rank>
class Guarded {
public:
    class [[nodiscard]] Access {
    public:
        explicit Access(Guarded& guarded) : guarded_{guarded} { guarded_.lock_.lock(); }
        ~Access() { guarded_.lock_.unlock(); }
        Access(Access const&) = delete;
        Access& operator=(Access const&) = delete;
        T* operator->() { return &guarded_.value_; }
        T& operator*() { return guarded_.value_; }
        T const& operator*() const { return guarded_.value_; }

    private:
        Guarded& guarded_;
    };

    template <typename... Arguments>
    constexpr explicit Guarded(Arguments&&... arguments) : value_{std::forward<Arguments>(arguments)...}
    {}
    Access lock() { return Access{*this}; }

private:
    Spinlock<rank> lock_;
    T value_;
};

}
