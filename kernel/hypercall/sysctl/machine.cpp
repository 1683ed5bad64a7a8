// SPDX-License-Identifier: MIT
/// Memory, CPUs and domains of the machine.
#include <algorithm>

#include "kernel/arch/cpu.hpp"
#include "kernel/arch/cpu_policy.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/domain_info.hpp"
#include "kernel/hypercall/sysctl/sysctl_call.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::system_control {

namespace {

constexpr u32 highest_node_id = 63; // the toolstack sizes node bitmaps by it
constexpr u32 distance_to_self = 10;

}

/// The toolstack refuses to build guests unless hvm, hap and a grant table version are among the capabilities.
Expected<> physical_information(SysctlCall& call)
{
    using namespace xen::physical_capability;
    auto& info = call.request.u.phys_info;
    info = {};
    info.threads_per_core = 1;
    info.cores_per_socket = arch::cpu_count();
    info.nr_cpus = arch::cpu_count();
    info.max_cpu_id = arch::cpu_count() - 1;
    info.nr_nodes = 1;
    info.max_node_id = highest_node_id;
    info.cpu_khz = static_cast<u32>(clock::tsc_khz());
    info.capabilities = hvm | hap | grant_table_v1;
    info.total_pages = frames::total_count();
    info.free_pages = frames::free_count();
    info.max_mfn = frames::end_of_memory().raw() - 1;
    auto const features = arch::system_features(arch::SystemPolicy::Host);
    std::copy_n(features.begin(), info.hardware_capabilities.size(), info.hardware_capabilities.begin());
    return {};
}

Expected<> available_heap(SysctlCall& call)
{
    call.request.u.avail_heap.available_bytes = frames::free_count() * page_size;
    return {};
}

Expected<> cpu_idle_times(SysctlCall& call)
{
    auto& request = call.request.u.get_cpu_info;
    request.nr_cpus = std::min(request.max_cpus, arch::cpu_count());
    for (u32 cpu = 0; cpu < request.nr_cpus; ++cpu)
        if (auto const copied = copy_out(call.caller, request.info, xen::CpuInfo{scheduler::idle_time(cpu)}, cpu);
            !copied)
            return copied;
    return {};
}

/// A null array asks for the number of CPUs.
Expected<> cpu_topology(SysctlCall& call)
{
    auto& request = call.request.u.cpu_topology_info;
    u32 const count = request.topology.is_null() ? 0 : std::min(request.nr_cpus, arch::cpu_count());
    for (u32 cpu = 0; cpu < count; ++cpu) {
        xen::CpuTopology const place{.core = cpu, .socket = 0, .node = 0};
        if (auto const copied = copy_out(call.caller, request.topology, place, cpu); !copied) return copied;
    }
    request.nr_cpus = request.topology.is_null() ? arch::cpu_count() : count;
    return {};
}

Expected<> numa_information(SysctlCall& call)
{
    auto& request = call.request.u.numa_info;
    bool const wants_data = !request.memory.is_null() || !request.distance.is_null();
    if (wants_data && request.nr_nodes > 0) {
        xen::MemoryInfo const memory{.size = frames::total_count() * page_size,
                                     .free = frames::free_count() * page_size};
        if (!request.memory.is_null())
            if (auto const copied = copy_out(call.caller, request.memory, memory); !copied) return copied;
        if (!request.distance.is_null())
            if (auto const copied = copy_out(call.caller, request.distance, distance_to_self); !copied) return copied;
    }
    request.nr_nodes = 1;
    return {};
}

/// Every device is on node 0; whether it exists is for dom0 to know.
Expected<> pci_topology(SysctlCall& call)
{
    constexpr u32 most_devices = 256;
    auto& request = call.request.u.pci_topology_info;
    if (request.devices.is_null() || request.nodes.is_null()) return failure(Error::Invalid);
    request.nr_devices = std::min(request.nr_devices, most_devices);
    for (u32 i = call.progress; i < request.nr_devices;) {
        if (auto const copied = copy_out(call.caller, request.nodes, u32{0}, i); !copied) return copied;
        if (++i < request.nr_devices && call.budget().is_spent()) return call.restart_at(i);
    }
    return {};
}

/// Progress: how many are listed, and the next id to look at.
Expected<> domain_list(SysctlCall& call)
{
    constexpr u32 most_domains = 1024;
    constexpr u32 count_bits = 16;
    auto& request = call.request.u.get_domain_info_list;
    u32 count = call.progress & ((u32{1} << count_bits) - 1);
    u32 next = std::max<u32>(request.first_domain, call.progress >> count_bits);
    while (count < std::min(request.max_domains, most_domains) && next < xen::domid_first_reserved) {
        auto const domain = domains::at_or_after(static_cast<DomainId>(next));
        if (!domain) break;
        if (auto const copied = copy_out(call.caller, request.buffer, describe_domain(**domain), count); !copied)
            return copied;
        ++count;
        next = (*domain)->id() + u32{1};
        if (call.budget().is_spent()) return call.restart_at(next << count_bits | count);
    }
    request.nr_domains = count;
    return {};
}

}
