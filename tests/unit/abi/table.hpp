// SPDX-License-Identifier: MIT
/// The tables of the ABI test: for every name of ours, what we say and what the C header says.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel/lib/integers.hpp"

namespace hospes::xen {

/// A constant or an enumerator. Some releases lack it.
struct ValueRow {
    std::string name;
    u64 ours;
    std::optional<u64> theirs;
};

struct Place {
    size_t offset;
    size_t size;

    bool operator==(Place const&) const = default;
};

/// A member; padding that we name and the C header leaves to the compiler has no counterpart.
struct MemberRow {
    std::string name;
    Place ours;
    std::optional<Place> theirs;
};

/// Some releases lack it; then there are no members either.
struct StructureRow {
    std::string name;
    size_t our_size;
    std::optional<size_t> their_size;
    std::vector<MemberRow> members;
    bool may_be_longer = false; ///< theirs, by what a later release has behind ours
};

/// A value as the headers have it, or Absent (absent.hpp).
template <typename Value>
[[nodiscard]] constexpr std::optional<u64> value_there([[maybe_unused]] Value value)
{
    if constexpr (requires { static_cast<u64>(value); })
        return static_cast<u64>(value);
    else
        return std::nullopt;
}

/// All that one of our headers defines.
struct Table {
    std::string header;
    std::vector<ValueRow> values;
    std::vector<StructureRow> structures;
};

}

/// Only macros can name a thing and take its value, or ask for the offset of a member.
#define VALUE(ours, theirs)                                                                                            \
    ::hospes::xen::ValueRow { #ours, static_cast<::hospes::u64>(ours), ::hospes::xen::value_there(theirs) }
#define PLACE(type, member)                                                                                            \
    ::hospes::xen::Place { offsetof(type, member), sizeof(std::declval<type&>().member) }
#define MEMBER(ours, theirs)                                                                                           \
    ::hospes::xen::MemberRow { #ours, PLACE(Ours, ours), PLACE(Theirs, theirs) }
#define PADDING(ours)                                                                                                  \
    ::hospes::xen::MemberRow { #ours, PLACE(Ours, ours), std::nullopt }
#define STRUCTURE(our_type, their_type, ...)                                                                           \
    [] {                                                                                                               \
        using Ours = our_type;                                                                                         \
        using Theirs = ::their_type;                                                                                   \
        return ::hospes::xen::StructureRow{#our_type, sizeof(Ours), sizeof(Theirs), {__VA_ARGS__}};                    \
    }()
/// A page that two sides share: a later release may use more of it, and we need not know.
#define SHARED_PAGE(...)                                                                                               \
    [] {                                                                                                               \
        auto row = STRUCTURE(__VA_ARGS__);                                                                             \
        row.may_be_longer = true;                                                                                      \
        return row;                                                                                                    \
    }()
/// A structure of ours that these headers do not have, or have in another form.
#define OTHER_RELEASES(our_type)                                                                                       \
    ::hospes::xen::StructureRow                                                                                        \
    {                                                                                                                  \
        #our_type, sizeof(our_type), std::nullopt, {}                                                                  \
    }
