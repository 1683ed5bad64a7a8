// SPDX-License-Identifier: MIT
/// Rule: the local APIC delivers interrupts in the order of their priority, holds back what the task priority or an
/// interrupt in service forbids, and loses none; by MSRs and by its page alike, whether the hypervisor does this or the
/// CPU (SDM vol. 3, 11.8 and 11.12).
/// Failure looks like a guest that hangs in HLT, or takes interrupts in the wrong order under load.

#include "tests/guests/framework/apic.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/smp.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {
namespace {

constexpr u8 low = 0x41, low_too = 0x43, middle = 0x55, high = 0x72, timer = 0x91, ping = 0xa1, pong = 0xa2;
constexpr u32 processor_priority = 0x80a, in_service = 0x810, request = 0x820;

// --- one way to both: by MSRs, or by the page ---

constinit bool by_page = false;

u32 volatile& page_register(u32 msr)
{
    constexpr u64 page = 0xfee0'0000;
    return *reinterpret_cast<u32 volatile*>(page + (msr - 0x800) * 16);
}

u32 read(u32 msr) { return by_page ? page_register(msr) : static_cast<u32>(read_msr(msr)); }

void write(u32 msr, u32 value)
{
    if (by_page)
        page_register(msr) = value;
    else
        write_msr(msr, value);
}

void end_of_interrupt() { write(apic::eoi, 0); }

void send_to_self(u8 vector)
{
    if (by_page)
        write(apic::command, static_cast<u32>(apic::to_self | apic::level_assert | vector));
    else
        write_msr(apic::self_ipi, vector);
}

bool has(u32 first, u8 vector) { return (read(first + vector / 32) >> vector % 32 & 1) != 0; }

u64 read_cr8()
{
    u64 value;
    asm volatile("mov %%cr8, %0" : "=r"(value) : : "memory");
    return value;
}
void write_cr8(u64 value) { asm volatile("mov %0, %%cr8" : : "r"(value) : "memory"); }

/// Long enough for every interrupt that may come.
void open_interrupts()
{
    (void)wait_until([] { return false; }, 50 * microsecond);
}

// --- what came, in which order ---

struct Record {
    std::array<u8, 16> vectors{};
    size_t count = 0;
};
constinit Record record{};

void note(TrapFrame& frame)
{
    if (record.count < record.vectors.size()) record.vectors[record.count++] = static_cast<u8>(frame.vector);
}

void note_and_end(TrapFrame& frame)
{
    note(frame);
    end_of_interrupt();
}

template <size_t count>
bool came(std::array<u8, count> const& wanted)
{
    bool const same = record.count == count && std::equal(wanted.begin(), wanted.end(), record.vectors.begin());
    if (!same)
        for (size_t i = 0; i < record.count; ++i) print("  came: ", record.vectors[i], "\n");
    record = {};
    return same;
}

bool nothing_came() { return came(std::array<u8, 0>{}); }

// --- the rules ---

void by_priority()
{
    for (u8 const vector : {low, high, middle}) send_to_self(vector);
    report(nothing_came() && has(request, low) && has(request, high), "requested, not delivered with interrupts off");
    open_interrupts();
    report(came(std::array{high, middle, low}), "the highest first");
    report(!has(request, low) && !has(in_service, low), "nothing is left");
}

/// In service: nothing of the same class or below gets through, something above does.
void nested()
{
    set_trap_handler(low, [](TrapFrame& frame) {
        note(frame);
        report(has(in_service, low) && !has(request, low), "in service, no longer requested");
        report(equal(read(processor_priority), low & 0xf0), "its class is the processor's priority");
        send_to_self(low_too);
        send_to_self(high);
        open_interrupts();
        report(came(std::array{low, high}), "a higher class interrupts the handler, the same class does not");
        end_of_interrupt();
        report(equal(read(processor_priority), 0), "no priority after the end");
    });
    send_to_self(low);
    open_interrupts();
    report(came(std::array{low_too}), "the same class comes after the end");
    set_trap_handler(low, note_and_end);
}

/// QEMU's TCG lets a virtual interrupt of the task's own class through, and ends itself when CR8 is written while one
/// is held back.
void task_priority()
{
    bool const emulator = has_argument("emulator");
    u32 const held = emulator ? (middle & 0xf0) + 0x10 : middle & 0xf0;
    u32 const lowered = (middle & 0xf0) - 0x10;
    write(apic::task_priority, held);
    report(equal(read_cr8(), held >> 4), "CR8 follows");
    report(equal(read(processor_priority), held), "the processor's priority follows");
    send_to_self(middle);
    send_to_self(high);
    open_interrupts();
    report(came(std::array{high}) && has(request, middle), "what the task's priority covers is held back, no more");
    if (emulator)
        write(apic::task_priority, lowered);
    else
        write_cr8(lowered >> 4);
    open_interrupts();
    report(came(std::array{middle}), "it comes as the priority is lowered");
    report(equal(read(apic::task_priority), lowered), "the register shows it");
    write_cr8(0);
    report(equal(read(apic::task_priority), 0), "and what CR8 was set to");
}

constexpr u32 two_milliseconds = 200'000; ///< of the timer

void start_apic_timer(u32 count)
{
    constexpr u32 divide_by_one = 0xb;
    write(apic::timer_divide, divide_by_one);
    write(apic::timer_entry, timer);
    write(apic::timer_initial, count);
}

void halting()
{
    send_to_self(middle);
    wait_for_interrupt();
    report(came(std::array{middle}), "HLT ends at once if an interrupt is requested");
    write(apic::task_priority, 0x80);
    send_to_self(middle);
    start_apic_timer(two_milliseconds);
    wait_for_interrupt();
    report(came(std::array{timer}), "HLT sleeps on if it is held back, until the timer");
    write(apic::task_priority, 0);
    open_interrupts();
    report(came(std::array{middle}), "and that one is not lost");
    constexpr u32 one_second = 100'000'000;
    start_apic_timer(one_second);
    u32 const first = read(apic::timer_current), second = read(apic::timer_current);
    report(first <= one_second && second <= first && second != 0, "the count runs down");
    start_apic_timer(two_milliseconds);
    wait_for_interrupt();
    report(came(std::array{timer}) && read(apic::timer_current) == 0, "to nothing");
}

/// A requested interrupt waits for STI, even if the hypervisor takes one of its own meanwhile: that of the timer.
void waits_for_sti()
{
    if (has_argument("bochs")) return skip("Bochs 2.7 does not wait for STI if a host interrupt comes");
    enable_interrupts();
    start_apic_timer(two_milliseconds);
    disable_interrupts();
    send_to_self(middle);
    u64 const end = now() + second;
    while (!has(request, timer) && record.count == 0 && now() < end) pause();
    report(has(request, timer), "the hypervisor's timer interrupts a guest with interrupts off");
    report(nothing_came(), "which takes nothing then");
    open_interrupts();
    report(came(std::array{timer, middle}), "but both afterwards");
}

/// Switched off by the spurious vector register, it takes nothing; what it had stays.
void switched_off()
{
    constexpr u32 masked = 1 << 16;
    write(apic::spurious, apic::spurious_vector);
    send_to_self(middle);
    open_interrupts();
    report(nothing_came(), "software-disabled: no interrupt to self");
    report((read(apic::timer_entry) & masked) != 0, "and the local vectors are masked");
    write(apic::spurious, apic::software_enable | apic::spurious_vector);
    send_to_self(middle);
    open_interrupts();
    report(came(std::array{middle}), "enabled again");
}

void illegal_vector()
{
    constexpr u32 send_illegal_vector = 1 << 5;
    write(apic::error_status, 0);
    send_to_self(5);
    open_interrupts();
    write(apic::error_status, 0);
    report(nothing_came(), "vector 5 is not delivered");
    report(equal(read(apic::error_status), send_illegal_vector), "it is an error");
    write(apic::error_status, 0);
}

void all_rules()
{
    by_priority();
    nested();
    task_priority();
    halting();
    waits_for_sti();
    switched_off();
    illegal_vector();
}

void msr_rules()
{
    report(equal(read_msr(apic::id), apic::id_of_cpu(0)), "the id");
    report(equal(read_msr(apic::version) & 0xff, 0x14), "the version");
    report(equal(read_msr(0x80d), 1), "the logical id of CPU 0");
    report(faults_with(vector::gp, [] { write_msr(apic::task_priority, 0x100); }), "task priority of nine bits");
    report(faults_with(vector::gp, [] { write_msr(apic::eoi, 1); }), "an end of interrupt that is not 0");
    report(faults_with(vector::gp, [] { write_msr(apic::self_ipi, 0x141); }), "an interrupt to self of nine bits");
    report(faults_with(vector::gp, [] { (void)read_msr(apic::eoi); }), "the end of interrupt cannot be read");
    report(faults_with(vector::gp, [] { (void)read_msr(apic::self_ipi); }), "nor can the interrupt to self");
    report(faults_with(vector::gp, [] { (void)read_msr(0x80e); }), "there is no destination format");
    report(faults_with(vector::gp, [] { write_msr(request, 1); }), "requests cannot be written");
}

/// x2APIC mode is left only by way of disabled, which resets the APIC.
/// One operand is the page, the other is memory: each access has an answerer of its own.
void moves_between_page_and_memory()
{
    auto const move = [](void volatile* target, void const volatile* source) {
        asm volatile("movsl" : "+D"(target), "+S"(source) : : "memory");
    };
    u32 volatile value = 0;
    move(&value, &page_register(apic::version));
    report(value != 0, "MOVS takes a register of the page into memory");
    report(equal(value, page_register(apic::version)), "as it is");
    value = 0x20;
    move(&page_register(apic::task_priority), &value);
    report(equal(page_register(apic::task_priority), 0x20), "and memory into a register");
    page_register(apic::task_priority) = 0;
}

void leave_x2apic_mode()
{
    u64 const base = read_msr(apic::base_msr) & ~(apic::base_enable | apic::base_x2apic);
    write_msr(apic::base_msr, base);
    report(faults_with(vector::gp, [] { (void)read_msr(apic::id); }), "disabled: its MSRs are gone");
    write_msr(apic::base_msr, base | apic::base_enable);
    by_page = true;
    report(equal(read(apic::id), u32{apic::id_of_cpu(0)} << 24), "the page shows the id");
    write(apic::spurious, apic::software_enable | apic::spurious_vector);
}

void return_to_x2apic_mode()
{
    by_page = false;
    apic::enable();
}

// --- with another CPU ---

constexpr u32 rounds = 500;
constinit std::atomic<u32> pings{0}, pongs{0};
constinit std::atomic<bool> other_is_ready{false}, other_may_stop{false};

/// Answers each ping, awake or asleep in HLT in turn.
void answer(u32)
{
    apic::enable();
    set_trap_handler(ping, [](TrapFrame&) {
        ++pings;
        apic::end_of_interrupt();
        apic::send(apic::id_of_cpu(0), apic::deliver_fixed | pong);
    });
    other_is_ready = true;
    while (!other_may_stop) {
        if (pings % 2 == 0) {
            wait_for_interrupt();
        } else {
            let_interrupts_in();
        }
    }
}

/// Each message is answered before the next is sent, so each one lost shows.
void ping_pong()
{
    if (cpu_count() == 1) return skip("one vCPU only");
    set_trap_handler(pong, [](TrapFrame&) {
        ++pongs;
        apic::end_of_interrupt();
    });
    if (!start_cpu(1, answer)) abandon("no sign of life after SIPI");
    report(wait_until([] { return other_is_ready.load(); }, long_enough), "another CPU is ready");
    for (u32 i = 1; i <= rounds; ++i) {
        apic::send(apic::id_of_cpu(1), apic::deliver_fixed | ping);
        if (!wait_until([i] { return pongs >= i; }, long_enough)) break;
    }
    report(pongs >= rounds, "every ping has its pong");
    other_may_stop = true;
    apic::send(apic::id_of_cpu(1), apic::deliver_fixed | ping); // out of its HLT
}

void run()
{
    apic::enable();
    for (u8 const vector : {low, low_too, middle, high, timer}) set_trap_handler(vector, note_and_end);
    print(" by MSRs\n");
    msr_rules();
    all_rules();
    print(" by the page\n");
    leave_x2apic_mode();
    moves_between_page_and_memory();
    all_rules();
    print(" by MSRs again\n");
    return_to_x2apic_mode();
    all_rules();
    ping_pong();
}

}

constinit Guest const this_guest{"local_apic", run};

}
