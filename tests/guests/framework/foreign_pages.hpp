// SPDX-License-Identifier: MIT
/// Some pages of another domain, mapped into this one for as long as the object lives.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::test {

class ForeignPages {
public:
    static constexpr u64 most = 256;

    /// `count` pages from `first` on. Each CPU has one window, for one object at a time.
    ForeignPages(u16 domain, u64 first, u64 count);
    ForeignPages(ForeignPages const&) = delete;
    ForeignPages& operator=(ForeignPages const&) = delete;
    ~ForeignPages();

    /// Whether all of them could be mapped; the other functions end the test if not.
    [[nodiscard]] bool complete() const { return complete_; }
    [[nodiscard]] u8* bytes() const;
    /// Of the page with this number, counted from `first`.
    [[nodiscard]] u32 volatile& first_word(u64 page) const;

private:
    u64 window_;
    u64 count_;
    bool complete_ = false;
};

}
