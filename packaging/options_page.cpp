// SPDX-License-Identifier: MIT
/// Writes the page about the hypervisor's options from its own table: `options_page man` for hospes-options(7),
/// `options_page markdown` for docs/options.md. Runs on the build machine.
#include <cstdio>
#include <cstring>
#include <string>

#include "kernel/options/command_line.hpp"

namespace {

using hospes::OptionHelp;

/// Characters that roff would take for commands.
std::string for_roff(std::string_view text)
{
    std::string out;
    for (char character : text) {
        if (character == '-' || character == '\\') out += '\\';
        out += character;
    }
    return out;
}

void write_man(OptionHelp const& row)
{
    std::printf(".TP\n\\fB%s\\fR=\\fI%s\\fR\n%s.\n", for_roff(row.name).c_str(), for_roff(row.values).c_str(),
                for_roff(row.help).c_str());
}

void write_markdown(OptionHelp const& row)
{
    std::string const name{row.name}, values{row.values}, help{row.help};
    std::printf("| `%s=` | %s | %s |\n", name.c_str(), values.c_str(), help.c_str());
}

template <typename Act>
void for_each_option(Act act)
{
    OptionHelp row;
    for (size_t index = 0; hospes::option_help(index, row); ++index) act(row);
}

std::string ignored_options()
{
    std::string names;
    for_each_option([&](OptionHelp const& row) {
        if (row.help.empty()) names += (names.empty() ? "" : ", ") + std::string{row.name};
    });
    return names;
}

constexpr char about[] =
    "Options are words behind the hypervisor's name in the boot loader's menu entry. Names and values are "
    "Xen's. A yes-or-no option may be written alone (x2apic), with a value (x2apic=off), or with no- in "
    "front (no-x2apic). Sizes take the letters K, M, G and T; without one they count KiB. An option "
    "that is not known, or whose value makes no sense, is reported in the log and has no effect. "
    "Words behind -- are added to dom0's command line.";

void man_page()
{
    std::printf(".TH HOSPES-OPTIONS 7 \"\" \"Hospes\" \"Hypervisor\"\n.SH NAME\nhospes-options \\- boot options of the "
                "hypervisor\n.SH DESCRIPTION\n%s\n.SH OPTIONS\n",
                for_roff(about).c_str());
    for_each_option([](OptionHelp const& row) {
        if (!row.help.empty()) write_man(row);
    });
    std::printf(".SH OPTIONS WITHOUT EFFECT\nThese options of Xen are accepted, so that working boot entries need no "
                "editing, and do nothing:\n%s.\n.SH SEE ALSO\n.BR hospes (8)\n",
                for_roff(ignored_options()).c_str());
}

void markdown_page()
{
    std::printf("# Boot options\n\n<!-- Written by `make docs` from kernel/options/command_line.cpp. -->\n\n%s\n\n"
                "| Option | Value | Meaning |\n|---|---|---|\n",
                about);
    for_each_option([](OptionHelp const& row) {
        if (!row.help.empty()) write_markdown(row);
    });
    std::printf("\nAccepted without effect, since working boot entries for Xen may hold them: %s.\n",
                ignored_options().c_str());
}

}

int main(int count, char** words)
{
    if (count == 2 && std::strcmp(words[1], "man") == 0) return man_page(), 0;
    if (count == 2 && std::strcmp(words[1], "markdown") == 0) return markdown_page(), 0;
    std::fprintf(stderr, "usage: options_page man|markdown\n");
    return 2;
}
