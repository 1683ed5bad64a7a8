// SPDX-License-Identifier: MIT
/// The local APIC's registers behind its two faces, and its one-shot timer.
#include "arch/x86_64/irq/local_apic.hpp"

#include <algorithm>
#include <limits>

#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/msr.hpp"
#include "arch/x86_64/cpu/per_cpu.hpp"
#include "arch/x86_64/irq/irq.hpp"
#include "arch/x86_64/irq/local_apic_registers.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/arch/time.hpp"
#include "kernel/lib/median.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/time/clock.hpp"
#include "kernel/time/timer.hpp"

namespace hospes::local_apic {

namespace {

u8 volatile* xapic_page = nullptr; ///< null in x2APIC mode
bool use_tsc_deadline = false;
TickScale timer_scale; ///< nanoseconds to timer counts

u32 read_register(ApicRegister which)
{
    u32 const offset = static_cast<u32>(which);
    if (!xapic_page) return static_cast<u32>(read_msr(msr::x2apic_register(offset)));
    return *reinterpret_cast<u32 volatile*>(xapic_page + offset);
}

void write_register(ApicRegister which, u64 value)
{
    u32 const offset = static_cast<u32>(which);
    if (!xapic_page)
        write_msr(msr::x2apic_register(offset), value);
    else
        *reinterpret_cast<u32 volatile*>(xapic_page + offset) = static_cast<u32>(value);
}

/// A delivery takes well under a microsecond; a broken one must not hang the machine.
void wait_until_sent()
{
    constexpr unsigned tries = 100'000;
    for (unsigned i = 0; i < tries; ++i) {
        if (!hospes::InterruptCommand{read_register(ApicRegister::InterruptCommand)}
                 .get<hospes::InterruptCommand::SendPending>())
            return;
        arch::spin_hint();
    }
}

void send(u32 apic_id, hospes::InterruptCommand command)
{
    using Command = hospes::InterruptCommand;
    command = command.with<Command::Assert>(true);
    if (!xapic_page) {
        // Unlike a write to the xAPIC page, this one does not wait for earlier stores. (SDM volume 3, section 11.12.3)
        asm volatile("mfence; lfence" : : : "memory");
        write_register(ApicRegister::InterruptCommand, command.with<Command::X2apicDestination>(apic_id).raw());
        return;
    }
    wait_until_sent();
    write_register(ApicRegister::InterruptCommandHigh, command.with<Command::XapicDestination>(apic_id).raw() >> 32);
    write_register(ApicRegister::InterruptCommand, command.raw());
}

void mask_local_entries()
{
    struct Row {
        ApicRegister which;
        unsigned entry; ///< exists if the version register counts this far
    };
    constexpr std::array rows{
        Row{ApicRegister::LocalTimer, 0},
        Row{ApicRegister::LocalInterrupt0, 1},
        Row{ApicRegister::LocalInterrupt1, 2},
        Row{ApicRegister::LocalError, 3},
        Row{ApicRegister::LocalPerformance, 4},
        Row{ApicRegister::LocalThermal, 5},
        Row{ApicRegister::LocalCorrectedMachineCheck, 6},
    };
    unsigned const highest = ApicVersion{read_register(ApicRegister::Version)}.get<ApicVersion::HighestLocalEntry>();
    for (Row const& row : rows)
        if (row.entry <= highest) write_register(row.which, LocalVector{}.with<LocalVector::Masked>(true).raw());
}

void report_error(void*)
{
    write_register(ApicRegister::ErrorStatus, 0); // latches what happened since the last time
    log_warning("cpu{}: local APIC error status {:x}", arch::this_cpu(), read_register(ApicRegister::ErrorStatus));
}

void on_timer(void*) { timers::run_expired(); }
void on_kick(void*) { timers::run_expired(); }

/// Counts of the timer in `span`, for calibration.
u64 count_during(Nanoseconds span)
{
    constexpr u32 start = std::numeric_limits<u32>::max();
    u64 const begin = arch::read_tsc();
    write_register(ApicRegister::TimerInitialCount, start);
    clock::busy_wait(span);
    u32 const left = read_register(ApicRegister::TimerCurrentCount);
    u64 const measured = clock::time_at(arch::read_tsc()) - clock::time_at(begin);
    write_register(ApicRegister::TimerInitialCount, 0);
    return u64{start - left} * nanoseconds_per_second / measured;
}

}

void initialize(Hpa registers)
{
    if (!cpu_features().has(Feature::Apic)) refuse_to_boot("the CPU has no local APIC, or the firmware disabled it");
    if (!cpu_features().has(Feature::X2Apic)) {
        xapic_page = static_cast<u8 volatile*>(arch::map_device(registers, page_size));
        if (!xapic_page) panic("no room to map the local APIC at {:x}", registers);
    }
    irq::set_own_handler(vectors::timer, on_timer);
    irq::set_own_handler(vectors::kick, on_kick);
    irq::set_own_handler(vectors::apic_error, report_error);
    enable_on_this_cpu();
    log_info("local APIC: {} mode, cpu0 has id {}", in_x2apic_mode() ? "x2APIC" : "xAPIC", id());
}

void enable_on_this_cpu()
{
    ApicBase const base = read(msr::apic_base);
    write(msr::apic_base, base.with<ApicBase::GlobalEnable>(true).with<ApicBase::X2ApicEnable>(in_x2apic_mode()));
    mask_local_entries();
    write_register(ApicRegister::TaskPriority, 0);
    write_register(ApicRegister::SpuriousVector, SpuriousVectorRegister{}
                                                     .with<SpuriousVectorRegister::Vector>(vectors::spurious)
                                                     .with<SpuriousVectorRegister::SoftwareEnable>(true)
                                                     .raw());
    write_register(ApicRegister::ErrorStatus, 0);
    write_register(ApicRegister::LocalError, LocalVector{}.with<LocalVector::Vector>(vectors::apic_error).raw());
    // The platform's NMI line, by convention on every CPU's second local pin.
    write_register(ApicRegister::LocalInterrupt1, LocalVector{}.with<LocalVector::Delivery>(DeliveryMode::Nmi).raw());
}

void calibrate_timer()
{
    use_tsc_deadline = cpu_features().has(Feature::TscDeadline);
    if (!use_tsc_deadline) {
        constexpr Nanoseconds span = 10 * nanoseconds_per_millisecond;
        write_register(ApicRegister::TimerDivide, timer_divide_by_1);
        u64 const hz = median(std::array{count_during(span), count_during(span), count_during(span)});
        if (hz == 0) panic("the local APIC's timer does not count");
        timer_scale = TickScale::between(nanoseconds_per_second, hz);
        log_info("local APIC: timer counts at {} kHz", hz / 1000);
    }
    enable_timer();
}

void enable_timer()
{
    TimerMode const mode = use_tsc_deadline ? TimerMode::TscDeadline : TimerMode::OneShot;
    write_register(ApicRegister::TimerDivide, timer_divide_by_1);
    write_register(ApicRegister::LocalTimer,
                   LocalVector{}.with<LocalVector::Vector>(vectors::timer).with<LocalVector::Mode>(mode).raw());
    // The mode must have arrived before the first deadline is written. (SDM volume 3, section 11.5.4.1)
    asm volatile("mfence" : : : "memory");
}

bool in_x2apic_mode() { return xapic_page == nullptr; }

u32 id()
{
    constexpr unsigned xapic_id_shift = 24;
    u32 const raw = read_register(ApicRegister::Id);
    return in_x2apic_mode() ? raw : raw >> xapic_id_shift;
}

void end_of_interrupt() { write_register(ApicRegister::EndOfInterrupt, 0); }

void send_interrupt(u32 apic_id, u8 vector)
{
    send(apic_id, hospes::InterruptCommand{}.with<hospes::InterruptCommand::Vector>(vector));
}

void send_nmi(u32 apic_id)
{
    send(apic_id, hospes::InterruptCommand{}.with<hospes::InterruptCommand::Delivery>(DeliveryMode::Nmi));
}

void send_init(u32 apic_id)
{
    send(apic_id, hospes::InterruptCommand{}
                      .with<hospes::InterruptCommand::Delivery>(DeliveryMode::Init)
                      .with<hospes::InterruptCommand::LevelTriggered>(true));
}

void send_startup(u32 apic_id, u8 page)
{
    send(apic_id, hospes::InterruptCommand{}
                      .with<hospes::InterruptCommand::Delivery>(DeliveryMode::Startup)
                      .with<hospes::InterruptCommand::Vector>(page));
}

}

namespace hospes::arch {

void kick(unsigned cpu)
{
    if (cpu != this_cpu()) local_apic::send_interrupt(cpu_block(cpu).apic_id, vectors::kick);
}

void arm_timer(u64 span)
{
    using namespace local_apic;
    constexpr u64 longest = 3600 * nanoseconds_per_second; // keeps the conversions far from overflow
    span = std::min(span, longest);
    if (use_tsc_deadline) {
        write(msr::tsc_deadline, read_tsc() + clock::ticks_in(span) + 1);
        return;
    }
    // A count of 0 would stop the timer; one more than converted, so that it is not early by rounding.
    u64 const count = std::min<u64>(timer_scale.apply(span) + 1, std::numeric_limits<u32>::max());
    write_register(ApicRegister::TimerInitialCount, count);
}

}
