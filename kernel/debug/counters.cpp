// SPDX-License-Identifier: MIT
/// The families of counters, and one table of them as lines of the log.
#include "kernel/debug/counters.hpp"

#include <algorithm>
#include <array>

#include "kernel/arch/cpu.hpp"
#include "kernel/arch/exit_counters.hpp"
#include "kernel/counters/happening.hpp"
#include "kernel/hypercall/counters.hpp"
#include "kernel/log/log.hpp"

namespace hospes {

namespace {

template <auto& counters>
std::span<Counter> of_cpu(unsigned cpu)
{
    return counters.of(cpu);
}

/// Over all CPUs.
u64 total_of(CounterFamily const& family, size_t number)
{
    u64 total = 0;
    for (unsigned cpu = 0; cpu < arch::cpu_count(); ++cpu) total += family.of_cpu(cpu)[number].value();
    return total;
}

/// Puts as many counts into a line of the log as fit a screen.
class CountLine {
public:
    explicit CountLine(CounterFamily const& family) : family_{family} {}
    CountLine(CountLine const&) = delete;
    CountLine& operator=(CountLine const&) = delete;
    ~CountLine() { write(); }

    void add(size_t number, u64 total)
    {
        std::array<char, 48> text;
        FormatArguments<2> const arguments{family_.name_of(number), total};
        std::string_view const item = format_into(text, " {} {},", arguments.span());
        if (used_ + item.size() > line_.size()) write();
        std::ranges::copy(item, line_.begin() + used_);
        used_ += item.size();
    }

private:
    void write()
    {
        if (used_ > 0) log_info("{}:{}", family_.name, std::string_view{line_}.substr(0, used_ - 1));
        used_ = 0;
    }

    CounterFamily const& family_;
    std::array<char, 68> line_;
    size_t used_ = 0;
};

}

std::span<CounterFamily const> counter_families()
{
    static constexpr std::array families{
        CounterFamily{"exit", arch::exit_counters_of, arch::exit_name},
        CounterFamily{"hypercall", of_cpu<hypercall_counters>, hypercall_name},
        CounterFamily{"done", of_cpu<happening_counters>, happening_name},
    };
    return families;
}

void reset_counters()
{
    for (CounterFamily const& family : counter_families())
        for (unsigned cpu = 0; cpu < arch::cpu_count(); ++cpu)
            for (Counter& counter : family.of_cpu(cpu)) counter.reset();
}

/// The position counts the counters of all families.
bool show_counters(u32& position, Budget& budget)
{
    u32 here = 0;
    bool is_spent = false;
    for (CounterFamily const& family : counter_families()) {
        CountLine line{family};
        for_each_counter(family, [&](size_t number) {
            if (here++ < position || is_spent) return;
            if (u64 const total = total_of(family, number); total > 0) line.add(number, total);
            position = here;
            is_spent = budget.is_spent();
        });
    }
    return position == here;
}

void show_counters()
{
    for (u32 position = 0;;) {
        Budget budget;
        if (show_counters(position, budget)) return;
    }
}

}
