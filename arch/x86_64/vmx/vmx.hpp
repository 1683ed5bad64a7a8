// SPDX-License-Identifier: MIT
/// Intel's virtualization extension on each CPU: switching it on, and which vCPU's structure is current.
/// (SDM vol. 3, chapters 24 to 31)
#pragma once

#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/vmx/capabilities.hpp"

namespace hospes::vmx {

/// One CPU's part.
struct Cpu {
    bool in_vmx_operation = false;
    Hpa current{}; ///< the VMCS of the vCPU that is loaded here, 0 if there is none
};
[[nodiscard]] Cpu& this_cpu();

class Vmx final : public arch::Virtualization {
public:
    /// Looks at the boot CPU. If it is usable, VMX operation has begun on it: vCPUs are made before any runs.
    [[nodiscard]] Verdict start(bool use_apic_virtualization);
    /// The demand behind Verdict::ControlMissing.
    [[nodiscard]] static std::string_view missing();

    void enable_this_cpu() override;
    [[nodiscard]] Expected<std::unique_ptr<arch::VcpuBackend>> create_vcpu(arch::VirtualCpu& cpu) override;
    [[nodiscard]] Expected<std::unique_ptr<SecondStage>> create_second_stage() override;
    [[nodiscard]] arch::CapabilityReport report() const override;
};

/// What VMX can do here. All CPUs can do the same: one that cannot is not started (cpu/smp.cpp).
[[nodiscard]] Capabilities const& capabilities();

/// The bitmap of intercepted MSRs: everything but msr_policy's pass-through list. (SDM vol. 3, 25.6.9)
[[nodiscard]] Hpa msr_bitmap();
/// The same for a vCPU whose x2APIC MSRs are the CPU's business.
[[nodiscard]] Hpa msr_bitmap_with_apic();

}
