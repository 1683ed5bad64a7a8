// SPDX-License-Identifier: MIT
/// A virtual CPU's local interrupt controller, in xAPIC and x2APIC mode (abi.md 1.3).
///
/// Interrupts arrive from any CPU: accept() only notes the vector, atomically, and asks for attention. settle() takes
/// what has arrived into the register page, which belongs to the CPU that runs the vCPU, as does everything else.
#pragma once

#include <array>
#include <atomic>
#include <optional>

#include "arch/x86_64/cpu/msr.hpp"
#include "arch/x86_64/virtual_apic/apic_page.hpp"
#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::arch {

/// What the APIC needs from the machine around it.
class ApicSurroundings {
public:
    /// System time in nanoseconds, and when the guest's TSC will reach a value (0: it has long done so).
    [[nodiscard]] virtual u64 now() = 0;
    [[nodiscard]] virtual u64 time_of_guest_tsc(u64 tsc) = 0;
    /// resume_timer() is to be called at `deadline`, if the vCPU is on a CPU then, and otherwise when it comes to one.
    virtual void arm_timer(u64 deadline) = 0;
    /// Takes that back.
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

    /// `page` is zeroed, and outlives the APIC.
    VirtualLocalApic(ApicSurroundings& surroundings, ApicPage& page, u32 id, bool is_boot_cpu);
    /// As after INIT, or (`power_on`) with the mode bits too. (SDM vol. 3, 11.4.7)
    void reset(bool power_on);

    // --- interrupts ---
    /// Latches a fixed interrupt; false if the APIC takes none now. Any CPU may call.
    bool accept(u8 vector, bool level);
    /// Something has changed since the last settle(): what follows is to be asked again.
    [[nodiscard]] bool wants_attention() const { return attention_.load(std::memory_order_relaxed) != 0; }
    void ask_for_attention() { attention_.fetch_or(look, std::memory_order_release); }
    /// Takes into the page what has arrived.
    void settle();
    /// Would anything that has arrived, settled or not, be delivered if the guest takes interrupts?
    [[nodiscard]] bool has_deliverable() const;

    // Where software delivers:
    /// The vector to inject now, if the guest takes interrupts.
    [[nodiscard]] std::optional<u8> highest_deliverable() const;
    /// The priority class of an interrupt that only the task priority holds back.
    [[nodiscard]] std::optional<u8> held_by_task_priority() const;
    /// `vector` is being injected.
    void begin_service(u8 vector);
    /// The interrupt that began its service was not delivered after all: it is requested again. False if it is not in
    /// service.
    bool undo_service(u8 vector);

    // Where the CPU delivers from the page:
    [[nodiscard]] ApicMode mode() const;
    /// The highest vector that is requested and may be delivered at some time, and that is in service; 0 for none.
    [[nodiscard]] u8 highest_request() const;
    [[nodiscard]] u8 highest_in_service() const;
    /// 64 vectors: which are level-triggered, so that software must learn of their end.
    [[nodiscard]] u64 level_triggered(unsigned quarter) const;
    /// Changes whenever level_triggered() does.
    [[nodiscard]] u32 trigger_generation() const { return trigger_generation_; }
    /// The CPU has carried out the end of a level-triggered interrupt, as far as the page goes.
    void finish_interrupt(u8 vector) { surroundings_.end_of_interrupt(vector); }
    /// The CPU has put into the page what the guest has written, and has left the rest to us.
    void finish_write(u32 offset);

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
    [[nodiscard]] u64 read_tsc_deadline();
    void write_tsc_deadline(u64 value);

    // --- the timer ---
    // What the timer counts to is a deadline; nothing happens at that time unless somebody looks.
    /// The shortest period, whatever the guest asks for: it cannot make the hypervisor do nothing but its ticks.
    static constexpr u64 shortest_period_ns = 100'000;
    /// Takes in what has expired by now, one interrupt for however many periods, and arms for what comes next. Called
    /// when the deadline has come, and when the vCPU comes to a CPU.
    void resume_timer();
    /// Does the timer count at all?
    [[nodiscard]] bool has_timer() const { return deadline_ != 0; }
    /// What the guest's TSC shows has jumped.
    void tsc_has_changed();

    // --- migration records ---
    [[nodiscard]] xen::HvmLocalApic save() const;
    /// Invalid if the APIC's page is not where guests have it, or its mode is none.
    [[nodiscard]] Expected<> load(xen::HvmLocalApic const& state);
    [[nodiscard]] xen::HvmLocalApicRegisters save_registers() const;
    [[nodiscard]] Expected<> load_registers(xen::HvmLocalApicRegisters const& state);

private:
    static constexpr size_t word_count = 8; ///< of 32 vectors each
    static constexpr u32 look = 1U << word_count;
    using VectorWords = std::array<std::atomic<u32>, word_count>;
    /// A word of the request and the trigger mode register.
    struct Requests {
        u32 request;
        u32 trigger;
    };

    [[nodiscard]] u32 get(ApicRegister which) const { return page_.get(which); }
    void set(ApicRegister which, u32 value) { page_.set(which, value); }
    /// Word `i` of one of the registers that have a bit for each vector.
    [[nodiscard]] u32 word(ApicRegister first, size_t i) const { return page_.get(std::to_underlying(first) + i); }
    void set_word(ApicRegister first, size_t i, u32 value) { page_.set(std::to_underlying(first) + i, value); }
    [[nodiscard]] u8 highest(ApicRegister first) const;
    [[nodiscard]] Requests with_arrived(size_t i, u32 arrived) const;
    [[nodiscard]] bool is_deliverable(u8 vector) const;
    [[nodiscard]] bool is_x2apic() const { return base_.get<ApicBase::X2ApicEnable>(); }
    void write_identity();
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
    [[nodiscard]] u64 period_ns() const;
    [[nodiscard]] u32 current_count();
    [[nodiscard]] u64 deadline_by_registers();
    [[nodiscard]] bool has_expired() const;
    void restart_timer();
    void catch_up_timer();
    void take_expiry();
    void arm_timer();

    ApicSurroundings& surroundings_;
    u32 const id_;
    bool const is_boot_cpu_;
    ApicBase base_;
    ApicPage& page_;
    VectorWords arrived_{};          ///< not in the page yet
    VectorWords arrived_as_level_{}; ///< how each vector came last
    std::atomic<u32> attention_{0};  ///< words of arrived_ that are not zero, and `look`
    u32 trigger_generation_ = 0;
    std::atomic<u32> pending_errors_{0}; ///< what the next write of the error status register shows
    u64 tsc_deadline_ = 0;
    u64 deadline_ = 0; ///< ns of system time, in every mode; 0: the timer does not count
};

}
