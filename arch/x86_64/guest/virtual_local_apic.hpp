// SPDX-License-Identifier: MIT
/// A virtual CPU's local interrupt controller, in xAPIC and x2APIC mode (abi.md 1.3).
///
/// Interrupts arrive from any CPU: accept() only sets bits of the request register, atomically, and `attention`.
/// Everything else belongs to the CPU that runs the vCPU.
#pragma once

#include <array>
#include <atomic>
#include <optional>

#include "arch/x86_64/cpu/msr.hpp"
#include "arch/x86_64/guest/apic_registers.hpp"
#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::arch {

/// What the APIC needs from the machine around it.
class ApicSurroundings {
public:
    /// System time in nanoseconds, and when the guest's TSC will reach a value.
    [[nodiscard]] virtual u64 now() = 0;
    [[nodiscard]] virtual u64 time_of_guest_tsc(u64 tsc) = 0;
    /// timer_expired() is to be called at `deadline`.
    virtual void arm_timer(u64 deadline) = 0;
    /// Afterwards timer_expired() neither runs nor will run.
    virtual void disarm_timer() = 0;
    virtual void send(ApicMessage const& message, ApicShorthand shorthand) = 0;
    /// The guest is done with a level-triggered interrupt.
    virtual void end_of_interrupt(u8 vector) = 0;
    /// The guest has set the enable bit (abi.md 4.5 b).
    virtual void local_apic_enabled() = 0;
    /// An interrupt was accepted: the vCPU should look.
    virtual void attract_attention() = 0;

protected:
    ~ApicSurroundings() = default;
};

class VirtualLocalApic {
public:
    /// The timer counts at 100 MHz before division.
    static constexpr u64 tick_ns = 10;

    VirtualLocalApic(ApicSurroundings& surroundings, u32 id, bool is_boot_cpu);
    /// As after INIT, or (`power_on`) with the mode bits too. (SDM vol. 3, 11.4.7)
    void reset(bool power_on);

    // --- interrupts ---
    /// Latches a fixed interrupt; false if the APIC takes none now. Any CPU may call.
    bool accept(u8 vector, bool level);
    /// Something has changed since the last settle(): highest_deliverable() and blocked_priority() are to be asked
    /// again.
    [[nodiscard]] bool wants_attention() const { return attention_.load(std::memory_order_relaxed); }
    void ask_for_attention() { attention_.store(true, std::memory_order_release); }
    void settle() { attention_.store(false, std::memory_order_relaxed); }
    /// The vector to inject now, if the guest takes interrupts.
    [[nodiscard]] std::optional<u8> highest_deliverable() const;
    /// The priority class of an interrupt that only the task priority holds back.
    [[nodiscard]] std::optional<u8> held_by_task_priority() const;
    /// `vector` is being injected.
    void begin_service(u8 vector);

    [[nodiscard]] u8 task_priority() const { return static_cast<u8>(get(ApicRegister::TaskPriority)); }
    void set_task_priority(u8 value);

    // --- addressing ---
    [[nodiscard]] u32 id() const { return id_; }
    [[nodiscard]] bool is_addressed_by(u32 destination, bool logical) const;
    [[nodiscard]] bool is_enabled() const;
    [[nodiscard]] u8 processor_priority() const;

    // --- the guest's accesses; an error is #GP ---
    [[nodiscard]] u64 base() const { return base_.raw(); }
    [[nodiscard]] Expected<> write_base(u64 value);
    [[nodiscard]] Expected<u64> read_msr(u32 number);
    [[nodiscard]] Expected<> write_msr(u32 number, u64 value);
    [[nodiscard]] bool answers_in_page() const;
    [[nodiscard]] u32 read_page(u32 offset);
    void write_page(u32 offset, u32 value);
    [[nodiscard]] u64 tsc_deadline() const { return tsc_deadline_; }
    void write_tsc_deadline(u64 value);

    void timer_expired();

    // --- migration records ---
    [[nodiscard]] xen::HvmLocalApic save() const;
    [[nodiscard]] Expected<> load(xen::HvmLocalApic const& state);
    [[nodiscard]] xen::HvmLocalApicRegisters save_registers() const;
    [[nodiscard]] Expected<> load_registers(xen::HvmLocalApicRegisters const& state);

private:
    using VectorWords = std::array<std::atomic<u32>, 8>;
    [[nodiscard]] u32 get(ApicRegister which) const
    {
        return registers_[static_cast<u8>(which)].load(std::memory_order_relaxed);
    }
    void set(ApicRegister which, u32 value);
    [[nodiscard]] static std::optional<u8> highest(VectorWords const& words);
    [[nodiscard]] bool is_x2apic() const { return base_.get<ApicBase::X2ApicEnable>(); }
    [[nodiscard]] u32 identity_register() const { return is_x2apic() ? id_ : id_ << 24; }
    [[nodiscard]] u32 logical_identity() const;
    [[nodiscard]] u32 read_register(u8 index);
    void write_register(u8 index, u32 value);
    void end_of_interrupt();
    void write_spurious_vector(u32 value);
    void write_local_vector(u8 index, u32 value);
    void send_command(ApicCommand command);
    void raise_error(u32 bits);

    // timer
    [[nodiscard]] LocalVector timer_vector() const { return LocalVector{get(ApicRegister::TimerVector)}; }
    [[nodiscard]] u64 count_ns() const;
    [[nodiscard]] u32 current_count();
    void restart_timer();

    ApicSurroundings& surroundings_;
    u32 const id_;
    bool const is_boot_cpu_;
    ApicBase base_;
    std::array<std::atomic<u32>, apic_register_count> registers_{};
    VectorWords request_{};
    VectorWords in_service_{};
    VectorWords trigger_{};
    std::atomic<bool> attention_{false};
    u32 pending_errors_ = 0;
    u64 tsc_deadline_ = 0;
    std::atomic<u64> deadline_{0}; ///< of the counting timer; 0: not running
};

}
