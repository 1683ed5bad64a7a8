// SPDX-License-Identifier: MIT
/// Rule: a vCPU whose registers the CPU will not enter is refused when they are loaded, or costs its domain the life:
/// the log names the rule that they break, and nobody else notices.
/// Failure looks like a hypervisor panic, a domain that neither runs nor ends, or a log that does not say why.

#include <array>
#include <cstring>

#include "kernel/abi/xen/sysctl.hpp"
#include "kernel/abi/xen/versions.hpp"
#include "tests/guests/entry_failure/states.hpp"
#include "tests/guests/framework/foreign_pages.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/other_domain.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u64 memory_mib = 4;
constexpr u32 large_page_order = 9;

/// What the hypervisor has logged since the last call. (`xl dmesg`)
std::string_view fresh_log()
{
    static constinit u32 position = 0;
    static std::array<char, 16384> text;
    xen::Sysctl call{};
    call.command = static_cast<u32>(xen::SysctlCommand::ReadConsole);
    call.interface_version = xen::releases.front().sysctl_version;
    call.u.read_console.incremental = 1;
    call.u.read_console.index = position;
    call.u.read_console.buffer = {address(text.data())};
    call.u.read_console.count = text.size();
    if (hypercall(xen::Hypercall::Sysctl, &call) != 0) abandon("the log cannot be read");
    position = call.u.read_console.index;
    return {text.data(), call.u.read_console.count};
}

/// All there is; the buffer takes only so much at a time.
void forget_log()
{
    while (!fresh_log().empty()) {}
}

template <typename T>
void put(u8* memory, u64 where, T const& value)
{
    std::memcpy(memory + where, &value, sizeof value);
}

/// As `place` says.
void fill(OtherDomain const& domain)
{
    constexpr u64 table_entry = 0x63, large_page = 0xe3; // present, writable, accessed, dirty; and the page's size
    ForeignPages const pages{domain.id(), 0, 5};
    u8* const memory = pages.bytes();
    put(memory, place::halt, u8{0xf4});
    put(memory, place::load_cr0, std::array<u8, 4>{0x0f, 0x22, 0xc0, 0xf4}); // mov %eax, %cr0; hlt
    put(memory, place::top_table, place::second_table | table_entry);
    put(memory, place::second_table, place::third_table | table_entry);
    put(memory, place::third_table, large_page);
    put(memory, place::bad_pointers, std::array<u64, 4>{~u64{0}, ~u64{0}, ~u64{0}, ~u64{0}});
}

xen::ShutdownReason wait_for_end(OtherDomain const& domain)
{
    for (;;) {
        if (auto const reason = domain.shutdown_reason()) return *reason;
        static_cast<void>(schedule::yield());
    }
}

/// Nothing is expected of it, so the number matters little.
void give_it_a_chance()
{
    for (u32 i = 0; i != 100; ++i) static_cast<void>(schedule::yield());
}

bool names(std::string_view log, std::string_view rule)
{
    constexpr std::string_view refusal = "the CPU refused the guest's state: ";
    auto const where = log.find(refusal);
    return where != std::string_view::npos && log.substr(where + refusal.size()).starts_with(rule);
}

void expect(Fate const& fate, OtherDomain const& domain)
{
    if (fate.kind == Fate::Kind::Unknown) return give_it_a_chance();
    auto const end = wait_for_end(domain);
    if (fate.kind == Fate::Kind::Runs) return report(end == xen::ShutdownReason::Poweroff, "it runs");
    report(end == xen::ShutdownReason::Crash, "it crashes");
    auto const log = fresh_log();
    bool const is_named = names(log, fate.rule);
    if (!is_named) print("  wanted ", fate.rule, " in: ", log, "\n");
    report(is_named, "and the log says why");
}

void try_state(State const& state)
{
    Fate const& fate = uses_vmmcall() ? state.on_svm : state.on_vmx;
    if (fate.kind == Fate::Kind::Unknown && has_argument("bochs"))
        return skip("VMRUN lets it pass, and Bochs' SVM ends with the guest");
    auto const domain = OtherDomain::create(memory_mib);
    if (!domain || !domain->populate(0, large_page_order)) abandon("no other domain");
    fill(*domain);
    auto registers = good_registers(state.mode);
    state.change(registers);
    forget_log();
    s64 const loaded = domain->load_registers(registers);
    if (fate.kind == Fate::Kind::Refused) return report(fails_with(loaded, Error::Invalid), "refused");
    report(succeeds(loaded), "loaded");
    report(succeeds(domain->unpause()), "it may run");
    expect(fate, *domain);
}

void run()
{
    for (State const& state : states()) {
        print(state.what, ":\n");
        try_state(state);
    }
}

}

constinit Guest const this_guest{"entry_failure", run};

}
