// SPDX-License-Identifier: MIT
/// Where the decisions of a test's software come from: a seed that can be told again, or a fuzzer's input.
#pragma once

#include <random>
#include <span>

#include "kernel/lib/integers.hpp"

namespace hospes::software {

class Choices {
public:
    virtual ~Choices() = default;
    /// A number from 0 to `limit` - 1.
    [[nodiscard]] virtual u32 below(u32 limit) = 0;
    [[nodiscard]] bool one_in(u32 limit) { return below(limit) == 0; }
};

class SeededChoices final : public Choices {
public:
    explicit SeededChoices(u64 seed) : random_{seed} {}
    [[nodiscard]] u32 below(u32 limit) override { return static_cast<u32>(random_() % limit); }

private:
    std::mt19937_64 random_;
};

/// Bytes, one a decision (two where one does not suffice); zeros when they are used up.
class GivenChoices final : public Choices {
public:
    explicit GivenChoices(std::span<u8 const> input) : input_{input} {}
    [[nodiscard]] u32 below(u32 limit) override
    {
        u32 value = next();
        if (limit > 256) value = value << 8 | next();
        return value % limit;
    }
    [[nodiscard]] bool is_used_up() const { return input_.empty(); }

private:
    u32 next()
    {
        if (input_.empty()) return 0;
        u8 const byte = input_.front();
        input_ = input_.subspan(1);
        return byte;
    }
    std::span<u8 const> input_;
};

}
