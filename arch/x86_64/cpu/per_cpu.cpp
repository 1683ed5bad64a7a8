// SPDX-License-Identifier: MIT
/// Setting up a CPU's record, descriptors and control registers.
#include "arch/x86_64/cpu/per_cpu.hpp"

#include <new>

#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/msr.hpp"
#include "kernel/log/panic.hpp"

extern "C" hospes::u8 boot_stack[]; // boot_stack.S

namespace hospes {

namespace {

std::array<CpuBlock*, arch::max_cpus> blocks{};
std::atomic<unsigned> online_cpus{0};

u64& interrupt_stack(TaskState& task_state, InterruptStack which)
{
    // TaskState is packed as the hardware wants it: the array starts at byte 36.
    return reinterpret_cast<u64*>(reinterpret_cast<u8*>(&task_state) +
                                  offsetof(TaskState, interrupt_stacks))[static_cast<size_t>(which) - 1];
}

}

CpuBlock& cpu_block(unsigned cpu) { return *blocks[cpu]; }

u32 arch::apic_id(unsigned cpu) { return blocks[cpu]->apic_id; }

CpuBlock& create_cpu_block(void* stack, unsigned index, u32 apic_id)
{
    u64 const base = reinterpret_cast<u64>(stack);
    if (base % cpu_stack_bytes != 0) panic("cpu{}: stack at {:x} is not aligned to its size", index, base);
    CpuBlock& block = *new (stack) CpuBlock;
    block.index = index;
    block.apic_id = apic_id;
    interrupt_stack(block.task_state, InterruptStack::NonMaskable) = base + nmi_stack_end;
    interrupt_stack(block.task_state, InterruptStack::Debug) = base + debug_stack_end;
    interrupt_stack(block.task_state, InterruptStack::Fatal) = base + fatal_stack_end;
    block.descriptors = make_descriptor_table(block.task_state);
    return block;
}

void publish_cpu(CpuBlock& block)
{
    blocks[block.index] = &block;
    block.online.store(true, std::memory_order_release);
    online_cpus.store(block.index + 1, std::memory_order_release);
}

namespace cpu {

void enable_cpu_features()
{
    CpuFeatures const& features = cpu_features();
    write_cr0(read_cr0()
                  .with<Cr0::WriteProtect>(true)
                  .with<Cr0::NumericError>(true)
                  .with<Cr0::MonitorCoprocessor>(true)
                  .with<Cr0::Emulation>(false)
                  .with<Cr0::TaskSwitched>(false)
                  .with<Cr0::AlignmentMask>(false)
                  .with<Cr0::CacheDisable>(false)
                  .with<Cr0::NotWriteThrough>(false));
    write_cr4(read_cr4()
                  .with<Cr4::DebuggingExtensions>(true)
                  .with<Cr4::FxsaveSupport>(true)
                  .with<Cr4::SimdExceptions>(true)
                  .with<Cr4::MachineCheckEnable>(features.has(Feature::MachineCheck))
                  .with<Cr4::PageGlobalEnable>(features.has(Feature::GlobalPages))
                  .with<Cr4::XsaveEnable>(features.has(Feature::Xsave))
                  .with<Cr4::SupervisorExecutionPrevention>(features.has(Feature::SupervisorExecutionPrevention))
                  .with<Cr4::SupervisorAccessPrevention>(features.has(Feature::SupervisorAccessPrevention)));
    write(msr::efer, read(msr::efer).with<Efer::NoExecuteEnable>(features.has(Feature::NoExecute)));
}

void initialize_boot_cpu()
{
    // The APIC id is the one CPUID tells (leaf 1, EBX 31..24) until the local APIC itself has been asked.
    constexpr unsigned initial_apic_id_shift = 24;
    CpuBlock& block = create_cpu_block(boot_stack, 0, read_cpuid(1).ebx >> initial_apic_id_shift);
    if (&this_cpu_block() != &block) panic("kernel_main() does not run on boot_stack");
    build_interrupt_descriptors();
    load_descriptors(block.descriptors);
    enable_cpu_features();
    publish_cpu(block);
}

}

namespace arch {

unsigned this_cpu() { return this_cpu_block().index; }

unsigned cpu_count() { return online_cpus.load(std::memory_order_acquire); }

void service_interrupts() { asm volatile("sti; nop; cli" : : : "memory"); }

// STI takes effect after the following instruction, so an interrupt cannot slip in before HLT.
void wait_for_interrupt() { asm volatile("sti; hlt; cli" : : : "memory"); }

u64 read_tsc()
{
    u32 low = 0, high = 0;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return u64{high} << 32 | low;
}

}

}
