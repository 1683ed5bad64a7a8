// SPDX-License-Identifier: MIT
/// How fast the time-stamp counter runs, by comparison with a clock of known frequency.
#include <algorithm>
#include <array>
#include <limits>

#include "arch/x86_64/cpu/cpuid.hpp"
#include "arch/x86_64/cpu/machine.hpp"
#include "arch/x86_64/cpu/port_io.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/time.hpp"
#include "kernel/lib/median.hpp"
#include "kernel/log/log.hpp"

namespace hospes {

namespace {

/// A counter that counts up and wraps around at `mask`.
struct ReferenceClock {
    char const* name;
    u32 (*read)();
    u32 mask;
    u64 hz;
};

// Interval timer 2: counts down through 16 bits again and again, its gate open, the loudspeaker off.
// (Intel 8254 data sheet; port 61h: Intel ICH data sheets, NMI_SC register)
constexpr u16 interval_timer_2 = 0x42;
constexpr u16 interval_control = 0x43;
constexpr u16 system_control = 0x61;

void start_interval_timer()
{
    constexpr u8 gate_2 = 1 << 0;
    constexpr u8 speaker = 1 << 1;
    constexpr u8 channel_2_both_bytes_mode_2 = 0xb4;
    write_port8(system_control, static_cast<u8>((read_port8(system_control) & ~speaker) | gate_2));
    write_port8(interval_control, channel_2_both_bytes_mode_2);
    write_port8(interval_timer_2, 0);
    write_port8(interval_timer_2, 0);
}

u32 read_interval_timer()
{
    constexpr u8 latch_channel_2 = 0x80;
    write_port8(interval_control, latch_channel_2);
    u32 const low = read_port8(interval_timer_2);
    u32 const high = read_port8(interval_timer_2);
    return ~(high << 8 | low) & 0xffff; // as if it counted up
}

u16 power_management_port = 0;

/// Firmware may tell the port of a timer that is not there.
bool power_management_timer_counts()
{
    if (power_management_port == 0) return false;
    u32 const first = read_port32(power_management_port);
    for (unsigned i = 0; i < 1'000; ++i)
        if (read_port32(power_management_port) != first) return true;
    return false;
}

ReferenceClock reference_clock()
{
    if (power_management_timer_counts())
        return {"ACPI timer", [] { return read_port32(power_management_port); }, 0xff'ffff, 3'579'545};
    start_interval_timer();
    return {"interval timer", read_interval_timer, 0xffff, 1'193'182};
}

struct Sample {
    u64 tsc;
    u32 reference;
};

/// Both clocks at the same moment, as nearly as the fastest of several attempts tells.
Sample sample(ReferenceClock const& clock)
{
    Sample best{};
    u64 shortest = std::numeric_limits<u64>::max();
    for (unsigned attempt = 0; attempt < 8; ++attempt) {
        u64 const before = arch::read_tsc();
        u32 const reference = clock.read();
        u64 const duration = arch::read_tsc() - before;
        if (duration >= shortest) continue;
        shortest = duration;
        best = {before + duration / 2, reference};
    }
    return best;
}

/// 0 if the reference clock stands still.
u64 measure_once(ReferenceClock const& clock)
{
    constexpr u64 patience = u64{1} << 33; // ticks: a second or more on any CPU
    u64 const enough = clock.hz / 25;      // 40 ms; the interval timer wraps around after 55
    Sample const start = sample(clock);
    while (((clock.read() - start.reference) & clock.mask) < enough) {
        if (arch::read_tsc() - start.tsc > patience) return 0;
        arch::spin_hint();
    }
    Sample const end = sample(clock);
    return (end.tsc - start.tsc) * clock.hz / ((end.reference - start.reference) & clock.mask);
}

/// Some CPUs tell: crystal frequency and ratio. (SDM volume 2, CPUID leaf 15H) 0 if not.
u64 hz_told_by_cpu()
{
    CpuidLeaf const leaf = read_existing_leaf([](u32 n, u32 m) { return read_cpuid(n, m); }, 0x15);
    if (leaf.eax == 0 || leaf.ebx == 0) return 0;
    return u64{leaf.ecx} * leaf.ebx / leaf.eax;
}

struct Measurement {
    u64 hz = 0;     ///< 0: the reference clock stands still
    u64 spread = 0; ///< between the lowest and the highest sample, in parts per million
};

Measurement measure(ReferenceClock const& clock)
{
    std::array const samples{measure_once(clock), measure_once(clock), measure_once(clock)};
    auto const [lowest, highest] = std::ranges::minmax(samples);
    if (lowest == 0) return {};
    return {median(samples), (highest - lowest) * 1'000'000 / lowest};
}

/// An outer hypervisor or the firmware may stop this CPU for longer than the clock takes to wrap around: then the
/// samples differ wildly, and are taken again.
Measurement measure_until_steady(ReferenceClock const& clock)
{
    constexpr u64 steady = 500; // parts per million
    constexpr unsigned attempts = 8;
    Measurement best = measure(clock);
    for (unsigned i = 1; i < attempts && best.hz != 0 && best.spread > steady; ++i) {
        Measurement const next = measure(clock);
        if (next.spread < best.spread) best = next;
    }
    return best;
}

}

void machine::use_power_management_timer(u16 port) { power_management_port = port; }

u64 arch::measure_tsc_hz()
{
    ReferenceClock const clock = reference_clock();
    u64 const told = hz_told_by_cpu();
    Measurement const measured = measure_until_steady(clock);
    if (measured.hz == 0) {
        log_warning("the {} stands still; CPUID tells that the TSC runs at {} kHz", clock.name, told / 1000);
        return told;
    }
    u64 const difference = told > measured.hz ? told - measured.hz : measured.hz - told;
    bool const believe = told != 0 && difference < measured.hz / 1000;
    log_info("TSC: {} kHz by the {}, spread {} ppm{}", measured.hz / 1000, clock.name, measured.spread,
             believe ? "; CPUID agrees and is more precise" : "");
    return believe ? told : measured.hz;
}

}
