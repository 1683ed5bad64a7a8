// SPDX-License-Identifier: MIT
/// AMD's virtualization extension on each CPU: switching it on, and address space identifiers.
/// (APM vol. 2, chapter 15)
#pragma once

#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/svm/vmcb.hpp"

namespace hospes::svm {

/// Hands out address space identifiers of one CPU. A flush of one vCPU's translations is a fresh identifier; when all
/// are used up, everything is flushed once and a new generation begins. (APM vol. 2, 15.16)
class AsidPool {
public:
    struct Identifier {
        u64 generation = 0;
        u32 number = 0;
    };
    void initialize(u32 count) { end_ = count; }
    /// Does `identifier` still belong to its holder?
    [[nodiscard]] bool is_current(Identifier identifier) const { return identifier.generation == generation_; }
    /// A number nobody has used since the last flush of everything. `must_flush_all` if that flush is due now.
    [[nodiscard]] Identifier allocate(bool& must_flush_all);

private:
    u64 generation_ = 1;
    u32 next_ = 1; ///< 0 is the hypervisor's
    u32 end_ = 2;
};

/// One CPU's part.
struct Cpu {
    AsidPool asids;
    Hpa host_state{}; ///< a VMCB that holds our own FS, GS, TR and LDTR
};
[[nodiscard]] Cpu& this_cpu();

class Svm final : public arch::Virtualization {
public:
    /// NotSupported, Busy or NoSuchDevice with the reason logged: see verdict().
    enum class Verdict : u8 { Usable, Absent, LockedByFirmware, NoNestedPaging };
    [[nodiscard]] static Verdict examine();

    void enable_this_cpu() override;
    [[nodiscard]] Expected<std::unique_ptr<arch::VcpuBackend>> create_vcpu(arch::VirtualCpu& cpu) override;
    [[nodiscard]] Expected<std::unique_ptr<SecondStage>> create_second_stage() override;
    [[nodiscard]] arch::CapabilityReport report() const override;
};

/// The bitmap of intercepted MSRs: everything but msr_policy's pass-through list. (APM vol. 2, 15.11)
[[nodiscard]] Hpa msr_permission_map();

}
