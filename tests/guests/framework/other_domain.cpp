// SPDX-License-Identifier: MIT
#include "tests/guests/framework/other_domain.hpp"

#include "arch/x86_64/cpu/control_registers.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/toolstack.hpp"

namespace hospes::test {
namespace {

s64 set_limits(u16 domain, DomainPlan const& plan)
{
    xen::Domctl vcpus{}, memory{}, tables{};
    vcpus.u.max_vcpus.max_vcpus = plan.vcpus;
    memory.u.max_mem.max_memory_kib = plan.memory_kib;
    tables.u.paging_mempool.size = plan.table_bytes;
    if (s64 const result = domctl(xen::DomctlCommand::MaxVcpus, domain, vcpus); result != 0) return result;
    if (s64 const result = domctl(xen::DomctlCommand::MaxMem, domain, memory); result != 0) return result;
    return domctl(xen::DomctlCommand::SetPagingMempoolSize, domain, tables);
}

template <typename Record>
struct Tagged {
    xen::HvmSaveDescriptor descriptor;
    Record record;
};

/// A saved state of nothing but one vCPU's registers.
struct SavedRegisters {
    Tagged<xen::HvmSaveHeader> header;
    Tagged<xen::HvmCpu> cpu;
    xen::HvmSaveDescriptor end;
};

constexpr xen::HvmSaveDescriptor descriptor(xen::HvmSaveCode code, u32 length)
{
    return {.typecode = static_cast<u16>(code), .instance = 0, .length = length};
}

}

std::optional<OtherDomain> OtherDomain::create(u64 memory_mib) { return create({.memory_kib = memory_mib * kib}); }

std::optional<OtherDomain> OtherDomain::create(DomainPlan const& plan)
{
    xen::Domctl call{};
    call.u.create_domain.flags = xen::create_flag::hvm | xen::create_flag::hap;
    call.u.create_domain.max_vcpus = plan.vcpus;
    call.u.create_domain.max_event_port = plan.highest_port;
    call.u.create_domain.max_grant_frames = call.u.create_domain.max_maptrack_frames = -1;
    call.u.create_domain.grant_options = 1;
    call.u.create_domain.arch.emulation_flags = xen::emulation_flag::local_apic;
    if (domctl(xen::DomctlCommand::CreateDomain, xen::domid_invalid, call) != 0) return std::nullopt;
    OtherDomain made{call.domain};
    if (set_limits(made.id_, plan) != 0) return std::nullopt;
    return made;
}

OtherDomain::~OtherDomain()
{
    if (id_ != none) static_cast<void>(domctl(xen::DomctlCommand::DestroyDomain, id_));
}

bool OtherDomain::populate(u64 gfn, u32 order) const
{
    return memory_operation::populate_physmap(id_, &gfn, 1, order) == 1;
}

s64 OtherDomain::load_registers(xen::HvmCpu const& registers, u32 tsc_khz) const
{
    using xen::HvmSaveCode;
    SavedRegisters state{};
    state.header.descriptor = descriptor(HvmSaveCode::Header, sizeof(xen::HvmSaveHeader));
    state.header.record.magic = xen::hvm_file_magic;
    state.header.record.version = xen::hvm_file_version;
    state.header.record.guest_tsc_khz = tsc_khz;
    state.cpu = {descriptor(HvmSaveCode::Cpu, sizeof(xen::HvmCpu)), registers};
    state.end = descriptor(HvmSaveCode::End, 0);
    xen::Domctl call{};
    call.u.hvm_context.size = sizeof state;
    call.u.hvm_context.buffer = {address(&state)};
    return domctl(xen::DomctlCommand::SetHvmContext, id_, call);
}

s64 OtherDomain::rewrite_context() const
{
    xen::VcpuGuestContext context{};
    xen::Domctl call{};
    call.u.vcpu_context.context = {address(&context)};
    if (s64 const got = domctl(xen::DomctlCommand::GetVcpuContext, id_, call); got != 0) return got;
    return domctl(xen::DomctlCommand::SetVcpuContext, id_, call);
}

u32 OtherDomain::tsc_khz() const
{
    xen::Domctl call{};
    if (domctl(xen::DomctlCommand::GetTscInfo, id_, call) != 0) return 0;
    return call.u.tsc_info.guest_tsc_khz;
}

s64 OtherDomain::set_tsc_khz(u32 value) const
{
    xen::Domctl call{};
    call.u.tsc_info.guest_tsc_khz = value;
    return domctl(xen::DomctlCommand::SetTscInfo, id_, call);
}

s64 OtherDomain::pause() const { return domctl(xen::DomctlCommand::PauseDomain, id_); }
s64 OtherDomain::unpause() const { return domctl(xen::DomctlCommand::UnpauseDomain, id_); }

std::optional<xen::ShutdownReason> OtherDomain::shutdown_reason() const
{
    auto const info = domain_info(id_);
    if (!info) return std::nullopt;
    u32 const flags = info->flags;
    if ((flags & xen::domain_info_flag::shutdown) == 0) return std::nullopt;
    return static_cast<xen::ShutdownReason>(flags >> xen::domain_info_shutdown_shift & xen::domain_info_shutdown_mask);
}

xen::HvmCpu flat_registers()
{
    constexpr u32 all = ~u32{0}, flat_code = 0xc9b, flat_data = 0xc93, busy_task_state = 0x8b;
    xen::HvmCpu registers{};
    registers.cr0 = Cr0{}.with<Cr0::ProtectedMode>(true).with<Cr0::ExtensionType>(true).raw();
    registers.rflags = Rflags::AlwaysOne::mask;
    registers.cs_limit = registers.ds_limit = registers.es_limit = registers.ss_limit = all;
    registers.fs_limit = registers.gs_limit = all;
    registers.cs_attributes = flat_code;
    registers.ds_attributes = registers.es_attributes = registers.ss_attributes = flat_data;
    registers.fs_attributes = registers.gs_attributes = flat_data;
    registers.tr_limit = 0x67;
    registers.tr_attributes = busy_task_state;
    return registers;
}

}
