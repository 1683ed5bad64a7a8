// SPDX-License-Identifier: MIT
/// What others ask of a vCPU that it carries out itself before its next entry: INIT, a startup message, a new time
/// record, a report to the log. One word, so that each request sees all that came before it.
///
///     INIT                      startup
///     ─────▶ waits for startup ────────▶ carried out, and no further one heeded until the next INIT
///
/// A startup message is heeded from the moment of the INIT on, carried out or not; the last of each kind counts, and an
/// INIT takes back a startup that was not carried out yet. (SDM vol. 3, 9.4.4.1 and 11.4.7)
#pragma once

#include <atomic>
#include <optional>

#include "kernel/lib/integers.hpp"

namespace hospes::arch {

class StartRequests {
public:
    struct Taken {
        bool clock_changed;
        bool report;
        bool init;
        std::optional<u8> startup; ///< the vector; goes before `init`
    };

    void ask_for_init()
    {
        change([](u32 before) { return (before & beside_bits) | init_bit | waiting_bit; });
    }
    /// False if the vCPU does not wait for one: the message is lost, as on hardware.
    [[nodiscard]] bool ask_for_startup(u8 vector)
    {
        u32 const before = change([vector](u32 bits) {
            return (bits & waiting_bit) == 0 ? bits : (bits & (beside_bits | init_bit)) | startup_bit | vector;
        });
        return (before & waiting_bit) != 0;
    }
    void ask_for_clock() { word_.fetch_or(clock_bit); }
    void ask_for_report() { word_.fetch_or(report_bit); }
    /// That alone, by the vCPU itself; false if nobody has asked.
    [[nodiscard]] bool take_report()
    {
        if ((word_.load(std::memory_order_relaxed) & report_bit) == 0) return false;
        return (word_.fetch_and(~report_bit) & report_bit) != 0;
    }
    /// The vCPU's registers were set from outside: no startup message is needed, and none will be heeded.
    void mark_started() { word_.fetch_and(~waiting_bit); }

    [[nodiscard]] bool any() const { return (word_.load(std::memory_order_relaxed) & ~waiting_bit) != 0; }
    [[nodiscard]] bool to_start() const
    {
        return (word_.load(std::memory_order_relaxed) & (init_bit | startup_bit)) != 0;
    }
    /// All of them, by the vCPU itself.
    [[nodiscard]] Taken take()
    {
        u32 const taken = word_.fetch_and(waiting_bit);
        return {.clock_changed = (taken & clock_bit) != 0,
                .report = (taken & report_bit) != 0,
                .init = (taken & init_bit) != 0,
                .startup = (taken & startup_bit) != 0 ? std::optional{static_cast<u8>(taken)} : std::nullopt};
    }

private:
    static constexpr u32 init_bit = 1 << 8;
    static constexpr u32 startup_bit = 1 << 9; ///< vector in bits 7..0
    static constexpr u32 clock_bit = 1 << 10;
    static constexpr u32 report_bit = 1 << 12;
    static constexpr u32 beside_bits = clock_bit | report_bit; ///< that have nothing to do with starting
    static constexpr u32 waiting_bit = 1 << 11; ///< no request, but how the next startup message is taken

    /// What it was before.
    template <typename Change>
    u32 change(Change to)
    {
        u32 before = word_.load();
        while (!word_.compare_exchange_weak(before, to(before))) {}
        return before;
    }

    std::atomic<u32> word_{waiting_bit};
};

}
