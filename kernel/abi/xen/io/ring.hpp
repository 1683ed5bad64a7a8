// SPDX-License-Identifier: MIT
/// The ring of requests and responses that a frontend shares with its backend.
/// (xen/include/public/io/ring.h)
#pragma once

#include <array>
#include <atomic>
#include <bit>

#include "kernel/lib/integers.hpp"

namespace hospes::xen {

/// The page both ends share. Request and Response are the device's; `Size` bytes are the whole ring.
template <typename Request, typename Response, size_t Size = 4096>
struct SharedRing {
    union Entry {
        Request request;
        Response response;
    };
    static constexpr size_t header_size = 64;
    static constexpr u32 nr_entries = std::bit_floor(static_cast<u32>((Size - header_size) / sizeof(Entry)));

    u32 request_producer;
    u32 request_event;
    u32 response_producer;
    u32 response_event;
    std::array<u8, 48> private_bytes;
    std::array<Entry, nr_entries> entries;
};

/// The frontend's side of a ring: its own copy of the indices, so that nothing the other end writes
/// can move them. The other end's producer is read once, and bounded by what was sent.
template <typename Request, typename Response>
class FrontRing {
public:
    using Shared = SharedRing<Request, Response>;

    /// Makes `shared` an empty ring, before the backend is told of it.
    explicit FrontRing(Shared& shared) : shared_{shared}
    {
        shared_.request_producer = 0;
        shared_.request_event = 1;
        shared_.response_producer = 0;
        shared_.response_event = 1;
    }

    [[nodiscard]] bool is_full() const { return produced_ - consumed_ == Shared::nr_entries; }

    /// Adds a request that the backend does not see before publish().
    void push(Request const& request) { shared_.entries[produced_++ % Shared::nr_entries].request = request; }

    /// Shows the backend all requests; true if it asked to be told.
    [[nodiscard]] bool publish()
    {
        u32 const old = published_;
        published_ = produced_;
        std::atomic_ref{shared_.request_producer}.store(produced_, std::memory_order_release);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        u32 const event = std::atomic_ref{shared_.request_event}.load(std::memory_order_relaxed);
        return published_ - event < published_ - old;
    }

    /// Whether a response waits; if none does, the backend is asked to tell of the next one.
    [[nodiscard]] bool has_response()
    {
        if (unconsumed() > 0) return true;
        std::atomic_ref{shared_.response_event}.store(consumed_ + 1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return unconsumed() > 0;
    }

    /// Takes the next response, which has_response() promised.
    [[nodiscard]] Response pop() { return shared_.entries[consumed_++ % Shared::nr_entries].response; }

private:
    [[nodiscard]] u32 unconsumed() const
    {
        u32 const producer = std::atomic_ref{shared_.response_producer}.load(std::memory_order_acquire);
        u32 const waiting = producer - consumed_;
        return waiting <= published_ - consumed_ ? waiting : 0;
    }

    Shared& shared_;
    u32 produced_ = 0;
    u32 published_ = 0;
    u32 consumed_ = 0;
};

}
