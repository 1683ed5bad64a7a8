// SPDX-License-Identifier: MIT
/// One virtual CPU in a VMCB.
#pragma once

#include "arch/x86_64/emulator/opcodes.hpp"
#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/svm/svm.hpp"
#include "arch/x86_64/svm/vmcb.hpp"

namespace hospes::svm {

/// Remembers how long the instructions were that made the guest exit, for CPUs that do not tell (no NRIP save): a
/// guest exits at few places again and again. A wrong entry (the guest rewrote its code) misleads only that guest.
class LengthCache {
public:
    /// 0 if not known.
    [[nodiscard]] u8 find(u64 rip, u64 cr3, u64 code) const
    {
        Entry const& entry = entries_[index(rip)];
        return entry.rip == rip && entry.cr3 == cr3 && entry.code == code ? entry.length : u8{0};
    }
    void remember(u64 rip, u64 cr3, u64 code, u8 length) { entries_[index(rip)] = {rip, cr3, code, length}; }

private:
    struct Entry {
        u64 rip = 0;
        u64 cr3 = 0;
        u64 code = 0;
        u8 length = 0;
    };
    static constexpr size_t size = 16;
    static size_t index(u64 rip) { return (rip ^ rip >> 4 ^ rip >> 8) % size; }
    std::array<Entry, size> entries_{};
};

class SvmVcpu final : public arch::VcpuBackend {
public:
    /// Takes over the zeroed frame.
    SvmVcpu(arch::VirtualCpu& machine, Hfn frame);
    SvmVcpu(SvmVcpu const&) = delete;
    SvmVcpu& operator=(SvmVcpu const&) = delete;
    ~SvmVcpu() override;

    [[nodiscard]] arch::Exit enter(bool flush) override;
    void load() override;
    void unload() override {}

    [[nodiscard]] arch::ControlRegisters controls() const override;
    [[nodiscard]] u64 cr4() const override { return vmcb_.cr4; }
    void set_controls(arch::ControlRegisters const& value) override;
    [[nodiscard]] arch::SegmentRegister segment(arch::SegmentName which) const override;
    void set_segment(arch::SegmentName which, arch::SegmentRegister const& value) override;
    [[nodiscard]] arch::TableBase gdt() const override { return {vmcb_.gdtr.base, vmcb_.gdtr.limit}; }
    [[nodiscard]] arch::TableBase idt() const override { return {vmcb_.idtr.base, vmcb_.idtr.limit}; }
    void set_descriptor_tables(arch::TableBase gdt, arch::TableBase idt) override;
    [[nodiscard]] arch::SystemCallRegisters system_calls() const override;
    void set_system_calls(arch::SystemCallRegisters const& value) override;
    [[nodiscard]] arch::DebugRegisters debug() const override { return {vmcb_.dr6, vmcb_.dr7}; }
    void set_debug(arch::DebugRegisters value) override;
    [[nodiscard]] u64 pat() const override { return vmcb_.pat; }
    void set_pat(u64 value) override;
    [[nodiscard]] arch::CodeLevel code_level() const override;

    void inject(arch::Event event) override;
    [[nodiscard]] std::optional<arch::Event> queued_event() const override;
    [[nodiscard]] bool can_take_interrupt() const override;
    [[nodiscard]] bool can_take_nmi() const override;
    void request_interrupt_window(u8 priority) override;
    void request_nmi_window() override;
    [[nodiscard]] bool hand_over(arch::VirtualLocalApic const&) override { return false; }

    [[nodiscard]] Expected<> advance() override;
    void complete_instruction(u64 rip) override;

    void set_tsc_offset(u64 offset) override;
    void set_second_stage(Hpa root) override;
    void set_port_bitmap(Hpa bitmap) override;
    [[nodiscard]] std::string_view describe_entry_failure() const override;

private:
    void set_up_intercepts();
    void choose_asid(bool flush);
    void requeue(EventInformation event);
    void collect_interrupted_delivery();
    [[nodiscard]] Expected<u64> next_instruction();
    [[nodiscard]] Expected<u64> decode_next_instruction();
    void follow_nmi();
    void intercept_iret(bool enabled);
    [[nodiscard]] bool offer_virtual_interrupt();
    void withdraw_virtual_interrupt(EventInformation offered);
    void set_task_priority(u8 value);
    void intercept_virtual_interrupt(bool enabled);
    [[nodiscard]] VirtualInterruptControl interrupt_control() const
    {
        return VirtualInterruptControl{vmcb_.virtual_interrupt};
    }
    [[nodiscard]] bool in_shadow() const { return InterruptState{vmcb_.interrupt_state}.get<InterruptState::Shadow>(); }
    /// The CPU must read this part again.
    template <typename Part>
    void changed()
    {
        clean_ = clean_.with<Part>(false);
    }

    arch::VirtualCpu& machine_;
    Hfn const frame_;
    Vmcb& vmcb_;
    CleanBits clean_;                           ///< for the next entry
    EventInformation injection_;                ///< for the next entry
    std::optional<EventInformation> postponed_; ///< an interrupt or NMI that an exception pushed aside
    AsidPool::Identifier asid_;
    Cpu* cpu_ = nullptr;           ///< where it was loaded last
    bool nmi_in_progress_ = false; ///< until the guest's IRET
    static constexpr u64 no_iret = ~u64{0};
    u64 iret_rip_ = no_iret; ///< the IRET that ends the NMI, about to run
    LengthCache lengths_;
};

/// EXITCODE and its company in the common vocabulary.
[[nodiscard]] arch::Exit describe_exit(Vmcb const& vmcb);
/// Is `operation` the instruction that the exit code is about?
[[nodiscard]] bool can_have_caused_exit(Vmcb const& vmcb, emulator::Operation operation);

}
