// SPDX-License-Identifier: MIT
/// What the kernel asks of a vCPU's machine state, for vCPUs without a machine: linear addresses are guest-physical,
/// what is loaded is what is saved. Everything that can run out of memory on a real machine can do so here.
#include "tests/fakes/host_virtual_cpu.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "arch/x86_64/mm/npt_format.hpp"
#include "kernel/arch/domain_state.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/guest_presence.hpp"
#include "kernel/log/log.hpp"
#include "kernel/mm/page_table.hpp"
#include "kernel/mm/table_pool.hpp"

namespace hospes::arch {

namespace {

/// A real second stage, at whose walk another CPU can come in between.
class WatchedStage final : public SecondStage {
public:
    explicit WatchedStage(std::unique_ptr<SecondStage> stage) : stage_{std::move(stage)} {}
    Hpa root() const override { return stage_->root(); }
    Mapping lookup(Gfn where) const override { return stage_->lookup(where); }
    Expected<> map(Gfn where, Hfn frame, unsigned order, Access access, MemoryType memory, MappingType type) override
    {
        return stage_->map(where, frame, order, access, memory, type);
    }
    Expected<u64> map_pages(Gfn where, Hfn frame, u64 count, Access access, MemoryType memory,
                            MappingType type) override
    {
        return stage_->map_pages(where, frame, count, access, memory, type);
    }
    Expected<Mapping> unmap(Gfn where, unsigned order) override { return stage_->unmap(where, order); }
    Step next_leaf(Gfn from) const override
    {
        Step const step = stage_->next_leaf(from);
        if (step.leaf.type != MappingType::None && fakes::after_next_leaf)
            std::exchange(fakes::after_next_leaf, nullptr)();
        return step;
    }
    bool free_tables(Budget& budget) override { return stage_->free_tables(budget); }
    unsigned largest_order() const override { return stage_->largest_order(); }
    Gfn end() const override { return stage_->end(); }
    u64 table_pages() const override { return stage_->table_pages(); }
    u64 table_limit() const override { return stage_->table_limit(); }
    void set_table_limit(u64 pages) override { stage_->set_table_limit(pages); }

private:
    std::unique_ptr<SecondStage> stage_;
};

}

Expected<VirtualCpu*> create_virtual_cpu(Vcpu&)
{
    auto* const cpu = new (std::nothrow) VirtualCpu;
    if (!cpu) return failure(Error::OutOfMemory);
    return cpu;
}
void destroy_virtual_cpu(VirtualCpu* cpu) { delete cpu; }
void retire_virtual_cpu(VirtualCpu&) {}

Expected<SecondStage*> create_second_stage()
{
    using Table = PageTable<NptFormat, TablePool>;
    constexpr u64 table_pages = 64;
    std::unique_ptr<Table> table{new (std::nothrow) Table{TablePool{table_pages}}};
    if (!table) return failure(Error::OutOfMemory);
    if (auto const made = table->initialize(); !made) return failure(made.error());
    auto* const watched = new (std::nothrow) WatchedStage{std::move(table)};
    if (!watched) return failure(Error::OutOfMemory);
    return watched;
}

struct VirtualMachine {
    std::atomic<u8> callback_vector{0};
};
DomainState::~DomainState() { delete virtual_machine_; }
Expected<> DomainState::initialize(Domain&)
{
    virtual_machine_ = new (std::nothrow) VirtualMachine;
    if (!virtual_machine_) return failure(Error::OutOfMemory);
    return {};
}

void raise_upcall(Vcpu& vcpu)
{
    ++vcpu.virtual_cpu().upcalls;
    vcpu.virtual_cpu().has_event = true;
    vcpu.notice_event();
}
void set_upcall_vector(Vcpu& vcpu, u8 vector)
{
    vcpu.virtual_cpu().upcall_vector = vector;
    raise_upcall(vcpu);
}
void set_callback_vector(Domain& domain, u8 vector) { domain.virtual_machine->callback_vector = vector; }
bool has_deliverable_event(Vcpu const& vcpu) { return vcpu.virtual_cpu().has_event; }
void inject_nmi(Vcpu& vcpu)
{
    ++vcpu.virtual_cpu().nmis;
    vcpu.notice_event();
}

void log_end(Vcpu const& vcpu, std::string_view why)
{
    if (vcpu.domain().shutdown_reason()) return;
    log_info("domain {} vcpu {}: {}", vcpu.domain().id(), vcpu.id(), why);
}
void log_state_line(Vcpu const& vcpu, u32 line)
{
    log_info("domain {} vcpu {}: line {}", vcpu.domain().id(), vcpu.id(), line);
}
void ask_for_state(Vcpu& vcpu) { ++vcpu.virtual_cpu().reports_asked_for; }
u64 tsc_offset(Vcpu const&) { return 0; }
Expected<Gpa> translate(GuestLook const&, Gva where, AccessKind) { return Gpa{where.raw()}; }

void prepare_to_save(Vcpu&) {}
xen::HvmCpu save_cpu(Vcpu const& vcpu, u64 host_tsc)
{
    xen::HvmCpu registers = vcpu.virtual_cpu().registers;
    registers.tsc = host_tsc;
    return registers;
}
xen::HvmMtrr save_mtrr(Vcpu const& vcpu) { return vcpu.virtual_cpu().memory_types; }
xen::HvmLocalApic save_lapic(Vcpu const& vcpu) { return vcpu.virtual_cpu().local_apic; }
xen::HvmLocalApicRegisters save_lapic_registers(Vcpu const& vcpu) { return vcpu.virtual_cpu().local_apic_registers; }

namespace {

template <typename Record>
Expected<> keep(Record& kept, Record const& loaded)
{
    kept = loaded;
    return {};
}

constexpr size_t extended_bytes = 576; // an XSAVE area with nothing beyond SSE in it

}

Expected<> load_cpu(Vcpu& vcpu, xen::HvmCpu const& state, u64 host_tsc)
{
    vcpu.virtual_cpu().loaded_at = host_tsc;
    return keep(vcpu.virtual_cpu().registers, state);
}
Expected<> load_registers(Vcpu& vcpu, xen::HvmCpu const& state) { return keep(vcpu.virtual_cpu().registers, state); }
Expected<> load_mtrr(Vcpu& vcpu, xen::HvmMtrr const& state) { return keep(vcpu.virtual_cpu().memory_types, state); }
Expected<> load_lapic(Vcpu& vcpu, xen::HvmLocalApic const& state) { return keep(vcpu.virtual_cpu().local_apic, state); }
Expected<> load_lapic_registers(Vcpu& vcpu, xen::HvmLocalApicRegisters const& state)
{
    return keep(vcpu.virtual_cpu().local_apic_registers, state);
}

size_t save_extended(Vcpu const&, std::span<u8> out)
{
    std::ranges::fill(out.first(std::min(out.size(), extended_bytes)), u8{0});
    return extended_bytes;
}
Expected<> load_extended(Vcpu&, std::span<u8 const> state)
{
    if (state.size() != extended_bytes) return failure(Error::Invalid);
    return {};
}

}
