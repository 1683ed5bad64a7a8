// SPDX-License-Identifier: MIT
/// platform_op(call): the wall clock and the physical CPUs, for dom0. (xen/include/public/platform.h; abi.md 3.10.)
#include "kernel/abi/xen/platform.hpp"

#include "kernel/arch/cpu.hpp"
#include "kernel/domain/para_clock.hpp"
#include "kernel/hypercall/command_table.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/time/clock.hpp"
#include "kernel/time/tick_scale.hpp"

namespace hospes {

namespace {

Expected<> set_clock(u64 seconds, u32 nanoseconds, u64 system_time)
{
    if (nanoseconds >= nanoseconds_per_second) return failure(Error::Invalid);
    clock::set_wallclock(seconds, nanoseconds, system_time);
    para_clock::publish_wall_clock_to_all();
    return {};
}

Expected<> set_time_32(xen::PlatformOp& call)
{
    return set_clock(call.u.set_time32.seconds, call.u.set_time32.nanoseconds, call.u.set_time32.system_time);
}

Expected<> set_time_64(xen::PlatformOp& call)
{
    if (call.u.set_time64.must_be_zero != 0) return failure(Error::Invalid);
    return set_clock(call.u.set_time64.seconds, call.u.set_time64.nanoseconds, call.u.set_time64.system_time);
}

Expected<> cpu_information(xen::PlatformOp& call)
{
    u32 const cpu = call.u.pcpu_info.xen_cpu_id;
    bool const exists = cpu < arch::cpu_count();
    call.u.pcpu_info = {.xen_cpu_id = cpu,
                        .max_present = arch::cpu_count() - 1,
                        .flags = exists ? xen::pcpu_flag::online : xen::pcpu_flag::invalid,
                        .apic_id = exists ? arch::apic_id(cpu) : 0,
                        .acpi_id = exists ? cpu : 0};
    return {};
}

struct Row {
    xen::PlatformCommand number;
    Expected<> (*handler)(xen::PlatformOp&);
};

using enum xen::PlatformCommand;

/// Frequency and idle states stay the firmware's; microcode, CPU and memory hot-plug are not offered: NotImplemented.
constexpr std::array rows{
    Row{SetTime32, set_time_32},
    Row{SetTime64, set_time_64},
    Row{GetCpuInfo, cpu_information},
};
constexpr auto commands = command_table<rows>();

}

Expected<u64> platform_op(Vcpu& caller, HypercallArguments& arguments)
{
    auto const claim = claim_of<xen::PlatformOp>(arguments[0]);
    auto call = copy_in(caller, claim);
    if (!call) return failure(call.error());
    if (call->interface_version != xen::platform_interface_version) return failure(Error::AccessDenied);
    Row const* const row = commands.find(call->command);
    if (!row || !row->handler) return failure(Error::NotImplemented);
    if (auto const done = row->handler(*call); !done) return failure(done.error());
    if (auto const copied = copy_out(caller, claim, *call); !copied) return failure(copied.error());
    return 0;
}

}
