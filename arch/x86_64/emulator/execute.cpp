// SPDX-License-Identifier: MIT
/// The executable operations: one function for each kind, found through a table.
#include "arch/x86_64/emulator/execute.hpp"

#include <array>
#include <bit>

#include "arch/x86_64/emulator/arithmetic.hpp"
#include "arch/x86_64/emulator/operands.hpp"

namespace hospes::emulator {

namespace {

enum class Place : u8 { Nowhere, ModRm, Register, Immediate };

struct Places {
    Place destination = Place::Nowhere;
    Place source = Place::Nowhere;
};

/// In the order of Form. The two offset forms no longer exist after decoding.
constexpr std::array<Places, 6> places_by_form{{
    {},
    {Place::ModRm, Place::Register},
    {Place::Register, Place::ModRm},
    {Place::ModRm, Place::Immediate},
    {Place::ModRm, Place::Nowhere},
    {},
}};
static_assert(std::to_underlying(Form::RegistersOnly) + 1 == places_by_form.size());

/// One instruction at work.
struct Context {
    Instruction const& instruction;
    GuestRegisters& registers;
    Memory& memory;
    Gva linear; ///< of the memory operand, if there is one

    [[nodiscard]] Places places() const { return places_by_form[std::to_underlying(instruction.form)]; }
    [[nodiscard]] Expected<u64> load(Place place, unsigned bytes) const;
    [[nodiscard]] Expected<> store(Place place, u64 value) const;
    [[nodiscard]] Rflags flags() const { return Rflags{registers.rflags}; }
};

Expected<u64> Context::load(Place place, unsigned bytes) const
{
    if (place == Place::Nowhere) return 0;
    if (place == Place::Immediate) return truncate(static_cast<u64>(instruction.immediate), bytes);
    if (place == Place::Register) return read_register(instruction, registers, instruction.reg, bytes);
    if (!instruction.memory) return read_register(instruction, registers, instruction.rm, bytes);
    return memory.read(linear, bytes).transform([bytes](u64 value) { return truncate(value, bytes); });
}

Expected<> Context::store(Place place, u64 value) const
{
    unsigned const bytes = instruction.operand_bytes;
    if (place == Place::ModRm && instruction.memory) return memory.write(linear, truncate(value, bytes), bytes);
    write_register(instruction, registers, place == Place::ModRm ? instruction.rm : instruction.reg, value, bytes);
    return {};
}

/// An executed instruction leaves RF clear. (SDM vol. 3, 18.3.1.1)
Progress complete(Instruction const& instruction, GuestRegisters& registers)
{
    unsigned const rip_bytes = instruction.mode == Mode::Bits64 ? 8 : 4;
    registers.rip = truncate(registers.rip + instruction.length, rip_bytes);
    registers.rflags = Rflags{registers.rflags}.with<Rflags::Resume>(false).raw();
    return Progress::Completed;
}

Expected<Progress> move(Context& context)
{
    Instruction const& instruction = context.instruction;
    auto const source = context.load(context.places().source, instruction.source_bytes);
    if (!source) return failure(source.error());
    bool const is_signed = instruction.operation == Operation::Movsx;
    u64 const value = is_signed ? sign_extend(*source, instruction.source_bytes) : *source;
    if (auto const stored = context.store(context.places().destination, value); !stored) return failure(stored.error());
    return complete(instruction, context.registers);
}

Expected<Progress> exchange(Context& context)
{
    Instruction const& instruction = context.instruction;
    auto const old = context.load(Place::ModRm, instruction.operand_bytes);
    if (!old) return failure(old.error());
    u64 const next = read_register(instruction, context.registers, instruction.reg, instruction.operand_bytes);
    if (auto const stored = context.store(Place::ModRm, next); !stored) return failure(stored.error());
    write_register(instruction, context.registers, instruction.reg, *old, instruction.operand_bytes);
    return complete(instruction, context.registers);
}

Expected<Progress> arithmetic(Context& context)
{
    Instruction const& instruction = context.instruction;
    Places const places = context.places();
    auto const first = context.load(places.destination, instruction.operand_bytes);
    if (!first) return failure(first.error());
    auto const second = context.load(places.source, instruction.operand_bytes);
    if (!second) return failure(second.error());
    auto const result = compute(instruction.operation, *first, *second, instruction.operand_bytes, context.flags());
    if (writes_destination(instruction.operation))
        if (auto const stored = context.store(places.destination, result.value); !stored)
            return failure(stored.error());
    context.registers.rflags = result.flags.raw();
    return complete(instruction, context.registers);
}

bool is_bit_test(Operation operation) { return operation >= Operation::Bt && operation <= Operation::Btc; }

/// A bit number in a register is signed and reaches beyond the operand, which then lies elsewhere in memory.
/// (SDM vol. 2, BT)
Gva memory_address(Instruction const& instruction, GuestRegisters const& registers)
{
    if (!is_bit_test(instruction.operation) || instruction.form != Form::ModRmRegister)
        return operand_address(instruction, registers);
    unsigned const bytes = instruction.operand_bytes;
    u64 const number = read_register(instruction, registers, instruction.reg, bytes);
    s64 const operands_on = static_cast<s64>(sign_extend(number, bytes)) >> (3 + std::countr_zero(bytes));
    return operand_address(instruction, registers, static_cast<u64>(operands_on) * bytes);
}

/// The registers of string instructions, all used in the width of addresses.
class StringIndices {
public:
    StringIndices(Instruction const& instruction, GuestRegisters& registers)
        : instruction_{instruction}, registers_{registers}
    {}

    [[nodiscard]] Gva source() const { return address(instruction_.source_segment, Gpr::Rsi); }
    [[nodiscard]] Gva destination() const { return address(Segment::Es, Gpr::Rdi); } // takes no override
    void advance_source() { step(Gpr::Rsi); }
    void advance_destination() { step(Gpr::Rdi); }
    [[nodiscard]] u64 remaining() const { return truncate(registers_[Gpr::Rcx], instruction_.address_bytes); }
    void count_one() { add(Gpr::Rcx, ~u64{0}); }

private:
    [[nodiscard]] Gva address(Segment segment, Gpr index) const
    {
        return linear_address(instruction_, registers_, segment, registers_[index]);
    }

    void step(Gpr index)
    {
        u64 const bytes = instruction_.operand_bytes;
        add(index, Rflags{registers_.rflags}.get<Rflags::Direction>() ? -bytes : bytes);
    }

    void add(Gpr which, u64 amount)
    {
        write_register(instruction_, registers_, which, registers_[which] + amount, instruction_.address_bytes);
    }

    Instruction const& instruction_;
    GuestRegisters& registers_;
};

/// Runs `element` once or, under REP, until rCX is zero or the bound of one call is reached. `element` changes no
/// register when it fails.
template <typename Element>
Expected<Progress> repeat(Instruction const& instruction, GuestRegisters& registers, Element element)
{
    StringIndices indices{instruction, registers};
    unsigned const bound = instruction.repeat ? max_elements_per_call : 1;
    for (unsigned i = 0; i < bound; ++i) {
        if (instruction.repeat && indices.remaining() == 0) break;
        if (auto const moved = element(indices); !moved) return failure(moved.error());
        if (instruction.repeat) indices.count_one();
    }
    if (instruction.repeat && indices.remaining() != 0) return Progress::Repeating;
    return complete(instruction, registers);
}

Expected<Progress> move_string(Context& context)
{
    unsigned const bytes = context.instruction.operand_bytes;
    return repeat(context.instruction, context.registers, [&](StringIndices& indices) -> Expected<> {
        auto const value = context.memory.read(indices.source(), bytes);
        if (!value) return failure(value.error());
        if (auto const written = context.memory.write(indices.destination(), truncate(*value, bytes), bytes); !written)
            return written;
        indices.advance_source();
        indices.advance_destination();
        return {};
    });
}

Expected<Progress> store_string(Context& context)
{
    unsigned const bytes = context.instruction.operand_bytes;
    return repeat(context.instruction, context.registers, [&](StringIndices& indices) -> Expected<> {
        u64 const value = truncate(context.registers[Gpr::Rax], bytes);
        if (auto const written = context.memory.write(indices.destination(), value, bytes); !written) return written;
        indices.advance_destination();
        return {};
    });
}

Expected<Progress> load_string(Context& context)
{
    unsigned const bytes = context.instruction.operand_bytes;
    return repeat(context.instruction, context.registers, [&](StringIndices& indices) -> Expected<> {
        auto const value = context.memory.read(indices.source(), bytes);
        if (!value) return failure(value.error());
        write_register(context.instruction, context.registers, Gpr::Rax, *value, bytes);
        indices.advance_source();
        return {};
    });
}

using Handler = Expected<Progress> (*)(Context&);

consteval std::array<Handler, operation_count> make_handlers()
{
    std::array<Handler, operation_count> handlers{};
    auto const fill = [&](Operation from, Operation to, Handler handler) {
        for (size_t i = std::to_underlying(from); i <= std::to_underlying(to); ++i) handlers[i] = handler;
    };
    fill(Operation::Add, Operation::Neg, arithmetic);
    fill(Operation::Bt, Operation::Btc, arithmetic);
    fill(Operation::Mov, Operation::Movsx, move);
    fill(Operation::Xchg, Operation::Xchg, exchange);
    fill(Operation::Movs, Operation::Movs, move_string);
    fill(Operation::Stos, Operation::Stos, store_string);
    fill(Operation::Lods, Operation::Lods, load_string);
    return handlers;
}

constexpr std::array handlers = make_handlers();

Expected<> input_element(Instruction const& instruction, GuestRegisters& registers, Memory& memory, Ports& ports,
                         StringIndices& indices)
{
    unsigned const bytes = instruction.operand_bytes;
    auto const value = ports.in(static_cast<u16>(registers[Gpr::Rdx]), bytes);
    if (!value) return failure(value.error());
    if (auto const written = memory.write(indices.destination(), truncate(*value, bytes), bytes); !written)
        return written;
    indices.advance_destination();
    return {};
}

Expected<> output_element(Instruction const& instruction, GuestRegisters& registers, Memory& memory, Ports& ports,
                          StringIndices& indices)
{
    unsigned const bytes = instruction.operand_bytes;
    auto const value = memory.read(indices.source(), bytes);
    if (!value) return failure(value.error());
    if (auto const sent = ports.out(static_cast<u16>(registers[Gpr::Rdx]), truncate(*value, bytes), bytes); !sent)
        return sent;
    indices.advance_source();
    return {};
}

}

Expected<Progress> execute(Instruction const& instruction, GuestRegisters& registers, Memory& memory)
{
    Handler const handler = handlers[std::to_underlying(instruction.operation)];
    if (handler == nullptr) return failure(Error::NotSupported);
    Gva const linear = instruction.memory ? memory_address(instruction, registers) : Gva{};
    Context context{instruction, registers, memory, linear};
    return handler(context);
}

AccessedAddresses accessed_addresses(Instruction const& instruction, GuestRegisters const& registers)
{
    auto const source = [&] {
        return linear_address(instruction, registers, instruction.source_segment, registers[Gpr::Rsi]);
    };
    auto const destination = [&] { return linear_address(instruction, registers, Segment::Es, registers[Gpr::Rdi]); };
    switch (instruction.operation) {
    case Operation::Movs: return {source(), destination()};
    case Operation::Stos: return {destination(), {}};
    case Operation::Lods: return {source(), {}};
    default: break;
    }
    if (!instruction.memory) return {};
    return {memory_address(instruction, registers), {}};
}

Expected<Progress> execute_port_string(Instruction const& instruction, GuestRegisters& registers, Memory& memory,
                                       Ports& ports)
{
    bool const is_input = instruction.operation == Operation::Ins;
    if (!is_input && instruction.operation != Operation::Outs) return failure(Error::NotSupported);
    auto const element = is_input ? input_element : output_element;
    return repeat(instruction, registers,
                  [&](StringIndices& indices) { return element(instruction, registers, memory, ports, indices); });
}

}
