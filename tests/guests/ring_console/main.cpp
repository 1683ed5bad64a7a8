// SPDX-License-Identifier: MIT
/// Rule: a guest's console ring carries every byte in both directions, in order, however full it gets.
/// Failure looks like `xl console` with holes. With echo=N on the command line it sends back N lines that are typed.

#include "tests/guests/framework/console.hpp"

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/text.hpp"

namespace hospes::test {
namespace {

void many_lines()
{
    constexpr u32 lines = 200; // several times the ring
    for (u32 line = 0; line != lines; ++line) print("ring_console line ", 1000 + line, "\n");
    report(true, "200 lines written");
}

/// One typed line, without its end; empty after `timeout_ns`.
Text<128> typed_line(u64 timeout_ns)
{
    Text<128> line;
    auto deadline = now() + timeout_ns;
    while (now() < deadline) {
        int character = read_console();
        if (character < 0) {
            (void)schedule::yield();
        } else if (character == '\r' || character == '\n') {
            return line;
        } else {
            char one = static_cast<char>(character);
            line.add(std::string_view{&one, 1});
        }
    }
    return {};
}

void echo()
{
    u64 lines = argument("echo", 0);
    if (lines == 0) return skip("no echo asked for");
    print("ring_console: type\n");
    for (u64 line = 0; line != lines; ++line) {
        auto text = typed_line(60 * second);
        print("echo: ", text.view(), "\n");
        report(!text.view().empty(), "a line was typed");
    }
}

void run()
{
    many_lines();
    echo();
}

}

constinit Guest const this_guest{"ring_console", run};

}
