// SPDX-License-Identifier: MIT
#include "tests/guests/framework/foreign_pages.hpp"

#include <algorithm>
#include <array>

#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"

namespace hospes::test {
namespace {

constexpr u64 window_offset = 0x400; // into the hole that unused_gfn() knows

}

ForeignPages::ForeignPages(u16 domain, u64 first, u64 count) : window_{unused_gfn(window_offset)}, count_{count}
{
    static std::array<u64, most> indexes, gfns;
    static std::array<s32, most> errors;
    for (u64 i = 0; i != count; ++i) {
        indexes[i] = first + i;
        gfns[i] = window_ + i;
        errors[i] = 0;
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
    if (result != 0 || std::ranges::any_of(errors, [](s32 error) { return error != 0; }))
        abandon("a page of the other domain cannot be mapped");
}

ForeignPages::~ForeignPages()
{
    for (u64 i = 0; i != count_; ++i)
        static_cast<void>(memory_operation::remove_from_physmap(xen::domid_self, window_ + i));
}

u8* ForeignPages::bytes() const { return reinterpret_cast<u8*>(window_ << page_shift); }

u32 volatile& ForeignPages::first_word(u64 page) const
{
    return *reinterpret_cast<u32 volatile*>(bytes() + page * page_size);
}

}
