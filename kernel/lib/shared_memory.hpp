// SPDX-License-Identifier: MIT
/// Writing to memory that others write to at any moment, as a guest does to its own pages: word by word, each at once,
/// so that nothing depends on what they do meanwhile.
#pragma once

#include <atomic>
#include <cstring>
#include <span>

#include "kernel/lib/integers.hpp"

namespace hospes {

/// Stores `bytes` at `to` in aligned words, as wide as the place and what is left allow. Nothing is ordered.
inline void store_shared(u8* to, std::span<u8 const> bytes)
{
    auto const store_one = [&]<typename Word>(Word) {
        if (reinterpret_cast<u64>(to) % sizeof(Word) != 0 || bytes.size() < sizeof(Word)) return false;
        Word word;
        std::memcpy(&word, bytes.data(), sizeof word);
        std::atomic_ref{*reinterpret_cast<Word*>(to)}.store(word, std::memory_order_relaxed);
        to += sizeof word;
        bytes = bytes.subspan(sizeof word);
        return true;
    };
    while (!bytes.empty())
        static_cast<void>(store_one(u64{}) || store_one(u32{}) || store_one(u16{}) || store_one(u8{}));
}

template <typename T>
void store_shared(T& to, T const& value)
{
    store_shared(reinterpret_cast<u8*>(&to), {reinterpret_cast<u8 const*>(&value), sizeof value});
}

}
