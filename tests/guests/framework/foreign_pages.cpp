// SPDX-License-Identifier: MIT
#include "tests/guests/framework/foreign_pages.hpp"

#include <algorithm>
#include <array>

#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/per_cpu.hpp"
#include "tests/guests/framework/smp.hpp"

namespace hospes::test {
namespace {

constexpr u64 window_offset = 0x400; // into the hole that unused_gfn() knows

/// The lists of one call.
struct Lists {
    std::array<u64, ForeignPages::most> indexes, gfns;
    std::array<s32, ForeignPages::most> errors;
};
constinit std::array<Lists, max_cpus> lists_of_cpus{};

}

ForeignPages::ForeignPages(u16 domain, u64 first, u64 count)
    : window_{unused_gfn(window_offset + cpu_index() * most)}, count_{count}
{
    auto& [indexes, gfns, errors] = lists_of_cpus[cpu_index()];
    errors = {};
    for (u64 i = 0; i != count; ++i) {
        indexes[i] = first + i;
        gfns[i] = window_ + i;
    }
    xen::AddToPhysmapBatch request{};
    request.domain = xen::domid_self;
    request.space = static_cast<u16>(xen::MapSpace::GmfnForeign);
    request.size = static_cast<u16>(count);
    request.foreign_domain = domain;
    request.indexes = {address(indexes.data())};
    request.gfns = {address(gfns.data())};
    request.errors = {address(errors.data())};
    s64 const result = hypercall(xen::Hypercall::MemoryOp, xen::MemoryCommand::AddToPhysmapBatch, &request);
    complete_ = result == 0 && std::ranges::all_of(errors, [](s32 error) { return error == 0; });
}

ForeignPages::~ForeignPages()
{
    for (u64 i = 0; i != count_; ++i)
        static_cast<void>(memory_operation::remove_from_physmap(xen::domid_self, window_ + i));
}

u8* ForeignPages::bytes() const
{
    if (!complete_) abandon("a page of the other domain cannot be mapped");
    return reinterpret_cast<u8*>(window_ << page_shift);
}

u32 volatile& ForeignPages::first_word(u64 page) const
{
    return *reinterpret_cast<u32 volatile*>(bytes() + page * page_size);
}

}
