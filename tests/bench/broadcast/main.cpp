// SPDX-License-Identifier: MIT
/// Rule: one interrupt for all vCPUs of a domain that has as many as it may, each of which waits for one, keeps the CPU
/// from interrupts for no longer than anything else a guest can ask for.
/// Failure looks like a host whose other guests and devices stand still while one guest sends to itself.
///
/// The sender and those whom it wakes share one CPU. So the stretch ends when the first of them handles the interrupt,
/// or when the sender goes on: the hypervisor has let nobody in before.
#include <atomic>

#include "tests/bench/broadcast/sleeper.h"
#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/loaded_guest.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

extern "C" {
extern char const sleeper_begin[], sleeper_handler[], sleeper_end[];
}

namespace hospes::test {
namespace {

constexpr u32 sleepers = 127;
constexpr u8 vector = 0x40;

template <typename T>
std::atomic_ref<T> shared(u64 address)
{
    return std::atomic_ref<T>{*reinterpret_cast<T*>(address)};
}

u16 count(u64 address) { return shared<u16>(address).load(); }

/// Lets the others run until `address` holds as many as there are sleepers.
bool all_are(u64 address)
{
    u64 const end = now() + long_enough;
    while (count(address) != sleepers && now() < end) (void)schedule::poll(nullptr, 0, now() + millisecond);
    return count(address) == sleepers;
}

void place_code()
{
    __builtin_memcpy(reinterpret_cast<void*>(SLEEPER_ADDRESS), sleeper_begin,
                     static_cast<size_t>(sleeper_end - sleeper_begin));
    auto const offset = static_cast<u32>(sleeper_handler - sleeper_begin);
    shared<u32>(vector * sizeof(u32)).store(u32{SLEEPER_ADDRESS} >> 4 << 16 | offset); // segment and offset
    shared<u64>(SLEEPER_FIRST).store(0);
    shared<u16>(SLEEPER_ASLEEP).store(0);
    shared<u16>(SLEEPER_WOKEN).store(0);
}

/// In the domain of 128 vCPUs.
void send_to_all()
{
    apic::enable();
    place_code();
    for (u32 cpu = 1; cpu <= sleepers; ++cpu) {
        apic::send(apic::id_of_cpu(cpu), apic::deliver_init);
        apic::send(apic::id_of_cpu(cpu), apic::deliver_startup | SLEEPER_ADDRESS >> 12);
    }
    if (!all_are(SLEEPER_ASLEEP)) abandon("not all vCPUs came");
    (void)schedule::poll(nullptr, 0, now() + 10 * millisecond); // the last one gets from counting itself to HLT
    u64 const sent = read_tsc();
    apic::send(0, apic::to_others | apic::deliver_fixed | vector);
    u64 const back = read_tsc();
    report(all_are(SLEEPER_WOKEN), "all vCPUs were woken");
    u64 const first = shared<u64>(SLEEPER_FIRST).load();
    result_for_dom0(0) = (first != 0 && first < back ? first : back) - sent;
}

void run()
{
    if (is_loaded()) return send_to_all();
    auto const guest = LoadedGuest::start({.vcpus = sleepers + 1}, "");
    if (!guest) abandon("no domain of 128 vCPUs");
    report(guest->wait() == xen::ShutdownReason::Poweroff, "every vCPU had the interrupt");
    print("STRETCH ", guest->result(0), " one interrupt for 127 waiting vCPUs\n");
}

}

constinit Guest const this_guest{"broadcast", run};

}
