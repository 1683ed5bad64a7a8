// SPDX-License-Identifier: MIT
/// Threads are interrupted where it suits nobody. The host's scheduler hardly ever takes a thread's CPU away in a
/// window of some instructions, a busy or virtual machine does. The compiler calls the functions here at each entry of
/// a function and each return from one, inlined or not (-finstrument-functions); now and then they let all others run.
#include <sched.h>

#include "kernel/lib/integers.hpp"

namespace {

/// Of so many entries and returns, about one is an interruption.
constexpr hospes::u32 seldom = 4096;
/// Others have the CPU so many times meanwhile, at most.
constexpr hospes::u32 longest = 32;

thread_local hospes::u32 state = 0;

/// Marsaglia's xorshift, from a start of its own in each thread.
[[gnu::no_instrument_function]] hospes::u32 draw()
{
    if (state == 0) state = static_cast<hospes::u32>(reinterpret_cast<hospes::u64>(&state) >> 4) | 1;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

[[gnu::no_instrument_function]] void interrupt_perhaps()
{
    hospes::u32 const drawn = draw();
    if (drawn % seldom != 0) return;
    for (hospes::u32 left = drawn / seldom % longest; left != 0; --left) sched_yield();
}

}

extern "C" {
[[gnu::no_instrument_function]] void __cyg_profile_func_enter(void*, void*) { interrupt_perhaps(); }
[[gnu::no_instrument_function]] void __cyg_profile_func_exit(void*, void*) { interrupt_perhaps(); }
}
