// SPDX-License-Identifier: MIT
/// From entry.S to the test: CPU tables, hypercalls, console, then the guest's run().

#include "tests/guests/framework/start.hpp"

#include <algorithm>
#include <charconv>

#include "kernel/abi/xen/version.hpp"
#include "kernel/lib/address.hpp"
#include "tests/guests/framework/console.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/per_cpu.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/toolstack.hpp"

extern "C" [[noreturn]] void guest_start(hospes::xen::StartInfo const*);
extern "C" void (*const init_array_begin[])();
extern "C" void (*const init_array_end[])();

namespace hospes::test {
namespace {

constinit xen::StartInfo const* info = nullptr;

/// QEMU cannot run guests on its first CPU while each CPU has a thread: tests/tools/emulator.py.
void leave_first_cpu()
{
    for (u32 vcpu = 0; vcpu != cpu_count(); ++vcpu)
        if (!keep_off_first_cpu(0, vcpu)) abandon("cannot leave the first CPU");
    (void)schedule::yield();
}

}

xen::StartInfo const& start_info() { return *info; }

std::string_view command_line()
{
    if (info->command_line_address == 0) return {};
    return reinterpret_cast<char const*>(info->command_line_address);
}

bool has_argument(std::string_view word)
{
    for (auto rest = command_line(); !rest.empty();) {
        auto length = std::min(rest.find(' '), rest.size());
        if (rest.substr(0, length) == word) return true;
        rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    return false;
}

u64 argument(std::string_view name, u64 otherwise)
{
    auto line = command_line();
    auto where = line.find(name);
    if (where == std::string_view::npos || where + name.size() >= line.size() || line[where + name.size()] != '=') {
        return otherwise;
    }
    u64 value = otherwise;
    std::from_chars(line.data() + where + name.size() + 1, line.data() + line.size(), value);
    return value;
}

bool on_hospes()
{
    xen::ExtraVersion extra{};
    (void)hypercall(xen::Hypercall::XenVersion, xen::VersionCommand::ExtraVersion, &extra);
    return std::string_view{extra.text.data(), extra.text.size()}.find("ospes") != std::string_view::npos;
}

bool is_dom0() { return (info->flags & xen::start_info_flag::initial_domain) != 0; }

bool is_loaded() { return has_argument("loaded"); }

u32 cpu_count()
{
    u32 count = 1;
    while (count != max_cpus && vcpu_operation::is_up(count) >= 0) ++count;
    return count;
}

}

void guest_start(hospes::xen::StartInfo const* start)
{
    using namespace hospes::test;
    info = start;
    set_up_cpu(0);
    choose_hypercall_instruction();
    for (auto const* function = init_array_begin; function != init_array_end; ++function) (*function)();
    open_console();
    if (!is_loaded()) print("guest ", this_guest.name, is_dom0() ? " as dom0" : " as guest", "\n");
    if (is_dom0() && has_argument("threads")) leave_first_cpu();
    this_guest.run();
    finish();
}
