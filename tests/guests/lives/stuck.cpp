// SPDX-License-Identifier: MIT
/// Guests whose CPU cannot deliver an exception, however often it tries: the stack is where nothing can be stored. Each
/// try ends in the hypervisor before the guest has executed an instruction; the CPU must be everybody's all the same.

#include "kernel/abi/xen/grant_table.hpp"
#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/lives/story.hpp"

namespace hospes::test {
namespace {

/// An undefined instruction, with the stack below `end`.
[[noreturn]] void fault_with_stack_below(u64 end)
{
    say_ready();
    asm volatile("mov %0, %%rsp; ud2" : : "r"(end));
    __builtin_unreachable();
}

}

void stuck_in_a_hole() { fault_with_stack_below(hole(1)); }

void stuck_in_a_device()
{
    apic::enable();
    fault_with_stack_below((read_msr(apic::base_msr) & ~u64{page_size - 1}) + page_size);
}

void stuck_in_a_read_only_page()
{
    static u8* const page = allocate_pages();
    u32 const reference = grants::grant(own_id(), gfn_of(page));
    auto const mapped =
        grants::map(hole(0), xen::grant_map_flag::host_map | xen::grant_map_flag::readonly, reference, own_id());
    if (mapped.status != xen::GrantStatus::Okay) abandon("a page cannot be mapped to be read only");
    fault_with_stack_below(hole(1));
}

}
