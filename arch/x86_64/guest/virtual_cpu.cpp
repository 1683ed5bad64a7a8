// SPDX-License-Identifier: MIT
/// Making a virtual CPU, and moving it on and off a CPU.
#include "arch/x86_64/guest/virtual_cpu.hpp"

#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/msr.hpp"
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/mm/second_stage.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::arch {

namespace {

constexpr u64 prediction_barrier = 1;
/// Intel's bit for the barrier and for restricted speculation, which guests do not have. (SDM vol. 2, CPUID, leaf 7)
constexpr FeatureBit ibrs_and_ibpb{FeatureWord::Leaf7Edx, 1U << 26};

bool has_prediction_barrier()
{
    static bool const exists = system_policies().host.has(feature("ibpb")) || system_policies().host.has(ibrs_and_ibpb);
    return exists;
}

constinit std::atomic<u64> last_serial{0};
PerCpu<u64> last_to_run; ///< its serial

/// One guest's branches must not steer another's, nor one vCPU's another's of the same guest: they may belong to
/// different processes.
void forget_branches_of_others(VirtualCpu const& cpu)
{
    u64 const last = std::exchange(last_to_run.mine(), cpu.serial);
    if (last != cpu.serial && has_prediction_barrier()) write(msr::prediction_command, prediction_barrier);
}

void load_debug_addresses(std::array<u64, 4> const& addresses)
{
    asm volatile("mov %0, %%dr0\n mov %1, %%dr1\n mov %2, %%dr2\n mov %3, %%dr3"
                 :
                 : "r"(addresses[0]), "r"(addresses[1]), "r"(addresses[2]), "r"(addresses[3]));
}

void save_debug_addresses(std::array<u64, 4>& addresses)
{
    asm volatile("mov %%dr0, %0\n mov %%dr1, %1\n mov %%dr2, %2\n mov %%dr3, %3"
                 : "=r"(addresses[0]), "=r"(addresses[1]), "=r"(addresses[2]), "=r"(addresses[3]));
}

}

VirtualCpu::VirtualCpu(Vcpu& owner, Hfn apic_frame)
    : serial{++last_serial},
      vcpu{owner},
      apic_frame_{apic_frame},
      apic_timer_{timer_fired},
      local_apic{*this, *reach_as<ApicPage>(address_of(apic_frame)), apic_id_of_vcpu(owner.id()), owner.id() == 0}
{
    apic_timer_.context = this;
}

VirtualCpu::~VirtualCpu()
{
    disarm_timer();
    backend.reset(); // which knows the page
    frames::free(apic_frame_);
}

Expected<> VirtualCpu::initialize()
{
    auto made = virtualization().create_vcpu(*this);
    if (!made) return failure(made.error());
    backend = std::move(*made);
    if (auto const ready = extended.initialize(); !ready) return failure(ready.error());
    backend->set_second_stage(vcpu.domain().physmap.stage().root());
    backend->set_port_bitmap(virtual_machine().port_bitmap());
    backend->set_pat(initial_pat);
    if (vcpu.domain().is_control_domain()) memory_types = memory_types_of_machine();
    reset();
    return {};
}

void load_tsc_aux(u64 value)
{
    if (cpu_features().has(Feature::Rdtscp)) write(msr::tsc_aux, value);
}

void VirtualCpu::set_tsc_offset(u64 offset)
{
    if (offset == tsc_offset()) return;
    tsc_offset_.store(offset, std::memory_order_relaxed);
    backend->set_tsc_offset(offset);
    local_apic.tsc_has_changed();
    requests_.ask_for_clock();
}

emulator::GuestRegisters VirtualCpu::emulator_registers() const
{
    GeneralRegisters const& general = backend->registers();
    emulator::GuestRegisters registers{.gpr = general.gpr, .rip = general.rip, .rflags = general.rflags};
    for (size_t i = 0; i < registers.segment_base.size(); ++i)
        registers.segment_base[i] = backend->segment(static_cast<SegmentName>(i)).base;
    return registers;
}

// --- kernel/arch/virtual_cpu.hpp ---

Expected<VirtualCpu*> create_virtual_cpu(Vcpu& vcpu)
{
    auto const apic_frame = frames::allocate_zeroed();
    if (!apic_frame) return failure(apic_frame.error());
    std::unique_ptr<VirtualCpu> cpu{new (std::nothrow) VirtualCpu{vcpu, *apic_frame}};
    if (!cpu) {
        frames::free(*apic_frame);
        return failure(Error::OutOfMemory);
    }
    if (auto const ready = cpu->initialize(); !ready) return failure(ready.error());
    return cpu.release();
}

void destroy_virtual_cpu(VirtualCpu* cpu) { delete cpu; }
void retire_virtual_cpu(VirtualCpu& cpu) { cpu.disarm_timer(); }

Expected<SecondStage*> create_second_stage()
{
    return virtualization().create_second_stage().transform([](auto&& stage) { return stage.release(); });
}

void switch_in(Vcpu& vcpu)
{
    VirtualCpu& cpu = vcpu.virtual_cpu();
    forget_branches_of_others(cpu);
    cpu.backend->load();
    cpu.exits = &exit_counters.mine();
    cpu.extended.load();
    load_debug_addresses(cpu.debug_addresses);
    load_tsc_aux(cpu.msrs.tsc_aux);
    cpu.resume_timer();
}

void switch_out(Vcpu& vcpu)
{
    VirtualCpu& cpu = vcpu.virtual_cpu();
    cpu.suspend_timer();
    cpu.report_if_asked();
    cpu.extended.save();
    save_debug_addresses(cpu.debug_addresses);
    cpu.backend->unload();
}

u64 tsc_offset(Vcpu const& vcpu) { return vcpu.virtual_cpu().tsc_offset(); }

}
