// SPDX-License-Identifier: MIT
/// Arithmetic with flags, for every width. (SDM vol. 1, appendix A: what each operation does to each flag)
#include "arch/x86_64/emulator/arithmetic.hpp"

#include <array>
#include <bit>

#include "arch/x86_64/emulator/operands.hpp"

namespace hospes::emulator {

namespace {

struct Inputs {
    u64 first;
    u64 second;
    unsigned bytes;
    Rflags flags;

    [[nodiscard]] bool top_bit(u64 value) const { return (value >> (8 * bytes - 1) & 1) != 0; }
    [[nodiscard]] u64 carry() const { return flags.get<Rflags::Carry>() ? 1 : 0; }
};

/// Zero, sign and parity (of the low byte only) follow from every result alike.
Rflags flags_of_result(Inputs const& in, u64 value)
{
    return in.flags.with<Rflags::Zero>(value == 0)
        .with<Rflags::Sign>(in.top_bit(value))
        .with<Rflags::Parity>(std::popcount(truncate(value, 1)) % 2 == 0);
}

/// `carries` has a bit set wherever that column of the sum or difference handed one on to the next.
ArithmeticResult with_carries(Inputs const& in, u64 value, u64 carries, bool overflow)
{
    return {value, flags_of_result(in, value)
                       .with<Rflags::Carry>(in.top_bit(carries))
                       .with<Rflags::AuxiliaryCarry>((carries >> 3 & 1) != 0)
                       .with<Rflags::Overflow>(overflow)};
}

ArithmeticResult sum(Inputs const& in, u64 carry)
{
    u64 const value = truncate(in.first + in.second + carry, in.bytes);
    u64 const carries = (in.first & in.second) | ((in.first | in.second) & ~value);
    return with_carries(in, value, carries, in.top_bit((in.first ^ value) & (in.second ^ value)));
}

ArithmeticResult difference(Inputs const& in, u64 borrow)
{
    u64 const value = truncate(in.first - in.second - borrow, in.bytes);
    u64 const borrows = (~in.first & in.second) | ((~in.first | in.second) & value);
    return with_carries(in, value, borrows, in.top_bit((in.first ^ in.second) & (in.first ^ value)));
}

ArithmeticResult logical(Inputs const& in, u64 value) { return with_carries(in, value, 0, false); }

ArithmeticResult keep_carry(Inputs const& in, ArithmeticResult result)
{
    return {result.value, result.flags.with<Rflags::Carry>(in.flags.get<Rflags::Carry>())};
}

u64 bit_of(Inputs const& in) { return u64{1} << (in.second % (u64{8} * in.bytes)); }

ArithmeticResult bit_test(Inputs const& in, u64 value)
{
    return {value, in.flags.with<Rflags::Carry>((in.first & bit_of(in)) != 0)};
}

using Function = ArithmeticResult (*)(Inputs const&);

/// In the order of Operation, from Add on.
constexpr std::array functions = std::to_array<Function>({
    [](Inputs const& in) { return sum(in, 0); },                                                       // Add
    [](Inputs const& in) { return logical(in, in.first | in.second); },                                // Or
    [](Inputs const& in) { return sum(in, in.carry()); },                                              // Adc
    [](Inputs const& in) { return difference(in, in.carry()); },                                       // Sbb
    [](Inputs const& in) { return logical(in, in.first & in.second); },                                // And
    [](Inputs const& in) { return difference(in, 0); },                                                // Sub
    [](Inputs const& in) { return logical(in, in.first ^ in.second); },                                // Xor
    [](Inputs const& in) { return difference(in, 0); },                                                // Cmp
    [](Inputs const& in) { return logical(in, in.first & in.second); },                                // Test
    [](Inputs const& in) { return keep_carry(in, sum({in.first, 1, in.bytes, in.flags}, 0)); },        // Inc
    [](Inputs const& in) { return keep_carry(in, difference({in.first, 1, in.bytes, in.flags}, 0)); }, // Dec
    [](Inputs const& in) { return ArithmeticResult{truncate(~in.first, in.bytes), in.flags}; },        // Not
    [](Inputs const& in) { return difference({0, in.first, in.bytes, in.flags}, 0); },                 // Neg
    [](Inputs const& in) { return bit_test(in, in.first); },                                           // Bt
    [](Inputs const& in) { return bit_test(in, in.first | bit_of(in)); },                              // Bts
    [](Inputs const& in) { return bit_test(in, in.first & ~bit_of(in)); },                             // Btr
    [](Inputs const& in) { return bit_test(in, in.first ^ bit_of(in)); },                              // Btc
});

constexpr size_t first_operation = std::to_underlying(Operation::Add);
static_assert(functions.size() == std::to_underlying(Operation::Btc) - first_operation + 1);

}

ArithmeticResult compute(Operation operation, u64 first, u64 second, unsigned bytes, Rflags before)
{
    Inputs const inputs{truncate(first, bytes), truncate(second, bytes), bytes, before};
    return functions[std::to_underlying(operation) - first_operation](inputs);
}

}
