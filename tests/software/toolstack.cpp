// SPDX-License-Identifier: MIT
/// The steps of making and ending a guest.
#include "tests/software/toolstack.hpp"

#include <array>

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/hvm_op.hpp"
#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/abi/xen/memory.hpp"

namespace hospes::software {

s64 Toolstack::domctl(xen::DomctlCommand command, DomainId id, xen::Domctl& request) const
{
    request.command = static_cast<u32>(command);
    request.interface_version = xen::domctl_interface_version;
    request.domain = id;
    return processor_.call_about(xen::Hypercall::Domctl, request);
}

s64 Toolstack::create(GuestPlan& plan) const
{
    xen::Domctl request{};
    request.u.create_domain = {.ssidref = 0,
                               .handle = {},
                               .flags = xen::create_flag::hvm | xen::create_flag::hap,
                               .iommu_options = 0,
                               .max_vcpus = plan.vcpus,
                               .max_event_port = plan.ports,
                               .max_grant_frames = plan.grant_frames,
                               .max_maptrack_frames = plan.maptrack_frames,
                               .grant_options = 1,
                               .altp2m = 0,
                               .vmtrace_size = 0,
                               .cpupool_id = 0,
                               .arch = {.emulation_flags = xen::emulation_flag::local_apic, .misc_flags = 0}};
    s64 const made = domctl(xen::DomctlCommand::CreateDomain, plan.id, request);
    if (made == 0) plan.id = request.domain;
    return made;
}

s64 Toolstack::create_vcpus(GuestPlan const& plan) const
{
    xen::Domctl request{};
    request.u.max_vcpus.max_vcpus = plan.vcpus;
    return domctl(xen::DomctlCommand::MaxVcpus, plan.id, request);
}

s64 Toolstack::limit_memory(GuestPlan const& plan) const
{
    xen::Domctl request{};
    request.u.max_mem.max_memory_kib = plan.most_pages * page_size / kib;
    return domctl(xen::DomctlCommand::MaxMem, plan.id, request);
}

s64 Toolstack::limit_tables(DomainId id, u64 pages) const
{
    xen::Domctl request{};
    request.u.paging_mempool.size = pages * page_size;
    return domctl(xen::DomctlCommand::SetPagingMempoolSize, id, request);
}

s64 Toolstack::prepare() const { return populate(0, first_large_buffer, most_vcpus * large_buffer_frames); }

s64 Toolstack::populate(DomainId id, u64 first, u64 count) const
{
    std::array<u64, 64> extents{};
    for (u64 i = 0; i < count; ++i) extents[i] = first + i;
    u64 const list = processor_.page(first_list);
    if (!processor_.put(list, extents)) return Processor::no_memory;
    xen::MemoryReservation request{
        .extent_start = {list}, .nr_extents = count, .extent_order = 0, .mem_flags = 0, .domain = id, .pad = {}};
    s64 const done = processor_.call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::PopulatePhysmap, request);
    if (done < 0) return done;
    return done == static_cast<s64>(count) ? 0 : -static_cast<s64>(Error::OutOfMemory);
}

s64 Toolstack::set_memory_map(DomainId id) const
{
    u64 const list = processor_.page(first_list);
    xen::E820Entry const ram{.address = 0, .size = ram_frames * page_size, .type = 1};
    if (!processor_.put(list, ram)) return Processor::no_memory;
    xen::ForeignMemoryMap request{.domain = id, .pad = {}, .map = {.nr_entries = 1, .pad = 0, .buffer = {list}}};
    return processor_.call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::SetMemoryMap, request);
}

s64 Toolstack::set_parameter(DomainId id, xen::HvmParamIndex index, u64 value) const
{
    xen::HvmParam request{.domain = id, .pad = 0, .index = static_cast<u32>(index), .value = value};
    return processor_.call_with(xen::Hypercall::HvmOp, xen::HvmCommand::SetParam, request);
}

s64 Toolstack::make_ports(DomainId id) const
{
    using enum xen::HvmParamIndex;
    for (auto const parameter : {StoreEventChannel, ConsoleEventChannel}) {
        xen::EventAllocUnbound request{.domain = id, .remote_domain = 0, .port = 0};
        s64 const made =
            processor_.call_with(xen::Hypercall::EventChannelOp, xen::EventChannelCommand::AllocUnbound, request);
        if (made != 0) return made;
        if (s64 const set = set_parameter(id, parameter, request.port); set != 0) return set;
    }
    return 0;
}

s64 Toolstack::seed_grants(DomainId id) const
{
    u64 const list = processor_.page(first_list);
    u64 const where = first_foreign_window + processor_.vcpu().id() * window_frames;
    if (!processor_.put(list, where)) return Processor::no_memory;
    xen::AcquireResource request{.domain = id,
                                 .type = static_cast<u16>(xen::ResourceType::GrantTable),
                                 .id = xen::resource_grant_table_shared,
                                 .nr_frames = 1,
                                 .pad = 0,
                                 .frame = 0,
                                 .frame_list = {list}};
    s64 const acquired = processor_.call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::AcquireResource, request);
    if (acquired != 0) return acquired;
    xen::RemoveFromPhysmap given_back{.domain = xen::domid_self, .pad = {}, .gfn = where};
    return processor_.call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::RemoveFromPhysmap, given_back);
}

s64 Toolstack::load_registers(DomainId id) const
{
    struct [[gnu::packed]] Stream {
        xen::HvmSaveDescriptor header_follows{static_cast<u16>(xen::HvmSaveCode::Header), 0,
                                              sizeof(xen::HvmSaveHeader)};
        xen::HvmSaveHeader header{xen::hvm_file_magic, xen::hvm_file_version, 0, 0, 1'000'000};
        xen::HvmSaveDescriptor cpu_follows{static_cast<u16>(xen::HvmSaveCode::Cpu), 0, sizeof(xen::HvmCpu)};
        xen::HvmCpu cpu{};
        xen::HvmSaveDescriptor end{static_cast<u16>(xen::HvmSaveCode::End), 0, 0};
    };
    u64 const list = processor_.page(first_list);
    if (!processor_.put(list, Stream{})) return Processor::no_memory;
    xen::Domctl request{};
    request.u.hvm_context = {.size = sizeof(Stream), .pad = 0, .buffer = {list}};
    return domctl(xen::DomctlCommand::SetHvmContext, id, request);
}

s64 Toolstack::unpause(DomainId id) const { return domctl(xen::DomctlCommand::UnpauseDomain, id); }

s64 Toolstack::build(GuestPlan& plan) const
{
    if (s64 const made = create(plan); made != 0) return made;
    using enum xen::HvmParamIndex;
    constexpr std::array<s64 (*)(Toolstack const&, GuestPlan const&), 9> steps{
        [](Toolstack const& self, GuestPlan const& guest) { return self.create_vcpus(guest); },
        [](Toolstack const& self, GuestPlan const& guest) { return self.limit_memory(guest); },
        [](Toolstack const& self, GuestPlan const& guest) { return self.populate(guest.id); },
        [](Toolstack const& self, GuestPlan const& guest) { return self.set_memory_map(guest.id); },
        [](Toolstack const& self, GuestPlan const& guest) { return self.make_ports(guest.id); },
        [](Toolstack const& self, GuestPlan const& guest) { return self.set_parameter(guest.id, StorePfn, 1); },
        [](Toolstack const& self, GuestPlan const& guest) { return self.seed_grants(guest.id); },
        [](Toolstack const& self, GuestPlan const& guest) { return self.load_registers(guest.id); },
        [](Toolstack const& self, GuestPlan const& guest) { return self.unpause(guest.id); },
    };
    for (auto const step : steps) {
        s64 const done = step(*this, plan);
        if (done == 0) continue;
        static_cast<void>(destroy(plan.id));
        return done;
    }
    return 0;
}

s64 Toolstack::destroy(DomainId id) const { return domctl(xen::DomctlCommand::DestroyDomain, id); }

s64 Toolstack::save_and_load(DomainId id) const
{
    u64 const buffer = large_buffer();
    xen::Domctl request{};
    request.u.hvm_context = {.size = 0, .pad = 0, .buffer = {}};
    if (s64 const asked = domctl(xen::DomctlCommand::GetHvmContext, id, request); asked != 0) return asked;
    request.u.hvm_context.buffer = {buffer};
    if (s64 const saved = domctl(xen::DomctlCommand::GetHvmContext, id, request); saved != 0) return saved;
    return domctl(xen::DomctlCommand::SetHvmContext, id, request);
}

}
