// SPDX-License-Identifier: MIT
/// One virtual CPU in a VMCB.
#pragma once

#include "arch/x86_64/emulator/opcodes.hpp"
#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/svm/svm.hpp"
#include "arch/x86_64/svm/vmcb.hpp"

namespace hospes::svm {

/// Remembers how long the instructions were that made a guest's kernel exit, for CPUs that do not tell (no NRIP save):
/// a kernel exits at few places again and again. A wrong entry (it rewrote its code) misleads only that kernel.
/// Processes share addresses and, one after the other, CR3, so nothing is remembered of them, and they are told
/// nothing.
class LengthCache {
public:
    struct Key {
        u64 rip = 0;
        u64 cr3 = 0;
        u64 code = 0; ///< of the exit
        bool operator==(Key const&) const = default;
    };
    /// 0 if not known.
    [[nodiscard]] u8 find(Key const& key, u8 privilege) const
    {
        Entry const& entry = entries_[index(key.rip)];
        return privilege != least_privileged && entry.key == key ? entry.length : u8{0};
    }
    void remember(Key const& key, u8 privilege, u8 length)
    {
        if (privilege != least_privileged) entries_[index(key.rip)] = {key, length};
    }

private:
    struct Entry {
        Key key;
        u8 length = 0;
    };
    static constexpr u8 least_privileged = 3;
    static constexpr size_t size = 16;
    static size_t index(u64 rip) { return (rip ^ rip >> 4) % size; }
    std::array<Entry, size> entries_{};
};

class SvmVcpu final : public arch::VcpuBackend {
public:
    /// Takes over the zeroed frame.
    SvmVcpu(arch::VirtualCpu& cpu, Hfn frame);
    SvmVcpu(SvmVcpu const&) = delete;
    SvmVcpu& operator=(SvmVcpu const&) = delete;
    ~SvmVcpu() override;

    [[nodiscard]] arch::Exit enter(bool flush) override;
    void load() override;
    void unload() override {}

    [[nodiscard]] arch::ControlRegisters controls() const override;
    [[nodiscard]] u64 cr4() const override { return cr4_; }
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
    [[nodiscard]] std::optional<arch::Event> take_back_event() override;
    void forget_events() override;
    void end_shadow() override;
    [[nodiscard]] bool can_take_interrupt() const override;
    [[nodiscard]] bool can_take_nmi() const override;
    void request_interrupt_window(u8 priority) override;
    void request_nmi_window() override;
    [[nodiscard]] bool hand_over(arch::VirtualLocalApic const&) override { return false; }

    [[nodiscard]] Expected<> advance() override;
    void complete_instruction(u64 rip) override;
    void access_control_register() override;

    void set_tsc_offset(u64 offset) override;
    void set_second_stage(Hpa root) override;
    void set_port_bitmap(Hpa bitmap) override;
    [[nodiscard]] std::string_view describe_entry_failure() const override;

private:
    void set_up_intercepts();
    void set_cr4(u64 value);
    void choose_asid(bool flush);
    void requeue(EventInformation event);
    void collect_interrupted_delivery();
    [[nodiscard]] Expected<u64> next_instruction();
    [[nodiscard]] Expected<u64> decode_next_instruction();
    void follow_nmi();
    void end_nmi();
    void intercept_iret(bool enabled);
    void set_task_priority(u8 value);
    // svm_virtual_interrupt.cpp
    [[nodiscard]] bool offer_virtual_interrupt();
    void withdraw_virtual_interrupt(EventInformation offered);
    void intercept_virtual_interrupt(bool enabled);
    [[nodiscard]] EventInformation interrupted_delivery() const;
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

    arch::VirtualCpu& virtual_cpu_;
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
    u64 cr4_ = 0; ///< as the guest sees it; it changes by an exit only
};

/// EXITCODE and its company in the common vocabulary.
[[nodiscard]] arch::Exit describe_exit(Vmcb const& vmcb);
/// Is `operation` the instruction that the exit code is about?
[[nodiscard]] bool can_have_caused_exit(Vmcb const& vmcb, emulator::Operation operation);

}
