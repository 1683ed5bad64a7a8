// SPDX-License-Identifier: MIT
/// The pages of one domain's second-stage tables, with a hard limit (security.md: XSA-409, XSA-410).
#pragma once

#include <atomic>

#include "kernel/arch/memory.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes {

class TablePool {
public:
    explicit TablePool(u64 limit_pages) : limit_{limit_pages} {}
    TablePool(TablePool&& other) noexcept : limit_{other.limit_.load()}, used_{other.used_.load()} {}

    void set_limit(u64 pages) { limit_.store(pages, std::memory_order_relaxed); }
    [[nodiscard]] u64 limit() const { return limit_.load(std::memory_order_relaxed); }

    [[nodiscard]] Expected<Hpa> allocate()
    {
        if (used_.fetch_add(1, std::memory_order_relaxed) >= limit()) return refund(Error::OutOfMemory);
        auto const frame = frames::allocate_zeroed();
        if (!frame) return refund(frame.error());
        return address_of(*frame);
    }
    void free(Hpa table)
    {
        used_.fetch_sub(1, std::memory_order_relaxed);
        frames::free(frame_of(table));
    }
    [[nodiscard]] u64* reach(Hpa table) const { return arch::reach_as<u64>(table); }

private:
    std::unexpected<Error> refund(Error error)
    {
        used_.fetch_sub(1, std::memory_order_relaxed);
        return failure(error);
    }
    std::atomic<u64> limit_;
    std::atomic<u64> used_{0};
};

}
