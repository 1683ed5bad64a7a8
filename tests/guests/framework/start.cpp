// SPDX-License-Identifier: MIT
/// From entry.S to the test: CPU tables, hypercalls, console, then the guest's run().

#include "tests/guests/framework/start.hpp"

#include "kernel/lib/address.hpp"
#include "tests/guests/framework/console.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/per_cpu.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"

extern "C" [[noreturn]] void guest_start(hospes::xen::HvmStartInfo const*);
extern "C" void (*const init_array_begin[])();
extern "C" void (*const init_array_end[])();

namespace hospes::test {
namespace {

constinit xen::HvmStartInfo const* info = nullptr;

}

xen::HvmStartInfo const& start_info() { return *info; }

std::string_view command_line()
{
    if (info->cmdline_paddr == 0) return {};
    return reinterpret_cast<char const*>(info->cmdline_paddr);
}

bool is_dom0() { return (info->flags & xen::sif_initdomain) != 0; }

u32 cpu_count()
{
    u32 count = 1;
    while (count != max_cpus && vcpu_operation::is_up(count) >= 0) ++count;
    return count;
}

}

void guest_start(hospes::xen::HvmStartInfo const* start)
{
    using namespace hospes::test;
    info = start;
    set_up_cpu(0);
    choose_hypercall_instruction();
    for (auto const* function = init_array_begin; function != init_array_end; ++function) (*function)();
    open_console();
    print("guest ", this_guest.name, is_dom0() ? " as dom0" : " as guest", "\n");
    this_guest.run();
    finish();
}
