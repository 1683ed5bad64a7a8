// SPDX-License-Identifier: MIT
/// One table of all options: name, what a value looks like, how it is parsed, what it does.
#include "kernel/options/command_line.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "kernel/abi/xen/versions.hpp"
#include "kernel/options/parse_values.hpp"

namespace hospes {
namespace {

/// Stores the value; false if it makes no sense.
using Parser = bool (*)(std::string_view value, Options& options);

struct Option {
    std::string_view name;
    std::string_view values;
    Parser parse;
    std::string_view help;
};

bool ignore(std::string_view, Options&) { return true; }

template <auto member>
bool flag(std::string_view value, Options& options)
{
    std::optional<bool> const answer = value.empty() ? true : parse_boolean(value);
    bool const wanted = answer.value_or(false);
    if (answer) options.*member = wanted;
    return answer.has_value();
}

template <auto member>
bool inverted_flag(std::string_view value, Options& options)
{
    if (!flag<member>(value, options)) return false;
    options.*member = !(options.*member);
    return true;
}

template <auto member>
bool number(std::string_view value, Options& options)
{
    std::optional<u64> const wanted = parse_number(value);
    if (!wanted || *wanted > std::numeric_limits<u32>::max()) return false;
    options.*member = static_cast<u32>(*wanted);
    return true;
}

/// Sizes without a letter are KiB, as in Xen.
template <auto member>
bool size(std::string_view value, Options& options)
{
    std::optional<u64> const wanted = parse_size(value, kib);
    if (wanted) options.*member = *wanted;
    return wanted.has_value();
}

std::optional<MemoryAmount> parse_amount(std::string_view text)
{
    MemoryAmount amount{.given = true};
    if (text.starts_with('-')) {
        amount.negative = true;
        text.remove_prefix(1);
    }
    if (text.contains('%')) {
        std::optional<u64> const percent = parse_number(take_until(text, '%'));
        if (!percent || *percent > 100) return std::nullopt;
        amount.percent = static_cast<u8>(*percent);
        if (text.empty()) return amount;
        if (!text.starts_with('+')) return std::nullopt;
        text.remove_prefix(1);
    }
    std::optional<u64> const bytes = parse_size(text, kib);
    if (!bytes) return std::nullopt;
    amount.bytes = *bytes;
    return amount;
}

bool dom0_memory(std::string_view value, Options& options)
{
    Dom0Memory wanted = options.dom0_memory;
    while (!value.empty()) {
        std::string_view part = take_until(value, ',');
        MemoryAmount* which = &wanted.size;
        if (part.starts_with("min:")) which = &wanted.minimum;
        if (part.starts_with("max:")) which = &wanted.maximum;
        if (which != &wanted.size) part.remove_prefix(4);
        std::optional<MemoryAmount> const amount = parse_amount(part);
        if (!amount) return false;
        *which = *amount;
    }
    options.dom0_memory = wanted;
    return true;
}

/// "4" or "2-4".
bool dom0_vcpus(std::string_view value, Options& options)
{
    bool const is_range = value.contains('-');
    std::optional<u64> const first = parse_number(take_until(value, '-'));
    std::optional<u64> const last = is_range ? parse_number(value) : first;
    constexpr u64 limit = 1024;
    if (!first || !last || *last == 0 || *last > limit || *first > *last) return false;
    options.dom0_vcpus = {is_range ? static_cast<u32>(*first) : 0, static_cast<u32>(*last)};
    return true;
}

bool console(std::string_view value, Options& options)
{
    struct Name {
        std::string_view name;
        ConsoleChoice choice;
    };
    constexpr std::array names{Name{"com1", ConsoleChoice::Com1}, Name{"com2", ConsoleChoice::Com2},
                               Name{"vga", ConsoleChoice::Vga}, Name{"none", ConsoleChoice::None}};
    Consoles wanted{.choices = 0};
    while (!value.empty()) {
        auto const found = std::ranges::find(names, take_until(value, ','), &Name::name);
        if (found == names.end()) return false;
        wanted.add(found->choice);
    }
    options.consoles = wanted;
    options.consoles_chosen = true;
    return true;
}

/// "115200", "auto", or either with "/" and the UART's clock.
bool parse_rate(std::string_view text, SerialPort& port)
{
    std::string_view const rate = take_until(text, '/');
    std::optional<u64> const baud = rate == "auto" ? 0 : parse_number(rate);
    constexpr u64 fastest = 4'000'000;
    if (!baud || *baud > fastest) return false;
    port.baud = static_cast<u32>(*baud);
    if (text.empty()) return true;
    std::optional<u64> const clock = parse_number(text);
    if (!clock || *clock < 16 || *clock > 1'000'000'000) return false;
    port.clock_hz = static_cast<u32>(*clock);
    return true;
}

/// "8n1": data bits, parity, stop bits.
bool parse_frame(std::string_view text, SerialPort& port)
{
    if (text.size() != 3 || text[0] < '5' || text[0] > '8' || text[2] < '1' || text[2] > '2') return false;
    if (!std::string_view{"noems"}.contains(text[1])) return false;
    port.data_bits = static_cast<u8>(text[0] - '0');
    port.parity = text[1];
    port.stop_bits = static_cast<u8>(text[2] - '0');
    return true;
}

template <auto member>
bool serial_port(std::string_view value, Options& options)
{
    SerialPort port = options.*member;
    constexpr std::string_view no_value;
    auto const next = [&] { return value.empty() ? no_value : take_until(value, ','); };
    if (auto const rate = next(); !rate.empty() && !parse_rate(rate, port)) return false;
    if (auto const frame = next(); !frame.empty() && !parse_frame(frame, port)) return false;
    if (auto const base = next(); !base.empty()) {
        std::optional<u64> const number = parse_number(base);
        if (!number || *number > 0xfff8) return false; // the last place where a UART's 8 ports fit
        port.io_base = static_cast<u16>(*number);
    }
    if (auto const irq = next(); !irq.empty()) {
        std::optional<u64> const number = parse_number(irq);
        if (!number || *number > 255) return false;
        port.irq = static_cast<u8>(*number);
    }
    port.configured = true;
    options.*member = port;
    return true;
}

std::optional<u8> level_count(std::string_view name)
{
    constexpr std::array<std::string_view, 5> names{"none", "error", "warning", "info", "debug"};
    if (name == "all") return u8{names.size() - 1};
    auto const found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return static_cast<u8>(found - names.begin());
}

/// "level" or "level/rate-limited level".
template <auto member>
bool log_level(std::string_view value, Options& options)
{
    std::optional<u8> const always = level_count(take_until(value, '/'));
    std::optional<u8> const limited = value.empty() ? always : level_count(value);
    if (!always || !limited) return false;
    options.*member = {*always, std::max(*always, *limited)};
    return true;
}

bool iommu(std::string_view value, Options& options)
{
    struct Name {
        std::string_view name;
        bool IommuOptions::* member;
    };
    constexpr std::array names{Name{"verbose", &IommuOptions::verbose}, Name{"force", &IommuOptions::required},
                               Name{"required", &IommuOptions::required},
                               Name{"intremap", &IommuOptions::interrupt_remapping}};
    IommuOptions wanted = options.iommu;
    while (!value.empty()) {
        std::string_view part = take_until(value, ',');
        if (auto const enabled = parse_boolean(part)) {
            wanted.enabled = *enabled;
            continue;
        }
        bool const positive = !part.starts_with("no-");
        if (!positive) part.remove_prefix(3);
        auto const found = std::ranges::find(names, part, &Name::name);
        if (found != names.end()) wanted.*found->member = positive; // the others tune Xen's own driver
    }
    options.iommu = wanted;
    return true;
}

/// The toolstack can be told only what it knows; ours is called by the name of the default.
bool scheduler(std::string_view value, Options&) { return value == "credit2"; }

/// Debian's tools choose among themselves by what the hypervisor says of its version.
bool toolstack(std::string_view value, Options& options)
{
    std::optional<u64> const major = parse_number(take_until(value, '.'));
    std::optional<u64> const minor = parse_number(value);
    if (major != xen::xen_major || !minor) return false;
    bool const answered = std::ranges::contains(xen::releases, *minor, &xen::Release::minor);
    if (answered) options.toolstack_minor = static_cast<u32>(*minor);
    return answered;
}

bool vga(std::string_view value, Options& options)
{
    options.keep_vga = value.contains("keep");
    return true;
}

constexpr std::string_view yes_or_no = "yes or no";
constexpr std::string_view a_number = "a number";
constexpr std::string_view a_size = "a size like 64k or 1M";
constexpr std::string_view levels = "none, error, warning, info, debug or all, two of them with a slash";
constexpr std::string_view a_port = "baud,8n1,port,irq, like 115200,8n1,0x3f8,4; baud may be auto";

constexpr std::array table{
    Option{"apicv", yes_or_no, flag<&Options::apic_virtualization>,
           "let the CPU serve guests' local APICs where it can; default: yes, but no in Bochs and QEMU"},
    Option{"com1", a_port, serial_port<&Options::com1>, "the first serial port"},
    Option{"com2", a_port, serial_port<&Options::com2>, "the second serial port"},
    Option{"conring_size", a_size, size<&Options::console_ring_bytes>, "room for the text that xl dmesg shows"},
    Option{"console", "com1, com2, vga, none, with commas", console, "where the hypervisor's text goes"},
    Option{"console_timestamps", yes_or_no, flag<&Options::console_timestamps>, "time in front of each line"},
    Option{"console_to_ring", yes_or_no, flag<&Options::console_to_ring>, "dom0's text in xl dmesg, too"},
    Option{"dom0_max_vcpus", "a number or a range", dom0_vcpus, "virtual CPUs of dom0; default: all CPUs"},
    Option{"dom0_mem", "[min:size,][max:size,]size; a size may be 25%, 10%+1G or negative", dom0_memory,
           "memory of dom0; default: all but 1/16 or 128 MiB"},
    Option{"dom0_vcpus_pin", yes_or_no, flag<&Options::dom0_vcpus_pin>, "dom0's virtual CPUs stay on their CPU"},
    Option{"gnttab_max_frames", a_number, number<&Options::max_grant_frames>, "pages of a grant table, at most"},
    Option{"gnttab_max_maptrack_frames", a_number, number<&Options::max_maptrack_frames>,
           "pages for the record of mapped grants, at most"},
    Option{"guest_loglvl", levels, log_level<&Options::guest_log_level>, "which of guests' messages are shown"},
    Option{"hap_1gb", yes_or_no, flag<&Options::large_pages_1g>, "guests' memory in 1 GiB pages"},
    Option{"hap_2mb", yes_or_no, flag<&Options::large_pages_2m>, "guests' memory in 2 MiB pages"},
    Option{"iommu", "yes, no, verbose, force, no-intremap, with commas", iommu, "protection from devices' accesses"},
    Option{"loglvl", levels, log_level<&Options::log_level>, "which of the hypervisor's messages are shown"},
    Option{"maxcpus", a_number, number<&Options::max_cpus>, "use only so many CPUs"},
    Option{"mem", a_size, size<&Options::memory_limit>, "use only memory below this address"},
    Option{"noreboot", yes_or_no, flag<&Options::no_reboot>, "stay halted after a panic"},
    Option{"nosmp", yes_or_no, inverted_flag<&Options::smp>, "use one CPU only"},
    Option{"sched", "credit2", scheduler, "the scheduler"},
    Option{"sync_console", yes_or_no, flag<&Options::synchronous_console>,
           "the serial line shows everything, and whoever writes waits for it"},
    Option{"toolstack", "4.17 to 4.22", toolstack,
           "the release of Xen whose tools dom0 has, the number in /usr/lib/xen-*; default: 4.17"},
    Option{"vga", "keep", vga, "keep writing on the screen after dom0 has started"},
    Option{"x2apic", yes_or_no, flag<&Options::x2apic>, "use the local APIC by MSRs where possible"},

    // Xen's, without effect here: accepted quietly, so that nobody has to edit a working boot entry.
    Option{"acpi", {}, ignore, {}},
    Option{"apic", {}, ignore, {}},
    Option{"apic_verbosity", {}, ignore, {}},
    Option{"bootscrub", {}, ignore, {}},
    Option{"clocksource", {}, ignore, {}},
    Option{"cpufreq", {}, ignore, {}},
    Option{"cpuid", {}, ignore, {}},
    Option{"cpuidle", {}, ignore, {}},
    Option{"crashkernel", {}, ignore, {}},
    Option{"dom0", {}, ignore, {}},
    Option{"dom0-iommu", {}, ignore, {}},
    Option{"dom0_nodes", {}, ignore, {}},
    Option{"edd", {}, ignore, {}},
    Option{"edid", {}, ignore, {}},
    Option{"ept", {}, ignore, {}},
    Option{"gnttab", {}, ignore, {}},
    Option{"hap", {}, ignore, {}},
    Option{"max_cstate", {}, ignore, {}},
    Option{"pv", {}, ignore, {}},
    Option{"pv-l1tf", {}, ignore, {}},
    Option{"reboot", {}, ignore, {}},
    Option{"sched-gran", {}, ignore, {}},
    Option{"smt", {}, ignore, {}},
    Option{"spec-ctrl", {}, ignore, {}},
    Option{"tsc", {}, ignore, {}},
    Option{"ucode", {}, ignore, {}},
    Option{"watchdog", {}, ignore, {}},
    Option{"xpti", {}, ignore, {}},
    Option{"xsave", {}, ignore, {}},
};

Option const* find(std::string_view name)
{
    auto const found = std::ranges::find(table, name, &Option::name);
    return found == table.end() ? nullptr : &*found;
}

void parse_one(std::string_view word, Options& options, ComplaintHandler complain)
{
    std::string_view value = word;
    std::string_view name = take_until(value, '=');
    Option const* option = find(name);
    // "no-name" and "noname" are "name=no".
    if (option == nullptr && name.starts_with("no") && value.empty()) {
        name.remove_prefix(name.starts_with("no-") ? 3 : 2);
        option = find(name);
        value = "no";
    }
    if (option == nullptr)
        complain({word, {}});
    else if (!option->parse(value, options))
        complain({word, option->values});
}

std::string_view trimmed(std::string_view text)
{
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

}

Options parse_options(std::string_view line, ComplaintHandler complain)
{
    constexpr std::string_view divider = " -- ";
    Options options;
    size_t const end = std::min(line.find(divider), line.size());
    options.command_line = trimmed(line.substr(0, end));
    if (end < line.size()) options.dom0_command_line = trimmed(line.substr(end + divider.size()));
    std::string_view rest = options.command_line;
    while (!rest.empty())
        if (std::string_view const word = take_until(rest, ' '); !word.empty()) parse_one(word, options, complain);
    if (!options.consoles_chosen && options.com1.configured) options.consoles.add(ConsoleChoice::Com1);
    if (!options.consoles_chosen && options.com2.configured) options.consoles.add(ConsoleChoice::Com2);
    return options;
}

bool option_help(size_t index, OptionHelp& row)
{
    if (index >= table.size()) return false;
    row = {table[index].name, table[index].values, table[index].help};
    return true;
}

std::string_view strip_image_name(std::string_view line, std::string_view loader_name)
{
    constexpr std::string_view placeholder = "placeholder";
    line = trimmed(line);
    if (!loader_name.starts_with("GRUB 2")) static_cast<void>(take_until(line, ' '));
    line = trimmed(line);
    if (line == placeholder || (line.starts_with(placeholder) && line[placeholder.size()] == ' '))
        line.remove_prefix(placeholder.size());
    return trimmed(line);
}

}
