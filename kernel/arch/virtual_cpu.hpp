// SPDX-License-Identifier: MIT
/// What the kernel asks of a virtual CPU: its registers, interrupt controller, address translation.
/// Defined in arch/x86_64/guest, without a word about the vendor.
#pragma once

#include <span>
#include <string_view>

#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"

namespace hospes {
class GuestLook;
class Vcpu;
class Domain;
class SecondStage;
}

namespace hospes::arch {

/// Registers, FPU state, virtual local APIC of one vCPU. Opaque to the kernel.
class VirtualCpu;

/// Its local APIC has this id: CPUID, the MADT and the APIC itself say the same. (abi.md 1.2 (7))
[[nodiscard]] constexpr u32 apic_id_of_vcpu(u32 id) { return 2 * id; }

[[nodiscard]] Expected<VirtualCpu*> create_virtual_cpu(Vcpu& vcpu);
void destroy_virtual_cpu(VirtualCpu* cpu);
/// The vCPU will not run again: nothing of it happens by itself from here on.
void retire_virtual_cpu(VirtualCpu& cpu);
[[nodiscard]] Expected<SecondStage*> create_second_stage();

/// Runs the guest on this CPU and handles its exits, until the CPU should run something else
/// (scheduler::should_switch()) or the vCPU cannot continue. Called by the scheduler with the vCPU as current.
void run(Vcpu& vcpu);

/// The vCPU's registers are about to be used by / have been used on this CPU. Called by the scheduler around a switch
/// between vCPUs (not between exits of the same one): FPU, debug registers, TSC_AUX, per-CPU identifiers.
void switch_in(Vcpu& vcpu);
void switch_out(Vcpu& vcpu);

/// An event channel upcall is pending: delivers the upcall vector through the local APIC, or the call-back vector.
/// Any CPU may call. Wakes and nudges the vCPU.
void raise_upcall(Vcpu& vcpu);
/// HVMOP_set_evtchn_upcall_vector: `vector` >= 16 (0 switches it off). Raises one upcall at once (abi.md 4.5).
void set_upcall_vector(Vcpu& vcpu, u8 vector);
/// HVM_PARAM_CALLBACK_IRQ of type 2: the same vector for all vCPUs, injected without the local APIC. 0: none.
void set_callback_vector(Domain& domain, u8 vector);
/// Would an interrupt, NMI or INIT be taken if the vCPU ran? Used to decide whether HLT really waits.
[[nodiscard]] bool has_deliverable_event(Vcpu const& vcpu);
void inject_nmi(Vcpu& vcpu);

/// PVH entry state: 32-bit flat protected mode. (docs/misc/pvh.pandoc; abi.md 1.2 (6).) The caller then brings it up.
void set_pvh_entry(Vcpu& vcpu, u32 instruction_pointer, u32 start_info);

struct AccessKind {
    bool write = false;
};
/// Walks the page tables of the guest looked at for the supervisor, ignoring SMAP (abi.md 2.4).
/// BadAddress if the linear address is not mapped, not canonical, beyond 4 GiB outside long mode, or not writable.
[[nodiscard]] Expected<Gpa> translate(GuestLook const& look, Gva where, AccessKind kind);

/// What guests add to the host's TSC.
[[nodiscard]] u64 tsc_offset(Vcpu const& vcpu);

/// Its registers and last exits as lines of the log.
inline constexpr u32 lines_of_state = 4;
/// One of them. The vCPU is not running, or this CPU runs it.
void log_state_line(Vcpu const& vcpu, u32 line);
/// All of them, with the reason: the guest comes to an end by itself. Nothing if it has ended already; guests who end
/// often have fewer lines. This CPU runs the vCPU.
void log_end(Vcpu const& vcpu, std::string_view why);
/// The same by the CPU that runs the vCPU, soon; if none does any more, by the next.
void ask_for_state(Vcpu& vcpu);

// A vCPU that is not running, in the toolstack's format. (xen/include/public/arch-x86/hvm/save.h.)

/// Interrupts that are queued for the vCPU's next entry go back to its local APIC, so that its records are complete:
/// the CPU's has room for one event. Before all of them.
void prepare_to_save(Vcpu& vcpu);
/// `host_tsc`: one reading of this CPU's TSC for all vCPUs of a domain, so that theirs agree after the loading as they
/// did before the saving.
[[nodiscard]] xen::HvmCpu save_cpu(Vcpu const& vcpu, u64 host_tsc);
/// Invalid for what no CPU has, or what the domain's CPU policy does not give.
[[nodiscard]] Expected<> load_cpu(Vcpu& vcpu, xen::HvmCpu const& state, u64 host_tsc);
/// The registers alone: the clock goes on, and what waits to be delivered still waits. Invalid likewise.
[[nodiscard]] Expected<> load_registers(Vcpu& vcpu, xen::HvmCpu const& state);
[[nodiscard]] xen::HvmMtrr save_mtrr(Vcpu const& vcpu);
[[nodiscard]] Expected<> load_mtrr(Vcpu& vcpu, xen::HvmMtrr const& state);
[[nodiscard]] xen::HvmLocalApic save_lapic(Vcpu const& vcpu);
[[nodiscard]] Expected<> load_lapic(Vcpu& vcpu, xen::HvmLocalApic const& state);
[[nodiscard]] xen::HvmLocalApicRegisters save_lapic_registers(Vcpu const& vcpu);
[[nodiscard]] Expected<> load_lapic_registers(Vcpu& vcpu, xen::HvmLocalApicRegisters const& state);
/// XSAVE area; returns the bytes written, or the bytes needed when `out` is empty. 0: no XSAVE state.
[[nodiscard]] size_t save_extended(Vcpu const& vcpu, std::span<u8> out);
[[nodiscard]] Expected<> load_extended(Vcpu& vcpu, std::span<u8 const> state);

}
