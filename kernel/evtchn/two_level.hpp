// SPDX-License-Identifier: MIT
/// The two-level event ABI: bits in memory that the guest writes too, so nothing read here is believed.
/// (xen/include/public/event_channel.h; abi.md 4.4.)
///
///     event ─▶ event_pending: bit `port` ─▶ unless event_mask: bit `port`
///                                               └─▶ vCPU's selector: bit `port / 64` ─▶ vCPU's upcall_pending ─▶
///                                               upcall
///
/// Each arrow is taken by whoever changes the bit on its left from 0 to 1. Nobody loses an event because each side
/// first writes its own bit and then reads the other's:
///
///     raise    sets pending,   then reads the mask and the port's vCPU
///     unmask   clears the mask, then reads pending
///     move     sets the vCPU,  then reads pending
///     guest    clears upcall_pending, then takes the selector, then takes pending bits
#pragma once

#include <atomic>

#include "kernel/abi/xen/shared_info.hpp"

namespace hospes {

/// How shared words are accessed. Tests put a policy here that stops before every access, to try all interleavings.
struct AtomicWords {
    static u64 load(u64& word) { return std::atomic_ref{word}.load(std::memory_order_seq_cst); }
    static u64 set(u64& word, u64 bits) { return std::atomic_ref{word}.fetch_or(bits, std::memory_order_seq_cst); }
    static u64 clear(u64& word, u64 bits) { return std::atomic_ref{word}.fetch_and(~bits, std::memory_order_seq_cst); }
    static u8 exchange(u8& byte, u8 value) { return std::atomic_ref{byte}.exchange(value, std::memory_order_seq_cst); }
};

template <typename Words = AtomicWords>
class TwoLevelEvents {
public:
    explicit TwoLevelEvents(xen::SharedInfo& shared) : shared_{shared} {}

    [[nodiscard]] bool is_pending(xen::EventPort port) const
    {
        return (Words::load(shared_.event_pending[port / 64]) & bit(port)) != 0;
    }
    [[nodiscard]] bool is_masked(xen::EventPort port) const
    {
        return (Words::load(shared_.event_mask[port / 64]) & bit(port)) != 0;
    }
    void clear_pending(xen::EventPort port) { Words::clear(shared_.event_pending[port / 64], bit(port)); }

    /// An event has happened. `notify()` finds the port's vCPU, only then, and calls select(). False if the event was
    /// pending already.
    template <typename Notify>
    bool raise(xen::EventPort port, Notify notify)
    {
        if ((Words::set(shared_.event_pending[port / 64], bit(port)) & bit(port)) != 0) return false;
        if (!is_masked(port)) notify();
        return true;
    }
    template <typename Notify>
    void unmask(xen::EventPort port, Notify notify)
    {
        Words::clear(shared_.event_mask[port / 64], bit(port));
        if (is_pending(port)) notify();
    }
    /// The port has just got another vCPU.
    template <typename Notify>
    void moved(xen::EventPort port, Notify notify)
    {
        if (is_pending(port) && !is_masked(port)) notify();
    }

    /// Points a vCPU at the word that holds `port`. True if it must be given an upcall.
    [[nodiscard]] static bool select(xen::VcpuInfo& info, xen::EventPort port)
    {
        u64 const word = u64{1} << (port / 64);
        if ((Words::set(info.event_pending_selector, word) & word) != 0) return false;
        return Words::exchange(info.event_upcall_pending, 1) == 0;
    }

private:
    [[nodiscard]] static constexpr u64 bit(xen::EventPort port) { return u64{1} << (port % 64); }

    xen::SharedInfo& shared_;
};

}
