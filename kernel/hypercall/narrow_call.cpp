// SPDX-License-Identifier: MIT
/// Widens what a 32-bit caller hands over, and narrows what it gets back.
#include "kernel/hypercall/narrow_call.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/counters.hpp"
#include "kernel/hypercall/guest_memory.hpp"

namespace hospes {

namespace {

// An address of a window: bit 62, which makes it not canonical, so that no kind of guest has memory there; the window's
// slot; and how far it is into the window.
constexpr u64 window_mark = u64{1} << 62;
constexpr unsigned slot_shift = 40;
constexpr u64 offset_mask = (u64{1} << slot_shift) - 1;
static_assert(end_of_short_addresses * compat::most_wide_bytes <= offset_mask + 1, "an array is inside its window");

/// Rules by the call's number; null: refused.
constexpr auto rules = [] {
    std::array<compat::CallRule const*, hypercall_numbers> by_number{};
    for (compat::CallRule const& rule : compat::calls) by_number[static_cast<u32>(rule.number)] = &rule;
    return by_number;
}();

compat::CommandRule const* find_command(compat::CallRule const& rule, u32 first_argument)
{
    u32 const command = first_argument & rule.command_mask;
    auto const found = std::ranges::find(rule.commands, command, &compat::CommandRule::command);
    return found == rule.commands.end() ? nullptr : &*found;
}

/// Errors keep their sign; a count that is too large for the caller is the largest it can see.
u32 narrow_result(u64 value)
{
    constexpr s64 largest = std::numeric_limits<s32>::max();
    return static_cast<u32>(std::min(static_cast<s64>(value), largest));
}

u64 load(u8 const* from, size_t bytes)
{
    u64 value = 0;
    std::memcpy(&value, from, bytes);
    return value;
}

}

NarrowCall::NarrowCall(Vcpu& caller) : caller_{caller} { caller.narrow_call = this; }
NarrowCall::~NarrowCall() { caller_.narrow_call = nullptr; }

// --- windows ---

u64 NarrowCall::open(u8 slot, u32 narrow, compat::Layout const& layout)
{
    windows_[slot] = {narrow, &layout};
    return window_mark | u64{slot} << slot_shift;
}

NarrowCall::Window const* NarrowCall::window_at(u64 wide) const
{
    u64 const slot = (wide & ~window_mark) >> slot_shift;
    bool const is_open = (wide & window_mark) != 0 && slot < windows && windows_[slot].layout;
    return is_open ? &windows_[slot] : nullptr;
}

u64 NarrowCall::narrowed(u64 wide) const
{
    Window const* const window = window_at(wide);
    if (!window) return wide;
    return window->narrow + (wide & offset_mask) / window->layout->wide_bytes * window->layout->narrow_bytes;
}

Expected<NarrowCall::Element> NarrowCall::element(u64 wide, size_t bytes) const
{
    Window const* const window = window_at(wide);
    if (!window) return failure(Error::BadAddress);
    compat::Layout const& layout = *window->layout;
    if ((wide & offset_mask) % layout.wide_bytes != 0 || bytes < layout.wide_bytes) return failure(Error::BadAddress);
    u64 const narrow = narrowed(wide);
    if (narrow + layout.narrow_bytes > end_of_short_addresses) return failure(Error::BadAddress);
    return Element{&layout, narrow};
}

Expected<> NarrowCall::read(std::span<u8> out, u64 wide)
{
    while (!out.empty()) {
        auto const from = element(wide, out.size());
        if (!from) return failure(from.error());
        std::array<u8, compat::most_wide_bytes> bytes;
        std::span const copy{bytes.data(), from->layout->narrow_bytes};
        if (auto const copied = copy_from_guest(caller_, copy, Gva{from->narrow}); !copied) return copied;
        widen(*from->layout, bytes.data(), out.data());
        out = out.subspan(from->layout->wide_bytes);
        wide += from->layout->wide_bytes;
    }
    return {};
}

Expected<> NarrowCall::write(u64 wide, std::span<u8 const> bytes)
{
    while (!bytes.empty()) {
        auto const to = element(wide, bytes.size());
        if (!to) return failure(to.error());
        std::array<u8, compat::most_wide_bytes> copy{};
        narrow(*to->layout, bytes.data(), copy.data());
        if (auto const copied =
                copy_to_guest(caller_, Gva{to->narrow}, std::span{copy}.first(to->layout->narrow_bytes));
            !copied)
            return copied;
        bytes = bytes.subspan(to->layout->wide_bytes);
        wide += to->layout->wide_bytes;
    }
    return {};
}

// --- structures ---

void NarrowCall::widen(compat::Layout const& layout, u8 const* narrow, u8* wide)
{
    using enum compat::MemberKind;
    std::memset(wide, 0, layout.wide_bytes);
    u8 array = FirstArray;
    for (compat::Member const& member : std::span{layout.members}.first(layout.count)) {
        u8 const* const from = narrow + member.narrow_at;
        u8* const to = wide + member.wide_at;
        if (member.kind == Plain) {
            std::memcpy(to, from, member.wide_bytes);
            continue;
        }
        for (size_t i = 0; i < member.narrow_bytes / compat::narrow_long; ++i) {
            u64 value = load(from + i * compat::narrow_long, compat::narrow_long);
            if (member.kind == Array) value = open(array, static_cast<u32>(value), *member.elements);
            std::memcpy(to + i * compat::wide_long, &value, sizeof value);
        }
        if (member.kind == Array) ++array;
    }
}

void NarrowCall::narrow(compat::Layout const& layout, u8 const* wide, u8* narrow) const
{
    using enum compat::MemberKind;
    for (compat::Member const& member : std::span{layout.members}.first(layout.count)) {
        u8 const* const from = wide + member.wide_at;
        u8* const to = narrow + member.narrow_at;
        if (member.kind == Plain) {
            std::memcpy(to, from, member.wide_bytes);
            continue;
        }
        for (size_t i = 0; i < member.narrow_bytes / compat::narrow_long; ++i) {
            u64 const value = load(from + i * compat::wide_long, compat::wide_long);
            u32 const low = static_cast<u32>(member.kind == Array ? narrowed(value) : value);
            std::memcpy(to + i * compat::narrow_long, &low, sizeof low);
        }
    }
}

// --- calls ---

HypercallArguments NarrowCall::widened(compat::CallRule const& rule, compat::CommandRule const* command,
                                       NarrowArguments const& arguments)
{
    HypercallArguments wide;
    std::ranges::copy(arguments, wide.value.begin());
    if (rule.arguments == compat::Arguments::TwoHalves) wide[0] |= wide[1] << 32;
    if (rule.arguments == compat::Arguments::Entries) wide[0] = open(Entries, arguments[0], compat::multicall_entry);
    if (command && command->structure)
        wide[rule.structure_at] = open(Structure, arguments[rule.structure_at], *command->structure);
    return wide;
}

/// What a call that is to be restarted has put into its arguments, as the caller's registers take it. False: they
/// cannot.
bool NarrowCall::take_back(HypercallArguments const& from, NarrowArguments& arguments) const
{
    if (from.progress != 0) return false;
    for (size_t i = 0; i < arguments.size(); ++i) {
        u64 const value = narrowed(from[i]);
        if (value >= end_of_short_addresses) return false;
        arguments[i] = static_cast<u32>(value);
    }
    return true;
}

HypercallResult NarrowCall::run(u64 number, NarrowArguments& arguments, Dispatch dispatch)
{
    compat::CallRule const* const rule = number < hypercall_numbers ? rules[number] : nullptr;
    compat::CommandRule const* command = nullptr;
    if (rule && rule->arguments == compat::Arguments::Command) command = find_command(*rule, arguments[0]);
    if (!rule || (rule->arguments == compat::Arguments::Command && !command)) {
        if (number < hypercall_numbers) ++hypercall_counters.mine()[number];
        return HypercallResult::of(Error::NotImplemented);
    }
    HypercallArguments wide = widened(*rule, command, arguments);
    HypercallResult result = dispatch(caller_, number, wide);
    if (result.restart && !take_back(wide, arguments)) result = HypercallResult::of(Error::BadAddress);
    result.value = narrow_result(result.value);
    return result;
}

HypercallResult NarrowCall::dispatch_inner(u64 number, HypercallArguments& arguments)
{
    NarrowArguments narrow;
    for (size_t i = 0; i < narrow.size(); ++i) narrow[i] = static_cast<u32>(arguments[i]);
    HypercallResult const result = run(number, narrow, dispatch_inner_hypercall);
    if (result.restart) std::ranges::copy(narrow, arguments.value.begin());
    return result;
}

NarrowResult dispatch_narrow_hypercall(Vcpu& caller, u32 number, NarrowArguments& arguments)
{
    NarrowCall call{caller};
    HypercallResult const result = call.run(number, arguments, dispatch_hypercall);
    return {.value = static_cast<u32>(result.value), .restart = result.restart};
}

}
