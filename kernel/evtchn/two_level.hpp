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
///
/// A guest of 32-bit code has 32 words of 32 bits (kernel/abi/compat). Words of 64 bits are used here for it, too: the
/// bits of the arrays are where they would be, and its selector is the upper half of the word that begins its
/// vcpu_info.
#pragma once

#include <atomic>

#include "kernel/abi/compat/shared_info.hpp"
#include "kernel/evtchn/event_channel.hpp"

namespace hospes {

/// How shared words are accessed. Tests put a policy here that stops before every access, to try all interleavings.
struct AtomicWords {
    static u64 load(u64& word) { return std::atomic_ref{word}.load(std::memory_order_seq_cst); }
    static u64 set(u64& word, u64 bits) { return std::atomic_ref{word}.fetch_or(bits, std::memory_order_seq_cst); }
    static u64 clear(u64& word, u64 bits) { return std::atomic_ref{word}.fetch_and(~bits, std::memory_order_seq_cst); }
    static u8 exchange(u8& byte, u8 value) { return std::atomic_ref{byte}.exchange(value, std::memory_order_seq_cst); }
};

template <typename Words>
class TwoLevelEvents {
public:
    explicit TwoLevelEvents(xen::SharedInfo& shared, bool is_narrow = false) : shared_{shared}, is_narrow_{is_narrow} {}

    [[nodiscard]] bool is_pending(xen::EventPort port) const
    {
        return has_bits(port) && (Words::load(shared_.event_pending[port / 64]) & bit(port)) != 0;
    }
    /// A port without bits is never heard.
    [[nodiscard]] bool is_masked(xen::EventPort port) const
    {
        return !has_bits(port) || (Words::load(mask_word(port)) & bit(port)) != 0;
    }
    void clear_pending(xen::EventPort port)
    {
        if (has_bits(port)) Words::clear(shared_.event_pending[port / 64], bit(port));
    }

    /// An event has happened. `notify()` finds the port's vCPU, only then, and calls select(). False if the event was
    /// pending already.
    template <typename Notify>
    bool raise(xen::EventPort port, Notify notify)
    {
        if (!has_bits(port)) return false;
        if ((Words::set(shared_.event_pending[port / 64], bit(port)) & bit(port)) != 0) return false;
        if (!is_masked(port)) notify();
        return true;
    }
    template <typename Notify>
    void unmask(xen::EventPort port, Notify notify)
    {
        if (has_bits(port)) Words::clear(mask_word(port), bit(port));
        if (is_pending(port)) notify();
    }
    /// The port has just got another vCPU.
    template <typename Notify>
    void moved(xen::EventPort port, Notify notify)
    {
        if (is_pending(port) && !is_masked(port)) notify();
    }

    /// Points a vCPU at the word that holds `port`. True if it must be given an upcall.
    [[nodiscard]] static bool select(xen::VcpuInfo& info, xen::EventPort port, bool is_narrow = false)
    {
        if (is_narrow) [[unlikely]]
            return select_narrow(info, port);
        u64 const word = u64{1} << (port / 64);
        if ((Words::set(info.event_pending_selector, word) & word) != 0) return false;
        return Words::exchange(info.event_upcall_pending, 1) == 0;
    }

private:
    [[nodiscard]] static bool select_narrow(xen::VcpuInfo& info, xen::EventPort port)
    {
        constexpr unsigned selector = offsetof(compat::VcpuInfo, event_pending_selector) * 8;
        static_assert(selector == 32 && compat::event_channels == 32 * 32);
        u64 const word = u64{1} << (selector + port / 32 % 32);
        if ((Words::set(*reinterpret_cast<u64*>(&info), word) & word) != 0) return false;
        return Words::exchange(info.event_upcall_pending, 1) == 0;
    }

    [[nodiscard]] bool has_bits(xen::EventPort port) const { return !is_narrow_ || port < compat::event_channels; }
    [[nodiscard]] u64& mask_word(xen::EventPort port) const
    {
        if (!is_narrow_) [[likely]]
            return shared_.event_mask[port / 64];
        return reinterpret_cast<u64*>(reinterpret_cast<compat::SharedInfo&>(shared_).event_mask.data())[port / 64];
    }
    [[nodiscard]] static constexpr u64 bit(xen::EventPort port) { return u64{1} << (port % 64); }

    xen::SharedInfo& shared_;
    bool is_narrow_;
};

}
