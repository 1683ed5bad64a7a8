// SPDX-License-Identifier: MIT
/// Feeds arbitrary bytes, modes and registers to the instruction decoder and executes what decodes.
///
/// Input: 1 byte mode and failure pattern, up to 20 bytes of instruction, the rest fills the registers.
// sources: arch/x86_64/emulator/arithmetic.cpp arch/x86_64/emulator/decode.cpp
// sources: arch/x86_64/emulator/execute.cpp arch/x86_64/emulator/operands.cpp
#include <algorithm>
#include <cstring>
#include <vector>

#include "arch/x86_64/emulator/decode.hpp"
#include "arch/x86_64/emulator/execute.hpp"

namespace {

using namespace hospes;
using namespace hospes::emulator;

void require(bool condition)
{
    if (!condition) __builtin_trap();
}

bool is_width(unsigned bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }
bool fits(u64 value, unsigned bytes) { return bytes == 8 || value >> (8 * bytes) == 0; }

/// Answers every read with a function of the address, now and then with an error; checks what is asked of it.
class CheckingBus final : public Memory, public Ports {
public:
    CheckingBus(Mode mode, u8 failing) : mode_{mode}, failing_{failing} {}

    Expected<u64> read(Gva linear, unsigned bytes) override
    {
        check(linear, bytes);
        if (fails()) return failure(Error::BadAddress);
        return linear.raw() * 0x9e37'79b9'7f4a'7c15; // more bits than asked for: the emulator must cut them off
    }

    Expected<> write(Gva linear, u64 value, unsigned bytes) override
    {
        check(linear, bytes);
        require(fits(value, bytes));
        if (fails()) return failure(Error::BadAddress);
        return {};
    }

    Expected<u64> in(u16 port, unsigned bytes) override
    {
        require(bytes <= 4 && is_width(bytes));
        return ~u64{port};
    }

    Expected<> out(u16, u64 value, unsigned bytes) override
    {
        require(bytes <= 4 && is_width(bytes) && fits(value, bytes));
        return {};
    }

    unsigned accesses = 0;

private:
    void check(Gva linear, unsigned bytes)
    {
        require(is_width(bytes));
        require(mode_ == Mode::Bits64 || fits(linear.raw(), 4));
        require(++accesses <= 2 * max_elements_per_call);
    }

    bool fails() const { return failing_ != 0 && accesses % failing_ == 0; }

    Mode mode_;
    u8 failing_;
};

GuestRegisters registers_from(std::span<u8 const> bytes)
{
    GuestRegisters registers;
    std::array<u64, 24> values{};
    std::memcpy(values.data(), bytes.data(), std::min(bytes.size(), sizeof values));
    std::copy_n(values.begin(), 16, registers.gpr.begin());
    std::copy_n(values.begin() + 16, 6, registers.segment_base.begin());
    registers.rip = values[22];
    registers.rflags = values[23];
    return registers;
}

/// A complete instruction does not depend on what follows, and an incomplete one is recognised as such.
void check_decoding(std::span<u8 const> bytes, Mode mode, Instruction const& instruction)
{
    require(instruction.length > 0 && instruction.length <= max_instruction_bytes);
    require(instruction.length <= bytes.size());
    std::vector<u8> const exact(bytes.begin(), bytes.begin() + instruction.length);
    auto const again = decode(exact, mode);
    require(again.has_value() && again->length == instruction.length && again->operation == instruction.operation);
    std::vector<u8> const shorter(exact.begin(), exact.end() - 1);
    auto const truncated = decode(shorter, mode);
    require(!truncated && truncated.error() == DecodeError::NeedMoreBytes);
}

void check_execution(Instruction const& instruction, GuestRegisters const& before, u8 failing)
{
    GuestRegisters registers = before;
    CheckingBus bus{instruction.mode, failing};
    bool const is_port_string = instruction.operation == Operation::Ins || instruction.operation == Operation::Outs;
    auto const progress =
        is_port_string ? execute_port_string(instruction, registers, bus, bus) : execute(instruction, registers, bus);
    require(registers.segment_base == before.segment_base);
    bool const moved = progress && *progress == Progress::Completed;
    if (!moved) require(registers.rip == before.rip);
    if (!progress && !instruction.repeat) require(registers.gpr == before.gpr && registers.rflags == before.rflags);
    if (progress && *progress == Progress::Repeating) require(instruction.repeat && registers.gpr != before.gpr);
    if (!progress && progress.error() == Error::NotSupported) require(bus.accesses == 0);
}

}

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, size_t size)
{
    if (size < 1) return 0;
    constexpr size_t instruction_room = 20;
    std::span<u8 const> const input{data + 1, size - 1};
    std::vector<u8> const bytes(input.begin(), input.begin() + std::min(input.size(), instruction_room));
    auto const mode = Mode(data[0] % 3);
    auto const instruction = decode(bytes, mode);
    if (!instruction) {
        require(instruction.error() != DecodeError::NeedMoreBytes || bytes.size() < max_instruction_bytes);
        return 0;
    }
    check_decoding(bytes, mode, *instruction);
    check_execution(*instruction, registers_from(input.subspan(bytes.size())), data[0] / 3);
    return 0;
}
