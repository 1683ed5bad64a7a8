// SPDX-License-Identifier: MIT
/// The virtual CPU of a vCPU that no processor runs: what the toolstack loaded, and what the kernel wanted of it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "kernel/domain/vcpu.hpp"

namespace hospes::arch {

class VirtualCpu {
public:
    std::atomic<u32> upcalls{0};        ///< raise_upcall() was called so often
    std::atomic<bool> has_event{false}; ///< and nobody has called fakes::take_event() since
    std::atomic<u8> upcall_vector{0};   ///< HVMOP_set_evtchn_upcall_vector
    std::atomic<u32> nmis{0};           ///< inject_nmi() was called so often
    u32 reports_asked_for = 0;          ///< ask_for_state() was called so often
    std::shared_ptr<void> software;     ///< what a test has it run
    u64 loaded_at = 0;                  ///< the host's TSC that arch::load_cpu() was told
    xen::HvmCpu registers{};            ///< these four as they were loaded
    xen::HvmMtrr memory_types{};
    xen::HvmLocalApic local_apic{};
    xen::HvmLocalApicRegisters local_apic_registers{};
};

}

namespace hospes::fakes {

/// Upcalls that arch::raise_upcall() was asked for.
[[nodiscard]] inline u32 upcalls(Vcpu const& vcpu) { return vcpu.virtual_cpu().upcalls; }
/// The vCPU has its events handled. Returns whether there were any.
inline bool take_event(Vcpu& vcpu) { return vcpu.virtual_cpu().has_event.exchange(false); }

/// What another CPU does right after the next leaf of some domain's map was found, and before its finder acts. Once.
inline std::function<void()> after_next_leaf;

}
