// SPDX-License-Identifier: MIT
/// One virtual CPU in a VMCS.
///
/// VMREAD and VMWRITE reach only the structure that is current on this CPU. While the vCPU is loaded that is its own;
/// otherwise each accessor borrows the place for a moment (`Visit`), which works on any CPU because unload() leaves
/// the structure clear, in memory; on one at a time, for which the domain's control_turn stands.
#pragma once

#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/vmx/event_queue.hpp"
#include "arch/x86_64/vmx/instructions.hpp"
#include "arch/x86_64/vmx/vmx.hpp"

namespace hospes::vmx {

/// Unknown where the reason alone does not tell: exceptions.
[[nodiscard]] arch::ExitKind kind_of(u16 reason);

class VmxVcpu final : public arch::VcpuBackend {
public:
    /// Takes over the frame, zeroed but for the revision.
    VmxVcpu(arch::VirtualCpu& cpu, Hfn structure);
    VmxVcpu(VmxVcpu const&) = delete;
    VmxVcpu& operator=(VmxVcpu const&) = delete;
    ~VmxVcpu() override;

    [[nodiscard]] arch::Exit enter(bool flush) override;
    void load() override;
    void unload() override;

    [[nodiscard]] arch::ControlRegisters controls() const override;
    [[nodiscard]] u64 cr4() const override;
    void set_controls(arch::ControlRegisters const& value) override;
    [[nodiscard]] arch::SegmentRegister segment(arch::SegmentName which) const override;
    void set_segment(arch::SegmentName which, arch::SegmentRegister const& value) override;
    [[nodiscard]] arch::TableBase gdt() const override;
    [[nodiscard]] arch::TableBase idt() const override;
    void set_descriptor_tables(arch::TableBase gdt, arch::TableBase idt) override;
    [[nodiscard]] arch::SystemCallRegisters system_calls() const override;
    void set_system_calls(arch::SystemCallRegisters const& value) override;
    [[nodiscard]] arch::DebugRegisters debug() const override;
    void set_debug(arch::DebugRegisters value) override;
    [[nodiscard]] u64 pat() const override;
    void set_pat(u64 value) override;
    [[nodiscard]] arch::CodeLevel code_level() const override;

    void inject(arch::Event event) override;
    [[nodiscard]] std::optional<arch::Event> queued_event() const override { return events_.most_urgent(); }
    [[nodiscard]] std::optional<arch::Event> take_back_event() override { return events_.take_back(); }
    void forget_events() override;
    void end_shadow() override;
    [[nodiscard]] bool can_take_interrupt() const override { return events_.is_empty() && is_open_to_interrupts(); }
    [[nodiscard]] bool can_take_nmi() const override { return events_.is_empty() && is_open_to_nmis(); }
    void request_interrupt_window(u8 priority) override;
    void request_nmi_window() override;
    [[nodiscard]] bool hand_over(arch::VirtualLocalApic const& apic) override;

    [[nodiscard]] Expected<> advance() override;
    void complete_instruction(u64 rip) override;
    void access_control_register() override;

    void set_tsc_offset(u64 offset) override;
    void set_second_stage(Hpa root) override;
    void set_port_bitmap(Hpa bitmap) override;
    [[nodiscard]] std::string_view describe_entry_failure() const override;

private:
    /// While it lives, VMREAD and VMWRITE mean this vCPU.
    class Visit {
    public:
        explicit Visit(VmxVcpu const& vcpu) : vcpu_{vcpu}
        {
            if (!vcpu_.loaded_) [[unlikely]]
                arrive();
        }
        Visit(Visit const&) = delete;
        Visit& operator=(Visit const&) = delete;
        ~Visit()
        {
            if (!vcpu_.loaded_) [[unlikely]]
                depart();
        }

    private:
        void arrive() const;
        void depart() const;

        VmxVcpu const& vcpu_;
    };
    /// A single field. Out of line where the vCPU is not loaded, so that the usual way stays short.
    template <typename Value>
    [[nodiscard]] Value get(VmcsField<Value> field) const
    {
        return loaded_ ? read(field) : get_in_visit(field);
    }
    template <typename Value>
    [[nodiscard, gnu::noinline]] Value get_in_visit(VmcsField<Value> field) const
    {
        Visit const visit{*this};
        return read(field);
    }
    template <typename Value>
    void set(VmcsField<Value> field, std::type_identity_t<Value> value)
    {
        Visit const visit{*this};
        write(field, value);
    }

    /// What the next entry has to do besides the usual.
    enum Due : u8 {
        ept_flush = 1 << 0,
        linear_flush = 1 << 1, ///< of what the guest's own tables say
        pointer_load = 1 << 2  ///< PAE paging was turned on in software
    };

    /// What exits when the guest becomes ready for an event.
    struct Windows {
        u32 controls = 0; ///< of the primary controls
        u32 task_priority_threshold = 0;
        bool operator==(Windows const&) const = default;
    };

    // vmx_vcpu.cpp
    void write_initial_controls();
    void write_host_state();
    void discharge_dues(bool flush);
    void prepare_event();
    void write_event(arch::Event const& event);
    void apply_windows();
    void skip_instruction(); ///< advance()
    void skip_past_4_gib(u64 next);
    void load_page_directory_pointers();
    void collect_interrupted_delivery();
    [[nodiscard]] bool is_open_to_interrupts() const;
    [[nodiscard]] bool is_open_to_nmis() const;

    // vmx_apic.cpp
    void hand_over_msrs(bool wanted);
    void report_end_of_level_interrupts(arch::VirtualLocalApic const& apic);

    // vmx_state.cpp
    void load_switched_registers() const;
    void save_switched_registers();
    void write_controls(arch::ControlRegisters const& value);

    // vmx_exit.cpp
    /// `kind` has details.
    [[nodiscard]] arch::Exit describe_exit(u16 reason, arch::ExitKind kind);
    [[nodiscard]] arch::MemoryExit describe_memory_fault(u16 reason, EptQualification qualification);
    [[nodiscard]] arch::Exit describe_exception();
    void note_debug_exception();
    void restore_nmi_blocking();
    [[nodiscard]] std::optional<arch::ControlRegisters> after_access(u64 qualification) const;

    arch::VirtualCpu& virtual_cpu_;
    Hfn const structure_;
    EventQueue events_;
    Cpu* cpu_ = nullptr;     ///< where it was loaded last
    bool loaded_ = false;    ///< its structure is current there
    bool launched_ = false;  ///< VMRESUME is due, not VMLAUNCH
    u8 due_ = 0;             ///< of Due
    Windows windows_wanted_; ///< for the next entry
    Windows windows_set_;    ///< as the structure has them
    u64 rip_set_ = 0;
    u64 rflags_set_ = 0;
    u64 rsp_set_ = 0;
    bool owns_apic_msrs_ = false; ///< x2APIC mode is the CPU's
    u32 triggers_reported_ = 0;   ///< VirtualLocalApic::trigger_generation() of the end-of-interrupt exits
    EptPointer ept_;
    u32 failed_reason_ = 0; ///< exit reason of a failed entry, or 0 where the instruction itself failed

    /// In the CPU while loaded, here otherwise.
    arch::SystemCallRegisters system_calls_; ///< but for SYSENTER's, which the structure holds
    u64 cr2_ = 0;
    u64 dr6_ = 0;
};

}
