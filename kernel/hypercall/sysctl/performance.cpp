// SPDX-License-Identifier: MIT
/// `xenperf`: the hypervisor's own counters.
#include "kernel/arch/cpu.hpp"
#include "kernel/debug/counters.hpp"
#include "kernel/hypercall/sysctl/sysctl_call.hpp"
#include "kernel/lib/format.hpp"

namespace hospes::system_control {

namespace {

/// "exit: CPUID", cut short if need be.
xen::PerfcDescription description_of(CounterFamily const& family, size_t number)
{
    xen::PerfcDescription description{.name = {}, .nr_values = arch::cpu_count()};
    auto const text = std::span{description.name}.first(description.name.size() - 1);
    format_into(text, "{}: {}", FormatArguments<2>{family.name, family.name_of(number)}.span());
    return description;
}

/// Writes the counter with this index among all: its description and its values. Either array may be absent.
Expected<> copy_counter(SysctlCall& call, u32 index, CounterFamily const& family, size_t number)
{
    auto const& request = call.request.u.perfc_op;
    if (!request.descriptions.is_null())
        if (auto const copied = copy_out(call.caller, request.descriptions, description_of(family, number), index);
            !copied)
            return copied;
    if (request.values.is_null()) return {};
    std::array<u32, arch::max_cpus> all;
    auto const values = std::span{all}.first(arch::cpu_count());
    for (unsigned cpu = 0; cpu < values.size(); ++cpu)
        values[cpu] = static_cast<u32>(family.of_cpu(cpu)[number].value());
    auto const where = element_address(request.values, u64{index} * values.size());
    if (!where) return failure(where.error());
    return copy_to_guest(call.caller, *where, {reinterpret_cast<u8 const*>(values.data()), values.size_bytes()});
}

/// The tool has asked for the number of counters before, with null arrays, and has made room for them.
Expected<> query(SysctlCall& call)
{
    Expected<> copied;
    u32 index = 0;
    bool is_spent = false;
    for (CounterFamily const& family : counter_families())
        for_each_counter(family, [&](size_t number) {
            u32 const this_one = index++;
            if (!copied || this_one < call.progress) return;
            if (is_spent) {
                copied = call.restart_at(this_one);
                return;
            }
            copied = copy_counter(call, this_one, family, number);
            is_spent = call.budget().is_spent();
        });
    call.request.u.perfc_op.nr_counters = index;
    call.request.u.perfc_op.nr_values = index * arch::cpu_count();
    return copied;
}

}

/// Each exit reason, hypercall and so on is a counter with a value for each CPU.
Expected<> performance_counters(SysctlCall& call)
{
    using enum xen::PerfcCommand;
    u32 const command = call.request.u.perfc_op.command;
    if (command == static_cast<u32>(Query)) return query(call);
    if (command != static_cast<u32>(Reset)) return failure(Error::Invalid);
    reset_counters();
    return {};
}

}
