// SPDX-License-Identifier: MIT
/// Rule: dom0's devices reach dom0's memory and what it has mapped of others', and nothing else; and no longer than it
/// is mapped.
/// Failure looks like a device that reads the hypervisor, or writes into a page that somebody else has by now.
///
/// QEMU's edu device does DMA wherever it is told. Refused reads leave zeros or nothing in its buffer. Each address
/// that is attacked is printed, so that the hypervisor's log can be compared with it.

#include <algorithm>
#include <array>

#include "tests/guests/dma_attack/card.hpp"
#include "tests/guests/dma_attack/edu.hpp"
#include "tests/guests/dma_attack/victim.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

namespace map_flag = xen::grant_map_flag;

constexpr u8 marker = 0xa5, secret = 0x3c;
constexpr u64 io_apic = 0xfec0'0000;
/// Interrupt requests in VT-d's remappable format. QEMU 7.2 lets the others pass, even an INIT; hardware does not.
constexpr u64 interrupt_requests = 0xfee0'0010;
constexpr u64 hypervisor_image = 0x20'0000; // linker.ld; "unusable" in dom0's map
constexpr u32 unusable = 5;

/// A page, as far as the device copies in one go.
std::span<u8> new_page() { return {allocate_pages(), Edu::most_bytes}; }
u64 where(std::span<u8> page) { return reinterpret_cast<u64>(page.data()); }
bool all(std::span<u8> page, u8 value)
{
    return std::ranges::all_of(page, [=](u8 byte) { return byte == value; });
}

void attack(u64 where) { print("attack on ", hex(where), "\n"); }

/// What the device sees at `from`, if anything, is nothing.
void expect_unreadable(Edu& edu, u64 from, std::string_view what)
{
    auto page = new_page();
    edu.fill(page, marker);
    attack(from);
    edu.read(from, Edu::most_bytes);
    std::ranges::fill(page, u8{1});
    edu.show(page);
    report(all(page, 0) || all(page, marker), what);
}

void own_memory(Edu& edu)
{
    auto page = new_page(), other = new_page();
    edu.fill(page, secret);
    edu.show(other);
    report(all(other, secret), "its own pages: read and written");
}

void hypervisor(Edu& edu)
{
    bool const kept = std::ranges::any_of(memory_map(), [](MemoryRange const& range) {
        return range.type == unusable && range.begin <= hypervisor_image && range.begin + range.size > hypervisor_image;
    });
    if (!kept) return skip("the hypervisor is elsewhere");
    expect_unreadable(edu, hypervisor_image, "the hypervisor's image is not read");
    auto page = new_page();
    edu.fill(page, marker);
    for (u64 at = hypervisor_image; at != hypervisor_image + 0x4000; at += page_size) edu.write(at, Edu::most_bytes);
    report(memory_operation::current_reservation(xen::domid_self) > 0, "nor written: it still answers");
}

/// All memory that is not dom0's is the victim's, so wherever the device tries, it tries the victim's pages; and each
/// of them is in use.
void memory_of_another(Edu& edu)
{
    auto const victim = Victim::create();
    if (!victim) return report(false, "another domain is made");
    report(victim->runs(), "it runs, through all its pages");
    report(equal(victim->count_changed(), 0), "they hold what it wrote");
    u32 const rounds = victim->rounds();
    auto page = new_page();
    edu.fill(page, marker);
    constexpr u64 tries = 8;
    for (MemoryRange const& range : memory_map()) {
        if (range.type != unusable || range.begin <= hypervisor_image || range.size < 16 * mib) continue;
        for (u64 i = 0; i != tries; ++i) {
            u64 const at = range.begin + range.size * (2 * i + 1) / (2 * tries) / page_size * page_size;
            attack(at);
            edu.write(at, Edu::most_bytes);
        }
        expect_unreadable(edu, range.begin + range.size / 2 / page_size * page_size, "they are not read");
    }
    report(victim->rounds() > rounds, "it ran meanwhile");
    report(equal(victim->count_changed(), 0), "and none of its pages was written");
    report(victim->runs(), "it still runs");
}

void given_back(Edu& edu)
{
    auto page = new_page();
    std::ranges::fill(page, secret);
    std::array<u64, 1> gfn{gfn_of(page.data())};
    auto warm = new_page();
    edu.read(where(page), Edu::most_bytes); // the IOMMU may remember it from now on
    report(equal(memory_operation::decrease_reservation(xen::domid_self, gfn.data(), 1, 0), 1), "a page goes back");
    edu.fill(warm, marker);
    edu.write(where(page), Edu::most_bytes);
    expect_unreadable(edu, where(page), "and is out of reach");
    report(equal(memory_operation::populate_physmap(xen::domid_self, gfn.data(), 1, 0), 1), "another comes");
    report(!all(page, marker) && !all(page, secret), "with nothing of the old");
    edu.fill(warm, secret);
    edu.write(where(page), Edu::most_bytes);
    report(all(page, secret), "and is within reach");
}

void grants_end(Edu& edu)
{
    constexpr u16 self = 0;
    auto page = new_page(), source = new_page();
    u64 const window = unused_gfn(0) << page_shift;
    auto const reference = grants::grant(self, gfn_of(page.data()));
    auto const mapped = grants::map(window, map_flag::host_map, reference, self);
    report(grants::is(mapped.status, xen::GrantStatus::Okay), "a grant is mapped");
    edu.fill(source, secret);
    edu.write(window, Edu::most_bytes);
    report(all(page, secret), "the device writes through it");
    report(grants::is(grants::unmap(window, mapped.handle).status, xen::GrantStatus::Okay), "unmapped");
    edu.fill(source, marker);
    edu.write(window, Edu::most_bytes);
    attack(window);
    report(all(page, secret), "it writes through it no longer");
    expect_unreadable(edu, window, "nor reads");

    auto const readonly = grants::map(window, map_flag::host_map | map_flag::readonly, reference, self);
    report(grants::is(readonly.status, xen::GrantStatus::Okay), "mapped for reading");
    edu.fill(source, marker);
    edu.write(window, Edu::most_bytes);
    report(all(page, secret), "it does not write");
    edu.read(window, Edu::most_bytes);
    edu.show(source);
    report(all(source, secret), "it reads");
    report(grants::is(grants::unmap(window, readonly.handle).status, xen::GrantStatus::Okay), "unmapped again");
}

void interrupt_controllers(Edu& edu)
{
    auto page = new_page();
    edu.fill(page, marker);
    attack(io_apic);
    edu.write(io_apic, 16);
    edu.write(interrupt_requests, 16);
    expect_unreadable(edu, io_apic, "the I/O APIC is out of reach");
}

/// A card that is refused again and again. Where that is reported, it is cut off; other devices go on, and so do we.
void storm(Edu& edu)
{
    auto card = Card::find();
    if (!card) return skip("no e1000");
    auto page = new_page();
    report(card->send(where(page)), "a card sends from a page");
    constexpr u32 most = 20'000, between_looks = 64;
    for (u32 i = 0; i != most && (i % between_looks != 0 || card->function().may_do_dma()); ++i)
        card->send(hypervisor_image);
    own_memory(edu);
    if (card->function().may_do_dma()) return skip("nobody has noticed the storm");
    report(!card->send(where(page)), "after a storm it sends no more");
    card->function().switch_on();
    report(!card->send(where(page)), "nor when it is switched on again");
}

void run()
{
    auto edu = Edu::find();
    if (!edu) return skip("no edu device");
    own_memory(*edu);
    hypervisor(*edu);
    given_back(*edu);
    grants_end(*edu);
    memory_of_another(*edu);
    interrupt_controllers(*edu);
    own_memory(*edu);
    storm(*edu);
}

}

constinit Guest const this_guest{"dma_attack", run};

}
