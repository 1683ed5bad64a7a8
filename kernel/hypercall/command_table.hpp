// SPDX-License-Identifier: MIT
/// The commands of a hypercall as a table: number, handler, who may. What all commands need stands here once: the
/// search, the right to make the command, and the way of a command's structure through private memory. A handler is
/// policy alone.
///
///     std::array rows{CommandRow{SetParam, taking<set_parameter>}, ...};
///     constexpr auto commands = command_table<rows>();
///     run_command(commands.find(number), caller, context, argument)
///
/// The handler's own type says what it is given; the word in the row says what is done with the structure T:
///
///     plain<f>      f(Context&)            nothing is copied
///     taking<f>     f(Context&, T const&)  T is copied in
///     answering<f>  f(Context&, T&)        T is copied in and, after success, out again
///     reporting<f>  f(Context&, T&)        the same, and out again after an error too
///     telling<f>    f(Context&, T&)        T is zero before and, after success, copied out
///
/// With f(Context&, Domain&, T...) the domain is the one that T::domain names.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "kernel/hypercall/table.hpp"

namespace hospes {

class Domain;

/// When a command's structure goes back to the guest.
enum class Answers : u8 { Never, AfterSuccess, Always };

/// One command, with the types of its handler forgotten, so that few functions open all of them. `taking` and its like
/// make them, and `enter` knows the types again.
struct Command {
    /// The way to the handler: what is asked and copied before, and what is copied after.
    using Opener = Expected<u64> (*)(Vcpu& caller, void* context, Command const& command, u64 argument);
    /// `named` is the domain that the structure names, `structure` the private copy.
    using Handler = Expected<u64> (*)(void* context, Domain* named, void* structure);

    Opener open;
    Handler handler = nullptr;
    u8 bytes = 0; ///< of the structure; 0: there is none
    bool copies_in = false;
    Answers answers = Answers::Never;
    bool names_domain = false;
    u8 domain_at = 0; ///< where in the structure
    Caller allowed = Caller::AnyDomain;
    u16 number = 0;
};

/// The largest structure there is room for. What is larger is not for every call's stack.
inline constexpr size_t largest_structure = 48;

/// For every command; NotPermitted comes before BadAddress.
Expected<u64> open_any(Vcpu& caller, void* context, Command const& command, u64 argument);
/// The same, faster, for one that only takes a structure.
Expected<u64> open_taking(Vcpu& caller, void* context, Command const& command, u64 argument);
/// For commands that do not exist.
Expected<u64> open_none(Vcpu& caller, void* context, Command const& command, u64 argument);

/// failure(error), out of line: where a fast path has the choice between an error and what a handler returns, that
/// stays in the registers in which it comes.
[[gnu::noinline]] Expected<u64> refused(Error error);

// --- from a handler's type to a row ---

template <typename Function>
struct HandlerTraits;

template <typename Result, typename ItsContext>
struct HandlerTraits<Result (*)(ItsContext&)> {
    using Context = ItsContext;
    static constexpr bool has_structure = false;
    static constexpr bool names_domain = false;
};

template <typename Result, typename ItsContext, typename T>
struct HandlerTraits<Result (*)(ItsContext&, T&)> {
    using Context = ItsContext;
    using Structure = T;
    static constexpr bool has_structure = true;
    static constexpr bool names_domain = false;
};

template <typename Result, typename ItsContext, typename T>
struct HandlerTraits<Result (*)(ItsContext&, Domain&, T&)> : HandlerTraits<Result (*)(ItsContext&, T&)> {
    static constexpr bool names_domain = true;
};

constexpr Expected<u64> as_value(Expected<u64> result) { return result; }
constexpr Expected<u64> as_value(Expected<> const& result)
{
    if (!result) return failure(result.error());
    return 0;
}

/// Gives a handler what it was given, with the types that it has.
template <auto handler>
Expected<u64> enter(void* context, [[maybe_unused]] Domain* named, [[maybe_unused]] void* structure)
{
    using Traits = HandlerTraits<decltype(handler)>;
    auto& its_context = *static_cast<typename Traits::Context*>(context);
    if constexpr (!Traits::has_structure)
        return as_value(handler(its_context));
    else if constexpr (Traits::names_domain)
        return as_value(handler(its_context, *named, *static_cast<typename Traits::Structure*>(structure)));
    else
        return as_value(handler(its_context, *static_cast<typename Traits::Structure*>(structure)));
}

/// The shortest way to a handler that wants nothing but its context.
template <auto handler>
Expected<u64> enter_plain(Vcpu&, void* context, Command const&, u64)
{
    return enter<handler>(context, nullptr, nullptr);
}

/// A command whose handler has this context.
template <typename Context>
struct CommandOf : Command {};

template <auto handler>
inline constexpr CommandOf<typename HandlerTraits<decltype(handler)>::Context> plain{
    {.open = enter_plain<handler>, .handler = enter<handler>}};

template <auto handler, bool copies_in, Answers answers>
consteval auto with_structure()
{
    using Traits = HandlerTraits<decltype(handler)>;
    using Structure = typename Traits::Structure;
    static_assert(std::is_trivially_copyable_v<Structure> && sizeof(Structure) <= largest_structure);
    static_assert(alignof(Structure) <= alignof(u64));
    static_assert(std::is_const_v<Structure> == (answers == Answers::Never), "who answers changes its structure");
    CommandOf<typename Traits::Context> command{{.open = open_any,
                                                 .handler = enter<handler>,
                                                 .bytes = sizeof(Structure),
                                                 .copies_in = copies_in,
                                                 .answers = answers,
                                                 .names_domain = Traits::names_domain}};
    if constexpr (Traits::names_domain) command.domain_at = offsetof(Structure, domain);
    if (copies_in && answers == Answers::Never && !Traits::names_domain) command.open = open_taking;
    return command;
}

template <auto handler>
inline constexpr auto taking = with_structure<handler, true, Answers::Never>();
template <auto handler>
inline constexpr auto answering = with_structure<handler, true, Answers::AfterSuccess>();
template <auto handler>
inline constexpr auto reporting = with_structure<handler, true, Answers::Always>();
template <auto handler>
inline constexpr auto telling = with_structure<handler, false, Answers::AfterSuccess>();

// --- tables ---

/// A mistake in a table calls one of these, which cannot be done at compile time: the table does not compile.
inline void a_command_stands_twice() {}
inline void who_may_name_the_domain() {}

/// A command with its number and who may make it.
template <typename ItsContext>
struct CommandRow : CommandOf<ItsContext> {
    using Context = ItsContext;

    /// No command.
    constexpr CommandRow() : CommandOf<ItsContext>{{.open = open_none}} {}
    /// A row whose handler gets the domain that is named says who may name one.
    template <typename Number>
    consteval CommandRow(Number its_number, CommandOf<ItsContext> command, Caller who = Caller::AnyDomain)
        : CommandOf<ItsContext>{command}
    {
        if (who == (command.names_domain ? Caller::AnyDomain : Caller::NamedDomain)) who_may_name_the_domain();
        this->number = static_cast<u16>(its_number);
        this->allowed = who;
        if (who != Caller::AnyDomain) this->open = open_any;
        if (this->open != open_any && this->open != open_taking) this->handler = nullptr; // it opens itself
    }
};

/// Rows by number, `Row{}` where there is no command.
template <typename Row, size_t size>
struct CommandTable {
    std::array<Row, size> by_number{};

    [[nodiscard]] constexpr Row const* find(u64 number) const { return number < size ? &by_number[number] : nullptr; }
};

/// The table of these rows, each of which has a number of its own: otherwise it does not compile.
template <auto const& rows>
consteval auto command_table()
{
    constexpr size_t end = [] {
        size_t highest = 0;
        for (auto const& row : rows) highest = std::max(highest, static_cast<size_t>(row.number));
        return highest + 1;
    }();
    CommandTable<std::remove_cvref_t<decltype(rows[0])>, end> table;
    std::array<bool, end> is_taken{};
    for (auto const& row : rows) {
        size_t const number = static_cast<size_t>(row.number);
        if (std::exchange(is_taken[number], true)) a_command_stands_twice();
        table.by_number[number] = row;
    }
    return table;
}

/// Runs the command with this number, or gives the error NotImplemented. `argument` is where the guest has the
/// structure.
template <typename Row>
[[nodiscard]] Expected<u64> run_command(Row const* row, Vcpu& caller, typename Row::Context& context, u64 argument)
{
    if (!row) return open_none(caller, &context, {}, argument);
    return row->open(caller, &context, *row, argument);
}

}
