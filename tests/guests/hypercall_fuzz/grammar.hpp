// SPDX-License-Identifier: MIT
/// Which hypercalls there are, and what their arguments may be: most of the time something that the guest has, now and
/// then something that nobody has.
#pragma once

#include <array>
#include <cstring>

#include "kernel/abi/xen/hypercall_numbers.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/hypercall_fuzz/random.hpp"

namespace hospes::test {

/// What a call that succeeds tells us.
enum class Learns : u8 { Nothing, Port, Handle };

/// One call: registers, and the structure that they point to.
struct Call {
    u64 number = 0;
    std::array<u64, 3> registers{};
    alignas(8) std::array<u8, 128> structure{};
    Learns learns = Learns::Nothing;
    size_t learnt_at = 0; ///< offset in the structure

    /// `request` becomes the structure that register `which` points to.
    template <typename Request>
    void point_to(u32 which, Request const& request)
    {
        static_assert(sizeof(Request) <= sizeof structure);
        std::memcpy(structure.data(), &request, sizeof request);
        registers[which] = address(structure.data());
    }
    /// What a grant operation begins with.
    [[nodiscard]] u64 first_address() const
    {
        u64 value;
        std::memcpy(&value, structure.data(), sizeof value);
        return value;
    }
    [[nodiscard]] u32 word_at(size_t offset) const
    {
        u32 word;
        std::memcpy(&word, &structure[offset], sizeof word);
        return word;
    }
};

/// Pages the calls play with, and frames where nothing is. Once, before anything else.
void set_up_arguments();

/// The next call of a vCPU.
void draw(Random& random, Call& call);

/// Remembers ports and handles.
void learn(Random& random, Call const& call, s64 result);

}
