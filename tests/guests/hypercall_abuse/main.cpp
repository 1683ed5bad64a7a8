// SPDX-License-Identifier: MIT
/// Rule: whatever number, argument or pointer a guest passes, the hypercall returns an error, touches no
/// register but RAX and no memory it was not given, and the machine goes on.
/// Failure looks like a hypervisor panic, a hang, or a guest whose registers changed under it.

#include <array>
#include <cstring>

#include "kernel/abi/xen/console.hpp"
#include "kernel/abi/xen/multicall.hpp"
#include "kernel/abi/xen/version.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/traps.hpp"

extern "C" void call_with_registers(hospes::u64 registers[16], bool vmmcall);

namespace hospes::test {
namespace {

using xen::Hypercall;

constexpr u64 version = static_cast<u64>(Hypercall::XenVersion);

/// The hypervisor is still there and answers.
bool alive() { return raw_hypercall(version, 0) == 0x0004'0011; }

void undefined_numbers()
{
    constexpr u64 numbers[] = {0,
                               1,
                               2,
                               11,
                               27,
                               37,
                               38,
                               39,
                               43,
                               47,
                               50,
                               55,
                               56,
                               63,
                               64,
                               127,
                               128,
                               0x1000,
                               0x7fff'ffff,
                               0x8000'0000,
                               0xffff'ffff,
                               0x1'0000'0000,
                               0x8000'0000'0000'0000,
                               ~u64{0}};
    for (u64 number : numbers) {
        auto result = raw_hypercall(number, ~u64{0}, ~u64{0}, ~u64{0}, ~u64{0}, ~u64{0});
        if (result != -38) print("  number ", hex(number), "\n");
        report(fails_with(result, Error::NotImplemented), "an undefined number is ENOSYS");
    }
}

void registers_survive(u64 number, u64 first)
{
    std::array<u64, 16> registers{};
    for (size_t i = 0; i != registers.size(); ++i) registers[i] = 0x1111'1111'1111'1111 * (i + 1);
    registers[0] = number;
    registers[5] = first;
    auto before = registers;
    call_with_registers(registers.data(), uses_vmmcall());
    bool same = true;
    for (size_t i = 1; i != 15; ++i) {
        if (registers[i] != before[i]) print("  register ", i, " is ", hex(registers[i]), "\n");
        same &= registers[i] == before[i];
    }
    report(same, "all registers but RAX survive");
}

void bad_pointers()
{
    for (u64 bad : bad_addresses) {
        auto result = hypercall(Hypercall::XenVersion, xen::VersionCommand::Capabilities, bad);
        if (result != -14 && !on_hospes()) {
            skip("Xen takes a non-canonical address for a canonical one");
            continue;
        }
        if (result != -14) print("  address ", hex(bad), "\n");
        report(fails_with(result, Error::BadAddress), "a bad pointer is EFAULT");
    }
}

/// The operations that would stop or reset this vCPU although nothing is wrong with the arguments.
bool stops_us(u64 number, u64 command)
{
    auto call = static_cast<Hypercall>(number);
    return (call == Hypercall::SchedOp && command <= 1) || (call == Hypercall::VcpuOp && command <= 2);
}

void every_operation_with_bad_pointers()
{
    u64 calls = 0;
    for (u64 number = 0; number != 64; ++number) {
        for (u64 command = 0; command != 64; ++command) {
            if (stops_us(number, command)) continue;
            for (u64 bad : {bad_addresses[0], bad_addresses[4], bad_addresses[6]}) {
                // A hypervisor that masks non-canonical addresses would find page 0 there: keep to ones it refuses.
                if (!on_hospes() && bad == bad_addresses[4]) continue;
                (void)raw_hypercall(number, command, bad, bad, bad, bad);
                ++calls;
            }
        }
        if (!alive()) break;
    }
    print("  ", calls, " calls\n");
    report(alive(), "every operation with bad pointers is survived");
}

void random_arguments()
{
    constexpr u64 values[] = {0x1'8000'0000, 0x1'ffff'fff8, 0xffff'8000'0000'0000, ~u64{0}, 0x8000'0000,
                              0x7ff4,        0x7ff2};
    u64 state = 88172645463325252; // xorshift64: the same calls in every run
    auto next = [&] {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    };
    for (u32 round = 0; round != 3000; ++round) {
        u64 number = next() % 52;
        u64 command = next() % 48;
        if (stops_us(number, command)) continue;
        auto value = [&] { return values[next() % std::size(values)]; };
        u64 second = value(), third = value(), fourth = value(), fifth = value();
        (void)raw_hypercall(number, command, second, third, fourth, fifth);
    }
    report(alive(), "3,000 random calls are survived");
}

void page_edges()
{
    auto* pages = allocate_pages(3);
    constexpr u64 rights = page_present | page_writable;
    auto* window = map_window(8, gfn_of(pages), rights);
    (void)map_window(9, 0, 0);
    report(fails_with(hypercall(Hypercall::XenVersion, xen::VersionCommand::ExtraVersion, window + page_size - 8),
                      Error::BadAddress),
           "an answer that runs into an unmapped page");
    (void)map_window(9, gfn_of(pages) + 2, rights); // the next virtual page is not the next frame
    report(succeeds(hypercall(Hypercall::XenVersion, xen::VersionCommand::ExtraVersion, window + page_size - 8)),
           "an answer across two separate frames");
    xen::ExtraVersion whole{};
    (void)hypercall(Hypercall::XenVersion, xen::VersionCommand::ExtraVersion, &whole);
    report(memcmp(window + page_size - 8, &whole, sizeof(whole)) == 0, "arrives in one piece");
    report(pages[page_size] == 0 && pages[page_size + 8] == 0, "and nowhere else");

    auto* readonly = map_window(10, gfn_of(pages) + 1, page_present);
    report(fails_with(hypercall(Hypercall::XenVersion, xen::VersionCommand::ExtraVersion, readonly), Error::BadAddress),
           "an answer to a read-only page");
    report(equal(readonly[0], 0), "which stays as it was");
    auto hole = map_window(11, unused_gfn(300), rights);
    report(fails_with(hypercall(Hypercall::XenVersion, xen::VersionCommand::ExtraVersion, hole), Error::BadAddress),
           "an answer to a frame that is not there");
}

void from_user_mode()
{
    s64 result = 0;
    auto fault = in_user_mode([&] { result = raw_hypercall(version, 0); });
    report(!fault, "a hypercall from ring 3 does not fault");
    report(fails_with(result, Error::NotPermitted), "it is EPERM");
    fault = in_user_mode([&] { result = raw_hypercall(~u64{0}, 0); });
    report(result < 0, "so is an undefined one, or ENOSYS");
}

void multicalls()
{
    auto make = [](Hypercall number, u64 first, u64 second) {
        xen::MulticallEntry entry{};
        entry.operation = static_cast<u64>(number);
        entry.arguments[0] = first;
        entry.arguments[1] = second;
        return entry;
    };
    std::array<xen::MulticallEntry, 4> entries{make(Hypercall::XenVersion, 0, 0), make(Hypercall{63}, 0, 0),
                                               make(Hypercall::XenVersion, 3, unmapped_address),
                                               make(Hypercall::XenVersion, 7, 0)};
    report(succeeds(hypercall(Hypercall::Multicall, entries.data(), 4u)), "multicall of four");
    report(equal(entries[0].result, 0x0004'0011), "the first one's result");
    report(equal(entries[1].result, -38), "an undefined one inside");
    report(equal(entries[2].result, -14), "a bad pointer inside");
    report(equal(entries[3].result, 4096), "and the rest goes on");
    report(succeeds(hypercall(Hypercall::Multicall, entries.data(), 0u)), "of none");
    report(fails_with(hypercall(Hypercall::Multicall, unmapped_address, 1u), Error::BadAddress), "at a bad address");
    std::array<xen::MulticallEntry, 1> nested{make(Hypercall::Multicall, address(entries.data()), 4)};
    auto outer = hypercall(Hypercall::Multicall, nested.data(), 1u);
    report(outer != 0 || static_cast<s64>(nested[0].result) < 0, "a multicall inside a multicall is refused");
}

void console()
{
    if (!is_dom0()) {
        report(console_write("x", 1) < 0, "the console is dom0's");
        return;
    }
    report(fails_with(hypercall(Hypercall::ConsoleIo, xen::ConsoleCommand::Write, 16u, unmapped_address),
                      Error::BadAddress),
           "console text at a bad address");
    report(hypercall(Hypercall::ConsoleIo, 99u, 1u, "x") < 0, "an undefined console operation");
    report(hypercall(Hypercall::ConsoleIo, xen::ConsoleCommand::Write, 0x8000'0000u, unmapped_address) <= 0,
           "an absurd length");
}

void run()
{
    undefined_numbers();
    registers_survive(version, 0);
    registers_survive(63, 0);
    registers_survive(static_cast<u64>(Hypercall::SchedOp), static_cast<u64>(xen::SchedCommand::Yield));
    registers_survive(static_cast<u64>(Hypercall::MemoryOp), 63);
    bad_pointers();
    page_edges();
    multicalls();
    console();
    from_user_mode();
    every_operation_with_bad_pointers();
    random_arguments();
}

}

constinit Guest const this_guest{"hypercall_abuse", run};

}
