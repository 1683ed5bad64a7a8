// SPDX-License-Identifier: MIT
/// Writes a vCPU's time record, and the wall clock, where the guest reads them, under their version counters.
#include "kernel/domain/para_clock.hpp"

#include <atomic>

#include "kernel/abi/compat/shared_info.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/domain/shared_areas.hpp"
#include "kernel/lib/shared_memory.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::para_clock {

namespace {

/// A moment by the guest's TSC and by system time.
struct Moment {
    u64 guest_tsc;
    u64 system_time;
};

/// The start of system time, unless the guest's TSC was not running yet, as it sees it: then now. A guest may take a
/// timestamp above its TSC for the future.
Moment reference(Vcpu const& vcpu)
{
    u64 const offset = arch::tsc_offset(vcpu);
    u64 const now = arch::read_tsc();
    if (clock::base_tsc() + offset <= now + offset) return {clock::base_tsc() + offset, 0};
    return {now + offset, clock::time_at(now)};
}

xen::VcpuTimeInfo current_record(Vcpu const& vcpu)
{
    TickScale const scale = clock::scale();
    Moment const moment = reference(vcpu);
    return {.version = 0,
            .pad0 = 0,
            .tsc_timestamp = moment.guest_tsc,
            .system_time = moment.system_time,
            .tsc_to_system_multiplier = scale.mul,
            .tsc_shift = scale.shift,
            .flags = clock::tsc_is_synchronised() ? xen::time_info_flag::tsc_stable : u8{0},
            .pad1 = {}};
}

/// The copy for the guest's user mode.
void publish_to_area(SharedAreas& areas, xen::VcpuTimeInfo record)
{
    std::span const bytes{reinterpret_cast<u8 const*>(&record), sizeof record};
    auto const version = bytes.first(sizeof record.version);
    record.version = areas.next_time_version();
    areas.write_time(0, version);
    std::atomic_thread_fence(std::memory_order_release);
    areas.write_time(version.size(), bytes.subspan(version.size()));
    std::atomic_thread_fence(std::memory_order_release);
    ++record.version;
    areas.write_time(0, version);
}

/// Runs `write` while the version is odd, so that a reader on another CPU tries again. (xen/include/public/xen.h)
template <typename Write>
void update_versioned(u32& version, Write write)
{
    std::atomic_ref<u32> const shared{version};
    u32 const even = shared.load(std::memory_order_relaxed) & ~1u;
    shared.store(even + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    write();
    std::atomic_thread_fence(std::memory_order_release);
    shared.store(even + 2, std::memory_order_release);
}

/// Into shared info of either layout.
template <typename SharedInfo>
void write_wall_clock(SharedInfo& shared, WallClock const& wall)
{
    update_versioned(shared.wall_clock_version, [&] {
        store_shared(shared.wall_clock_seconds, static_cast<u32>(wall.seconds));
        store_shared(shared.wall_clock_nanoseconds, wall.nanoseconds);
        store_shared(shared.wall_clock_seconds_high, static_cast<u32>(wall.seconds >> 32));
    });
}

}

void publish(Vcpu& vcpu)
{
    auto areas = vcpu.areas.lock();
    publish(vcpu, *areas);
}

void publish(Vcpu& vcpu, SharedAreas& areas)
{
    xen::VcpuTimeInfo const record = current_record(vcpu);
    publish_to_area(areas, record);
    if (xen::VcpuInfo* const info = vcpu.info())
        update_versioned(info->time.version, [&] {
            // All behind the version.
            constexpr size_t begin = sizeof record.version;
            store_shared(reinterpret_cast<u8*>(&info->time) + begin,
                         std::span{reinterpret_cast<u8 const*>(&record), sizeof record}.subspan(begin));
        });
}

void publish_wall_clock(Domain& domain)
{
    auto const held = domain.control.lock(); // shared info goes under this lock
    xen::SharedInfo* const shared = domain.shared_info();
    if (!shared) return;
    WallClock wall = clock::wallclock();
    wall.seconds += static_cast<u64>(domain.clock.offset_seconds.load(std::memory_order_relaxed));
    if (domain.has_narrow_shared_info())
        write_wall_clock(*reinterpret_cast<compat::SharedInfo*>(shared), wall);
    else
        write_wall_clock(*shared, wall);
}

void publish_wall_clock_to_all()
{
    for (DomainId next = 0;;) {
        auto const domain = domains::at_or_after(next);
        if (!domain) return;
        publish_wall_clock(**domain);
        next = static_cast<DomainId>((*domain)->id() + 1);
    }
}

}
