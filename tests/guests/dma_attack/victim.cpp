// SPDX-License-Identifier: MIT
#include "tests/guests/dma_attack/victim.hpp"

#include <algorithm>
#include <cstring>

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/foreign_pages.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"

extern "C" char const victim_program[], victim_program_end[];

namespace hospes::test {
namespace {

constexpr u32 large_order = 9;
constexpr u64 memory_mib = 64 * kib; // more than there is
constexpr u64 program_page = 0, first_page = 1;

void write_program(u16 domain)
{
    ForeignPages const pages{domain, program_page, 1};
    std::memcpy(pages.bytes(), victim_program, static_cast<size_t>(victim_program_end - victim_program));
}

}

std::optional<Victim> Victim::create()
{
    auto domain = OtherDomain::create(memory_mib);
    if (!domain) return std::nullopt;
    Victim victim{std::move(*domain)};
    victim.take_all_memory();
    if (!victim.start()) return std::nullopt;
    return victim;
}

void Victim::take_all_memory()
{
    while (domain_.populate(pages_, large_order)) pages_ += u64{1} << large_order;
}

bool Victim::start() const
{
    if (pages_ <= first_page) return false;
    write_program(domain_.id());
    xen::HvmCpu registers = flat_registers();
    registers.rip = program_page << page_shift;
    registers.rbx = first_page << page_shift;
    registers.rcx = pages_ << page_shift;
    return domain_.load_registers(registers) == 0 && domain_.unpause() == 0;
}

u32 Victim::rounds() const { return ForeignPages{domain_.id(), first_page, 1}.first_word(0); }

/// The second round from now on is a whole one.
bool Victim::runs() const
{
    u32 const wanted = rounds() + 2;
    for (u64 const deadline = now() + 30 * second; now() < deadline; schedule::yield())
        if (rounds() >= wanted) return true;
    return false;
}

/// Those it has not come to in this round lag behind by one.
u64 Victim::count_others_than(u32 rounds) const
{
    u64 others = 0;
    for (u64 first = first_page; first < pages_; first += ForeignPages::most) {
        u64 const count = std::min(ForeignPages::most, pages_ - first);
        ForeignPages const pages{domain_.id(), first, count};
        for (u64 i = 0; i != count; ++i) {
            u32 const seen = pages.first_word(i);
            others += seen != rounds && seen != rounds - 1;
        }
    }
    return others;
}

u64 Victim::count_changed() const
{
    if (domain_.pause() != 0) abandon("the other domain cannot be paused");
    u64 const changed = count_others_than(rounds());
    if (domain_.unpause() != 0) abandon("the other domain cannot go on");
    return changed;
}

}
