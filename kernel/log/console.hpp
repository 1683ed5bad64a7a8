// SPDX-License-Identifier: MIT
/// The console: devices that show text, the ring that `xl dmesg` reads, and what is typed.
///
///     log lines, dom0's console_io, guest debug output ──▶ ring (conring_size=) ──▶ sysctl readconsole
///                                                     └──▶ devices: serial, screen
///     serial input ──Ctrl-A three times switches──▶ dom0's input, or the hypervisor's debug keys
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "kernel/abi/xen/types.hpp"
#include "kernel/lib/integers.hpp"
#include "kernel/log/log.hpp"

namespace hospes::console {

/// Something that shows characters. Called with LockRank::Console held; must not log, and not wait without bound.
class Device {
public:
    /// LF starts a new line; the device adds what else it needs.
    virtual void write(std::span<char const> text) = 0;
    /// For devices that keep text they cannot show yet: it may be possible now.
    virtual void continue_writing() {}
    /// For the same devices: from now on no text is kept, but shown before write() returns; it waits in bounded time.
    virtual void write_synchronously() {}

protected:
    ~Device() = default;
};

/// Shows everything in the ring so far on `device`, and from now on everything new. At most four devices.
void attach(Device& device);
void detach(Device& device);

/// Devices may have room for text that waits. For their interrupt handlers.
void continue_writing();
/// What waits is shown, and from now on a write returns when its text is shown: the machine is about to end.
void write_synchronously();

/// Gives the ring its final size: the largest power of two not above `buffer`, which must stay. Text is kept.
void use_ring(std::span<char> buffer);

/// Lines less important than this are dropped. `None` drops all.
struct Thresholds {
    u8 hypervisor;         ///< lines shown: LogLevel below this number
    u8 guest;              ///< the same for guests
    u8 guest_rate_limited; ///< guests' lines from `guest` up to here are shown at a limited rate
    bool timestamps;
    bool dom0_to_ring = false; ///< keep dom0's text in the ring, too
};
void set_thresholds(Thresholds thresholds);
/// Nanoseconds since boot, for console_timestamps.
void set_clock(u64 (*nanoseconds)());

/// Text of dom0 (console_io write), shown as it is.
void write_raw(std::span<char const> text);

/// Whether several lines may be said about a guest that has ended: guests that do so again and again must not fill the
/// log. Each true counts.
[[nodiscard]] bool may_report_on_a_guest();
/// One line of a guest's debug output, shown as "(d3) text" if guest_loglvl= lets it.
void guest_line(xen::DomainId domain, std::string_view text, LogLevel level = LogLevel::Info);

/// Collects the characters that a guest writes one by one into lines. Its user's lock protects it.
class GuestLineBuffer {
public:
    /// Characters that are neither printable, tab nor newline are dropped: a guest must not steer a terminal.
    void put(xen::DomainId domain, char character);

private:
    std::array<char, 120> text_{};
    u8 used_ = 0;
};

/// Copies from the ring what was written from position `index` on (`incremental`), or all that is left; returns the
/// number of characters and moves `index` behind them. (Xen's sysctl.h, xen_sysctl_readconsole.)
u32 ring_read(std::span<char> out, u32& index, bool incremental);
/// Forgets what is in the ring, for readers that are not incremental.
void ring_clear();
/// `hook` is called by deliver_notices() when the ring has new text: for VIRQ_CON_RING.
void on_output(void (*hook)());
/// Log lines are written in any context, under any lock, so the news of them waits for this call. For places where no
/// lock is held, such as the run loop; cheap if there is nothing.
void deliver_notices();

/// A character that was typed. For interrupt handlers.
void receive(char character);
/// Takes up to out.size() typed characters that are meant for dom0.
size_t read_input(std::span<char> out);
/// Called by receive() after a character for dom0 arrived: for VIRQ_CONSOLE.
void on_input(void (*hook)());
/// Called with each character typed while input belongs to the hypervisor.
void on_debug_key(void (*hook)(char key));

/// From now on a console lock that this CPU holds, or that is not released in bounded time, is ignored, the device that
/// this CPU was writing to is not used any more, and the others write synchronously. For panic() only.
void break_locks();

}
