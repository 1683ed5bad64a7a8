// SPDX-License-Identifier: MIT
/// What happens on each vector: expected exceptions continue at their landing, others are the end.
#include "arch/x86_64/cpu/traps.hpp"

#include <array>
#include <string_view>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/cpu/exception_fixup.hpp"
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/msr.hpp"
#include "arch/x86_64/cpu/per_cpu.hpp"
#include "arch/x86_64/irq/irq.hpp"
#include "arch/x86_64/irq/local_apic.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"

namespace hospes {

namespace {

std::atomic<bool> stopping{false};

constexpr std::array<std::string_view, exception::count> exception_names{
    "#DE divide error",
    "#DB debug",
    "NMI",
    "#BP breakpoint",
    "#OF overflow",
    "#BR bound range",
    "#UD invalid opcode",
    "#NM device not available",
    "#DF double fault",
    "reserved",
    "#TS invalid task state",
    "#NP segment not present",
    "#SS stack fault",
    "#GP general protection",
    "#PF page fault",
    "reserved",
    "#MF x87 error",
    "#AC alignment check",
    "#MC machine check",
    "#XM SIMD error",
    "#VE virtualization",
    "#CP control protection",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "reserved",
    "#HV hypervisor injection",
    "#VC VMM communication",
    "#SX security",
    "reserved",
};

void log_registers(TrapFrame const& f)
{
    log_error("rax {:x} rbx {:x} rcx {:x} rdx {:x}", f.rax, f.rbx, f.rcx, f.rdx);
    log_error("rsi {:x} rdi {:x} rbp {:x} rsp {:x}", f.rsi, f.rdi, f.rbp, f.rsp);
    log_error("r8  {:x} r9  {:x} r10 {:x} r11 {:x}", f.r8, f.r9, f.r10, f.r11);
    log_error("r12 {:x} r13 {:x} r14 {:x} r15 {:x}", f.r12, f.r13, f.r14, f.r15);
    log_error("rip {:x} cs {:x} ss {:x} rflags {:x} error {:x}", f.rip, f.cs, f.ss, f.rflags, f.error_code);
    log_error("cr0 {:x} cr2 {:x} cr3 {:x} cr4 {:x}", read_cr0().raw(), read_cr2(), read_cr3().raw(), read_cr4().raw());
}

[[noreturn]] void stop_here()
{
    for (;;) asm volatile("cli; hlt");
}

/// May come at any instruction, also while a lock is held: touches nothing but this CPU's own counter.
void on_nmi(TrapFrame&)
{
    this_cpu_block().nmi_count.fetch_add(1, std::memory_order_relaxed);
    if (stopping.load(std::memory_order_acquire)) stop_here();
}

/// (SDM volume 3, section 16.10; APM volume 2, section 9.5)
void log_machine_check_banks()
{
    if (!cpu_features().has(Feature::MachineCheckArchitecture)) return;
    unsigned const banks = read(msr::machine_check_capabilities).get<MachineCheckCapabilities::BankCount>();
    log_error("machine check: global status {:x}", read(msr::machine_check_global_status));
    for (unsigned bank = 0; bank < banks; ++bank) {
        MachineCheckStatus const status = read(msr::machine_check_status(bank));
        if (!status.get<MachineCheckStatus::Valid>()) continue;
        u64 const address = status.get<MachineCheckStatus::AddressValid>() ? read(msr::machine_check_address(bank)) : 0;
        log_error("bank {}: status {:x} address {:x}", bank, status.raw(), address);
    }
}

void log_frame(void const* frame)
{
    TrapFrame const& interrupted = *static_cast<TrapFrame const*>(frame);
    if (interrupted.vector == exception::machine_check) log_machine_check_banks();
    log_registers(interrupted);
}

Interrupted interrupted_at(TrapFrame const& frame)
{
    return {.instruction = frame.rip, .frame = frame.rbp, .log_more = log_frame, .context = &frame};
}

void on_machine_check(TrapFrame& frame)
{
    panic_at(interrupted_at(frame), "cpu{}: the hardware reports a machine check", arch::this_cpu());
}

void on_other_exception(TrapFrame& frame)
{
    if (auto const landing = find_exception_fixup(frame.rip)) {
        frame.rip = *landing;
        return;
    }
    auto const name = exception_names[frame.vector];
    if (frame.vector == exception::page_fault)
        panic_at(interrupted_at(frame), "cpu{}: {} at {:x}, error {:x}", arch::this_cpu(), name, read_cr2(),
                 frame.error_code);
    panic_at(interrupted_at(frame), "cpu{}: {}", arch::this_cpu(), name);
}

using ExceptionHandler = void (*)(TrapFrame&);

constexpr std::array<ExceptionHandler, exception::count> exception_handlers = [] {
    std::array<ExceptionHandler, exception::count> table{};
    table.fill(on_other_exception);
    table[exception::non_maskable_interrupt] = on_nmi;
    table[exception::machine_check] = on_machine_check;
    return table;
}();

}

u64 nmi_count(unsigned cpu) { return cpu_block(cpu).nmi_count.load(std::memory_order_relaxed); }

namespace arch {

void stop_other_cpus()
{
    if (stopping.exchange(true)) return;
    for (unsigned cpu = 0; cpu < cpu_count(); ++cpu)
        if (cpu != this_cpu()) local_apic::send_nmi(cpu_block(cpu).apic_id);
}

}

}

void handle_trap(hospes::TrapFrame* frame)
{
    using namespace hospes;
    if (frame->vector < exception::count)
        exception_handlers[frame->vector](*frame);
    else
        irq::handle_interrupt(static_cast<u8>(frame->vector));
}
