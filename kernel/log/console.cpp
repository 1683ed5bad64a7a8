// SPDX-License-Identifier: MIT
/// The console's output side: log lines, ring and devices, all under one lock.
#include "kernel/log/console.hpp"

#include <atomic>

#include "kernel/log/console_lock.hpp"
#include "kernel/log/device_list.hpp"
#include "kernel/log/ring.hpp"
#include "kernel/log/token_bucket.hpp"
#include "kernel/sync/spinlock.hpp"

namespace hospes::console {
namespace {

constexpr size_t default_ring_bytes = 64 * kib;
constexpr size_t longest_line = 400;
constexpr std::string_view prefix = "(hospes) ";

/// Guests' lines at a limited rate: these many at once, then one more per this many TSC ticks (some 100 a second).
constexpr u32 guest_line_burst = 300;
constexpr u64 ticks_per_guest_line = u64{1} << 25;

constinit std::array<char, default_ring_bytes> default_ring{};
constinit ConsoleLock console_lock;
constinit LogRing ring{default_ring};
constinit DeviceList<Device> devices;
constinit Thresholds thresholds{.hypervisor = 3, .guest = 0, .guest_rate_limited = 3, .timestamps = false};
constinit TokenBucket guest_lines{guest_line_burst, ticks_per_guest_line};
/// Reports of several lines on guests that have ended: so many at once, then one a second or so.
constinit TokenBucket guest_reports{16, u64{1} << 31};
constinit u64 (*clock)() = nullptr;
constinit void (*output_hook)() = nullptr;
constinit std::atomic<bool> output_pending{false};

/// Must hold the lock.
void emit(std::span<char const> text)
{
    for (char character : text) ring.put(character);
    devices.write(text);
}

void emit_line(std::string_view start, std::string_view format, std::span<FormatArgument const> arguments)
{
    std::array<char, longest_line> line;
    std::span<char> rest{line};
    auto const append = [&](std::string_view written) { rest = rest.subspan(written.size()); };
    append(format_into(rest, start, {}));
    if (thresholds.timestamps && clock != nullptr) {
        u64 const microseconds = clock() / 1000;
        append(format_into(
            rest, "[{}.{}{}] ",
            FormatArguments<3>{microseconds / 1'000'000, microseconds / 100'000 % 10, microseconds / 10'000 % 10}
                .span()));
    }
    append(format_into(rest.first(rest.size() - 1), format, arguments));
    rest.front() = '\n';
    size_t const length = line.size() - rest.size() + 1;
    LockGuard const guard{console_lock};
    emit(std::span<char const>{line}.first(length));
}

void note_output() { output_pending.store(true, std::memory_order_relaxed); }

bool guest_line_is_shown(LogLevel level)
{
    u8 const number = static_cast<u8>(level);
    if (number < thresholds.guest) return true;
    if (number >= thresholds.guest_rate_limited) return false;
    LockGuard const guard{console_lock};
    return guest_lines.take(arch::read_tsc());
}

}

bool may_report_on_a_guest()
{
    LockGuard const guard{console_lock};
    return guest_reports.take(arch::read_tsc());
}

void attach(Device& device)
{
    LockGuard const guard{console_lock};
    u32 position = 0;
    std::array<char, 256> chunk;
    for (bool incremental = false;; incremental = true) {
        u32 const count = ring.read(chunk, position, incremental);
        if (count == 0) break;
        auto const text = std::span<char const>{chunk}.first(count);
        devices.use_one(device, [text](Device& one) { one.write(text); });
    }
    if (!devices.add(device)) return;
}

void detach(Device& device)
{
    LockGuard const guard{console_lock};
    devices.remove(device);
}

void use_ring(std::span<char> buffer)
{
    LockGuard const guard{console_lock};
    if (!buffer.empty()) ring.move_to(buffer);
}

void set_thresholds(Thresholds wanted) { thresholds = wanted; }
void set_clock(u64 (*nanoseconds)()) { clock = nanoseconds; }
void on_output(void (*hook)()) { output_hook = hook; }

void break_locks()
{
    console_lock.break_open();
    if (console_lock.is_holder(arch::this_cpu())) devices.drop_the_one_in_use();
    write_synchronously();
}

void continue_writing()
{
    LockGuard const guard{console_lock};
    devices.use_all([](Device& device) { device.continue_writing(); });
}

void write_synchronously()
{
    LockGuard const guard{console_lock};
    devices.use_all([](Device& device) { device.write_synchronously(); });
}

void deliver_notices()
{
    if (!output_pending.load(std::memory_order_relaxed) || output_hook == nullptr) return;
    if (output_pending.exchange(false)) output_hook();
}

void write_raw(std::span<char const> text)
{
    LockGuard const guard{console_lock};
    if (!thresholds.dom0_to_ring) return devices.write(text);
    emit(text);
    note_output();
}

void guest_line(xen::DomainId domain, std::string_view text, LogLevel level)
{
    if (!guest_line_is_shown(level)) return;
    emit_line("", "(d{}) {}", FormatArguments<2>{domain, text}.span());
    note_output();
}

void GuestLineBuffer::put(xen::DomainId domain, char character)
{
    bool const printable = (character >= ' ' && character <= '~') || character == '\t';
    if (printable) text_[used_++] = character;
    if (character == '\n' || used_ == text_.size()) {
        guest_line(domain, std::string_view{text_.data(), used_});
        used_ = 0;
    }
}

u32 ring_read(std::span<char> out, u32& index, bool incremental)
{
    LockGuard const guard{console_lock};
    return ring.read(out, index, incremental);
}

void ring_clear()
{
    LockGuard const guard{console_lock};
    ring.clear();
}

}

namespace hospes {

void log_line(LogLevel level, std::string_view format, std::span<FormatArgument const> arguments)
{
    if (static_cast<u8>(level) >= console::thresholds.hypervisor) return;
    console::emit_line(console::prefix, format, arguments);
    console::note_output();
}

}
