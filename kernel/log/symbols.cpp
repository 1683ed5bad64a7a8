// SPDX-License-Identifier: MIT
/// Backtraces by frame pointers, with names from the table that the second link adds (boot/symbol_table.awk). The table
/// is read from its beginning: it is small rather than fast.
#include "kernel/log/symbols.hpp"

#include <span>

#include "kernel/log/log.hpp"

namespace hospes {
namespace {

extern "C" {
extern char const text_start[], text_end[]; // linker.ld
extern u64 const symbol_count;              // boot/symbol_table.awk
extern u16 const symbol_distances[];        // from function to function, the first from text_start
extern char const symbol_names[];           // one behind the other, each with a zero
}

/// What `push %rbp; mov %rsp, %rbp` leaves on the stack.
struct StackFrame {
    u64 caller;
    u64 return_address;
};

constexpr unsigned deepest_backtrace = 32;
constexpr u64 largest_frame = 64 * kib;
constexpr u64 lowest_kernel_address = 0xffff'8000'0000'0000;

bool is_code(u64 address)
{
    return address >= reinterpret_cast<u64>(text_start) && address < reinterpret_cast<u64>(text_end);
}

/// A damaged stack must not make us fault: frames lie above each other, near each other, and in kernel space.
bool is_plausible(u64 frame, u64 below)
{
    return frame % sizeof(u64) == 0 && frame >= lowest_kernel_address && frame > below &&
           (below == 0 || frame - below < largest_frame);
}

void log_place(u64 address)
{
    SymbolPlace const place = find_symbol(address);
    log_error("    {:x} {}+{:x}", address, place.name.empty() ? "(unknown)" : place.name, place.offset);
}

}

SymbolPlace find_symbol(u64 address)
{
    if (!is_code(address)) return {};
    SymbolPlace found;
    u64 start = reinterpret_cast<u64>(text_start);
    char const* name = symbol_names;
    for (u16 const distance : std::span{symbol_distances, symbol_count}) {
        start += distance;
        if (start > address) break;
        found = {std::string_view{name}, address - start};
        name += found.name.size() + 1;
    }
    return found;
}

void log_backtrace(u64 instruction, u64 frame)
{
    log_error("called by:");
    log_place(instruction);
    u64 below = 0;
    for (unsigned depth = 0; depth < deepest_backtrace && is_plausible(frame, below); ++depth) {
        StackFrame const held = *reinterpret_cast<StackFrame const*>(frame);
        if (held.return_address == 0) break;
        log_place(held.return_address);
        below = frame;
        frame = held.caller;
    }
}

}
