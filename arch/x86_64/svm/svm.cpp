// SPDX-License-Identifier: MIT
/// Switching SVM on, and handing out address space identifiers on each CPU.
#include "arch/x86_64/svm/svm.hpp"

#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/msr.hpp"
#include "arch/x86_64/guest/msr_policy.hpp"
#include "arch/x86_64/guest/nested_tables.hpp"
#include "arch/x86_64/svm/svm_vcpu.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes::svm {

namespace {

constexpr Msr<u64> vm_host_save_area{0xc001'0117};

/// CPUID leaf 8000000A: EBX is the number of ASIDs. (APM vol. 3, E.4.9)
constexpr u32 svm_leaf = 0x8000'000a;

PerCpu<Cpu> cpus;

/// Two bits for each MSR, read and write, in three ranges of 2,048 bytes. (APM vol. 2, 15.11)
struct MsrMap {
    static constexpr std::array<u32, 3> first_of_range{0, 0xc000'0000, 0xc001'0000};
    static constexpr u32 msrs_in_range = 0x2000;

    constexpr MsrMap()
    {
        for (u8& byte : bytes) byte = 0xff;
        for (u32 msr : arch::pass_through_msrs) allow(msr);
    }
    constexpr void allow(u32 msr)
    {
        for (u32 range = 0; range < first_of_range.size(); ++range) {
            u32 const index = msr - first_of_range[range];
            if (index >= msrs_in_range) continue;
            u32 const bit = range * msrs_in_range * 2 + index * 2;
            bytes[bit / 8] = static_cast<u8>(bytes[bit / 8] & ~(3U << bit % 8));
        }
    }
    std::array<u8, 2 * page_size> bytes{};
};
alignas(page_size) constinit MsrMap const msr_map;

/// Fills what VMLOAD will put back after each exit.
void save_host_state(Hpa where) { asm volatile("vmsave %%rax" : : "a"(where.raw()) : "memory"); }

Hpa zeroed_page()
{
    auto const frame = frames::allocate_zeroed();
    if (!frame) panic("no memory to enable virtualization on CPU {}", arch::this_cpu());
    return address_of(*frame);
}

}

AsidPool::Identifier AsidPool::allocate(bool& must_flush_all)
{
    must_flush_all = next_ >= end_;
    if (must_flush_all) {
        ++generation_;
        next_ = 1;
    }
    return {generation_, next_++};
}

Cpu& this_cpu() { return cpus.mine(); }
Hpa msr_permission_map() { return arch::physical_address(&msr_map); }

Svm::Verdict Svm::examine()
{
    if (!cpu_features().has(Feature::Svm)) return Verdict::Absent;
    if (read(msr::vm_cr).get<VmCr::SvmDisable>()) return Verdict::LockedByFirmware;
    if (!cpu_features().has(Feature::NestedPaging)) return Verdict::NoNestedPaging;
    return Verdict::Usable;
}

void Svm::enable_this_cpu()
{
    write(msr::efer, read(msr::efer).with<Efer::SvmEnable>(true));
    write(vm_host_save_area, zeroed_page().raw());
    Cpu& cpu = this_cpu();
    cpu.asids.initialize(read_cpuid(svm_leaf).ebx);
    cpu.host_state = zeroed_page();
    save_host_state(cpu.host_state);
}

Expected<std::unique_ptr<arch::VcpuBackend>> Svm::create_vcpu(arch::VirtualCpu& cpu)
{
    auto const frame = frames::allocate_zeroed();
    if (!frame) return failure(frame.error());
    std::unique_ptr<arch::VcpuBackend> vcpu{new (std::nothrow) SvmVcpu{cpu, *frame}};
    if (vcpu) return vcpu;
    frames::free(*frame);
    return failure(Error::OutOfMemory);
}

Expected<std::unique_ptr<SecondStage>> Svm::create_second_stage()
{
    return arch::make_nested_page_tables(cpu_features().has(Feature::GibibytePages));
}

arch::CapabilityReport Svm::report() const
{
    CpuidLeaf const leaf = read_cpuid(svm_leaf);
    return {.extension = "SVM",
            .next_rip = cpu_features().has(Feature::NextRipSave),
            .has_gibibyte_pages = cpu_features().has(Feature::GibibytePages),
            .address_space_ids = leaf.ebx};
}

}
