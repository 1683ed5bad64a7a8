// SPDX-License-Identifier: MIT
/// How a vCPU begins: reset, INIT and SIPI, and the PVH entry.
#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/domain/para_clock.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes::arch {

using emulator::Gpr;

namespace {

// Segment attributes: see SegmentRegister.
constexpr u16 real_mode_code = 0x9b;
constexpr u16 real_mode_data = 0x93;
constexpr u16 empty_local_table = 0x82;
constexpr u16 busy_task_state = 0x8b;
constexpr u16 flat_code_32 = 0xc9b;
constexpr u16 flat_data_32 = 0xc93;
constexpr u32 segment_limit_16 = 0xffff;
constexpr u32 flat_limit = 0xffff'ffff;
constexpr u32 task_state_limit = 0x67;

constexpr u64 initial_cr0 = Cr0{}.with<Cr0::ExtensionType>(true).raw();
constexpr u64 initial_flags = 2;
constexpr DebugRegisters initial_debug{0xffff'0ff0, 0x400}; ///< (SDM vol. 3, table 10-1)

constexpr std::array data_segments{SegmentName::Es, SegmentName::Ss, SegmentName::Ds, SegmentName::Fs, SegmentName::Gs};

void set_code_and_data(VcpuBackend& backend, SegmentRegister const& code, SegmentRegister const& data)
{
    backend.set_segment(SegmentName::Cs, code);
    for (SegmentName name : data_segments) backend.set_segment(name, data);
}

}

/// (SDM vol. 3, table 10-1, column INIT)
void VirtualCpu::reset()
{
    backend->forget_events();
    nmi_pending_.store(false);
    backend->registers() = {};
    backend->registers().rflags = initial_flags;
    backend->registers().rip = 0xfff0;
    backend->set_controls({.cr0 = initial_cr0});
    set_code_and_data(*backend, {0xf000, real_mode_code, segment_limit_16, 0xffff'0000},
                      {0, real_mode_data, segment_limit_16, 0});
    backend->set_segment(SegmentName::Ldtr, {0, empty_local_table, segment_limit_16, 0});
    backend->set_segment(SegmentName::Tr, {0, busy_task_state, segment_limit_16, 0});
    backend->set_descriptor_tables({0, segment_limit_16}, {0, segment_limit_16});
    backend->set_system_calls({});
    backend->set_debug(initial_debug);
    debug_addresses = {};
    local_apic.reset(false);
}

/// The run loop has looked for requests before it announces that it enters the guest, so a nudge is not enough.
void VirtualCpu::request_init()
{
    requests_.ask_for_init();
    vcpu.notice_event();
    scheduler::reconsider(vcpu);
}

void VirtualCpu::request_report()
{
    requests_.ask_for_report();
    scheduler::reconsider(vcpu);
}

void VirtualCpu::request_startup(u8 vector)
{
    if (requests_.ask_for_startup(vector)) vcpu.clear_waiting(WaitReason::Down);
}

void VirtualCpu::apply_requests()
{
    StartRequests::Taken const taken = requests_.take();
    if (taken.clock_changed) para_clock::publish(vcpu);
    if (taken.report) report();
    if (taken.startup) return start_in_real_mode(*taken.startup);
    if (!taken.init) return;
    reset();
    vcpu.set_waiting(WaitReason::Down);
    // A startup that came since the look found no Down that it could have ended.
    if (requests_.to_start()) vcpu.clear_waiting(WaitReason::Down);
}

/// (SDM vol. 3, 9.4.4.1)
void VirtualCpu::start_in_real_mode(u8 vector)
{
    reset();
    backend->registers().rip = 0;
    backend->set_segment(SegmentName::Cs,
                         {static_cast<u16>(vector << 8), real_mode_code, segment_limit_16, u64{vector} << page_shift});
    // All TSCs of a guest agree: Linux would call them unstable otherwise.
    if (Vcpu const* const boot = vcpu.domain().vcpu(0)) set_tsc_offset(boot->virtual_cpu().tsc_offset());
}

void set_pvh_entry(Vcpu& vcpu, u32 instruction_pointer, u32 start_info)
{
    VirtualCpu& cpu = vcpu.virtual_cpu();
    VcpuBackend& backend = *cpu.backend;
    cpu.reset();
    backend.registers().rip = instruction_pointer;
    backend.registers()[Gpr::Rbx] = start_info;
    backend.set_controls({.cr0 = Cr0{initial_cr0}.with<Cr0::ProtectedMode>(true).raw()});
    set_code_and_data(backend, {0, flat_code_32, flat_limit, 0}, {0, flat_data_32, flat_limit, 0});
    backend.set_segment(SegmentName::Tr, {0, busy_task_state, task_state_limit, 0});
    backend.set_descriptor_tables({0, 0}, {0, 0});
    cpu.mark_started();
}

}
