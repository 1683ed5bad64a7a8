// SPDX-License-Identifier: MIT
/// The same instruction bytes, on the same registers and memory, executed here by the host's CPU and by the emulator:
/// the outcome has to be the same. Only 64-bit mode can be compared in this way.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "arch/x86_64/emulator/decode.hpp"
#include "arch/x86_64/emulator/execute.hpp"

/// The registers that the trampoline loads before the instruction and stores after it; RSP stays the test's own.
struct NativeState {
    std::array<hospes::u64, 16> gpr;
    hospes::u64 rflags;
};

extern "C" {
NativeState native_state;
void native_run(void* code);
extern char native_return[];
}

asm(R"(
    .bss
    native_saved_code: .quad 0
    .text
    native_run:
        push %rbx
        push %rbp
        push %r12
        push %r13
        push %r14
        push %r15
        mov %rdi, native_saved_code(%rip)
        pushq native_state+128(%rip)
        popfq
        mov native_state+0(%rip), %rax
        mov native_state+8(%rip), %rcx
        mov native_state+16(%rip), %rdx
        mov native_state+24(%rip), %rbx
        mov native_state+40(%rip), %rbp
        mov native_state+48(%rip), %rsi
        mov native_state+56(%rip), %rdi
        mov native_state+64(%rip), %r8
        mov native_state+72(%rip), %r9
        mov native_state+80(%rip), %r10
        mov native_state+88(%rip), %r11
        mov native_state+96(%rip), %r12
        mov native_state+104(%rip), %r13
        mov native_state+112(%rip), %r14
        mov native_state+120(%rip), %r15
        jmp *native_saved_code(%rip)
    native_return:
        mov %rax, native_state+0(%rip)
        mov %rcx, native_state+8(%rip)
        mov %rdx, native_state+16(%rip)
        mov %rbx, native_state+24(%rip)
        mov %rbp, native_state+40(%rip)
        mov %rsi, native_state+48(%rip)
        mov %rdi, native_state+56(%rip)
        mov %r8, native_state+64(%rip)
        mov %r9, native_state+72(%rip)
        mov %r10, native_state+80(%rip)
        mov %r11, native_state+88(%rip)
        mov %r12, native_state+96(%rip)
        mov %r13, native_state+104(%rip)
        mov %r14, native_state+112(%rip)
        mov %r15, native_state+120(%rip)
        pushfq
        popq native_state+128(%rip)
        cld
        pop %r15
        pop %r14
        pop %r13
        pop %r12
        pop %rbp
        pop %rbx
        ret
)");

namespace hospes::emulator::test {
namespace {

constexpr u64 arithmetic_flags = Rflags::Carry::mask | Rflags::Parity::mask | Rflags::AuxiliaryCarry::mask |
                                 Rflags::Zero::mask | Rflags::Sign::mask | Rflags::Overflow::mask;
constexpr size_t buffer_size = 256;
using Buffer = std::array<u8, buffer_size>;

/// The test's own memory, by its own addresses.
class HostMemory final : public Memory {
public:
    explicit HostMemory(Buffer& buffer) : buffer_{buffer} {}

    Expected<u64> read(Gva linear, unsigned bytes) override
    {
        u64 value = 0;
        u8 const* const from = locate(linear, bytes);
        if (from == nullptr) return failure(Error::BadAddress);
        std::memcpy(&value, from, bytes);
        return value;
    }

    Expected<> write(Gva linear, u64 value, unsigned bytes) override
    {
        u8* const to = locate(linear, bytes);
        if (to == nullptr) return failure(Error::BadAddress);
        std::memcpy(to, &value, bytes);
        return {};
    }

private:
    u8* locate(Gva linear, unsigned bytes)
    {
        u64 const offset = linear.raw() - reinterpret_cast<u64>(buffer_.data());
        return offset <= buffer_size - bytes ? buffer_.data() + offset : nullptr;
    }

    Buffer& buffer_;
};

/// One executable page: the instruction, then `jmp *0(%rip)` to the way back.
class NativeCode {
public:
    NativeCode()
        : page_{static_cast<u8*>(
              mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))}
    {}
    ~NativeCode() { munmap(page_, 4096); }
    NativeCode(NativeCode const&) = delete;
    NativeCode& operator=(NativeCode const&) = delete;

    [[nodiscard]] bool available() const { return page_ != MAP_FAILED; }

    void run(std::vector<u8> const& instruction, GuestRegisters& registers)
    {
        constexpr std::array<u8, 6> jump{0xff, 0x25, 0, 0, 0, 0};
        char const* const target = native_return;
        u8* end = std::copy(instruction.begin(), instruction.end(), page_);
        end = std::copy(jump.begin(), jump.end(), end);
        std::memcpy(end, &target, sizeof target);
        native_state = {registers.gpr, registers.rflags};
        native_run(page_);
        registers.gpr = native_state.gpr;
        registers.rflags = native_state.rflags;
    }

private:
    u8* page_;
};

class Native : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!code.available()) GTEST_SKIP() << "no executable memory here";
    }

    u64 random() { return generator(); }

    /// Values near the borders are where carries and overflows are.
    u64 interesting()
    {
        constexpr std::array<u64, 12> borders{0,      1,          0x7f,        0x80,  0xff,      0x7fff,
                                              0x8000, 0x7fffffff, 0x80000000u, ~0ull, ~0ull / 2, ~0ull / 2 + 1};
        u64 const choice = random() % 24;
        return choice < borders.size() ? borders[choice] : random();
    }

    void randomize()
    {
        for (u64& value : registers.gpr) value = interesting();
        for (u8& byte : memory) byte = static_cast<u8>(random());
        u64 const value = interesting();
        std::memcpy(memory.data() + 128, &value, sizeof value);
        registers[Gpr::Rbx] = reinterpret_cast<u64>(memory.data()) + 120;
        registers[Gpr::Rsi] = 8; // the operand is at (%rbx,%rsi) or 8(%rbx)
        registers[Gpr::Rsp] = 0;
        registers.rflags = 0x202 | (random() & arithmetic_flags);
    }

    /// Runs `bytes` in both ways from the state that `randomize` made, or the test changed.
    void compare(std::vector<u8> const& bytes, u64 undefined_flags = 0)
    {
        auto const instruction = decode(bytes, Mode::Bits64);
        ASSERT_TRUE(instruction) << ::testing::PrintToString(bytes);
        ASSERT_EQ(instruction->length, bytes.size()) << ::testing::PrintToString(bytes);
        GuestRegisters native = registers;
        Buffer const original = memory;
        code.run(bytes, native);
        Buffer const native_memory = memory;
        memory = original;
        HostMemory host{memory};
        ASSERT_EQ(execute(*instruction, registers, host), Progress::Completed) << ::testing::PrintToString(bytes);
        EXPECT_EQ(registers.gpr, native.gpr) << ::testing::PrintToString(bytes);
        EXPECT_EQ(memory, native_memory) << ::testing::PrintToString(bytes);
        u64 const compared = arithmetic_flags & ~undefined_flags;
        EXPECT_EQ(registers.rflags & compared, native.rflags & compared) << ::testing::PrintToString(bytes);
    }

    void compare_with_modrm(std::vector<u8> const& opcode, u8 reg, std::vector<u8> const& immediate, u64 undefined)
    {
        constexpr u8 sib_form = 0x04, displacement_form = 0x43;
        for (std::vector<u8> const& prefixes :
             {std::vector<u8>{}, {0x66}, {0x48}, {0x44}, {0x4c}, {0x40}, {0x66, 0x44}})
            for (u8 const form : {sib_form, displacement_form}) {
                std::vector<u8> bytes = prefixes;
                bytes.insert(bytes.end(), opcode.begin(), opcode.end());
                bytes.push_back(static_cast<u8>(form | reg << 3));
                bytes.push_back(form == sib_form ? 0x33 : 8); // (%rbx,%rsi), or 8(%rbx)
                bytes.insert(bytes.end(), immediate.begin(), immediate.end());
                randomize();
                compare(bytes, undefined);
            }
    }

    std::vector<u8> random_bytes(size_t count)
    {
        std::vector<u8> bytes;
        for (size_t i = 0; i < count; ++i) bytes.push_back(static_cast<u8>(interesting()));
        return bytes;
    }

    std::mt19937_64 generator{20240607};
    GuestRegisters registers;
    alignas(64) Buffer memory{};
    NativeCode code;
};

constexpr int rounds = 40;
constexpr u8 stack_pointer = 4; // as ModRM.reg; not usable here except as AH or R12

u64 undefined_after(size_t arithmetic_operation)
{
    bool const is_logical = arithmetic_operation == 1 || arithmetic_operation == 4 || arithmetic_operation == 6;
    return is_logical ? Rflags::AuxiliaryCarry::mask : 0;
}

TEST_F(Native, ArithmeticInBothDirections)
{
    for (int round = 0; round < rounds; ++round)
        for (u8 operation = 0; operation < 8; ++operation)
            for (u8 form = 0; form < 4; ++form)
                for (u8 reg = 0; reg < 8; ++reg)
                    if (reg != stack_pointer)
                        compare_with_modrm({static_cast<u8>(operation * 8 + form)}, reg, {},
                                           undefined_after(operation));
}

TEST_F(Native, ArithmeticWithImmediates)
{
    for (int round = 0; round < rounds * 4; ++round)
        for (u8 operation = 0; operation < 8; ++operation) {
            compare_with_modrm({0x80}, operation, random_bytes(1), undefined_after(operation));
            compare_with_modrm({0x83}, operation, random_bytes(1), undefined_after(operation));
        }
}

TEST_F(Native, ImmediatesOfTheOperandsWidth)
{
    for (int round = 0; round < rounds * 4; ++round)
        for (u8 operation = 0; operation < 8; ++operation)
            for (std::vector<u8> const& prefixes : {std::vector<u8>{}, {0x66}, {0x48}}) {
                std::vector<u8> const immediate = random_bytes(prefixes == std::vector<u8>{0x66} ? 2 : 4);
                std::vector<u8> bytes = prefixes;
                bytes.insert(bytes.end(), {0x81, static_cast<u8>(0x43 | operation << 3), 8});
                bytes.insert(bytes.end(), immediate.begin(), immediate.end());
                randomize();
                compare(bytes, undefined_after(operation));
                bytes[prefixes.size()] = operation % 2 == 0 ? 0xf7 : 0xc7; // TEST, MOV
                bytes[prefixes.size() + 1] = 0x43;
                compare(bytes, Rflags::AuxiliaryCarry::mask);
            }
}

TEST_F(Native, UnaryOperations)
{
    for (int round = 0; round < rounds * 4; ++round) {
        for (u8 const opcode : {0xfe, 0xff})
            for (u8 const reg : {0, 1}) compare_with_modrm({opcode}, reg, {}, 0);
        for (u8 const opcode : {0xf6, 0xf7})
            for (u8 const reg : {2, 3}) compare_with_modrm({opcode}, reg, {}, 0);
    }
}

TEST_F(Native, TestExchangeAndMoves)
{
    for (int round = 0; round < rounds; ++round)
        for (u8 reg = 0; reg < 8; ++reg) {
            if (reg == stack_pointer) continue;
            for (u8 const opcode : {0x84, 0x85}) compare_with_modrm({opcode}, reg, {}, Rflags::AuxiliaryCarry::mask);
            for (u8 opcode = 0x86; opcode <= 0x8b; ++opcode) compare_with_modrm({opcode}, reg, {}, 0);
            compare_with_modrm({0x63}, reg, {}, 0);
            for (u8 const opcode : {0xb6, 0xb7, 0xbe, 0xbf}) compare_with_modrm({0x0f, opcode}, reg, {}, 0);
        }
}

TEST_F(Native, BitOperations)
{
    u64 const undefined = arithmetic_flags & ~(Rflags::Carry::mask | Rflags::Zero::mask);
    for (int round = 0; round < rounds * 4; ++round) {
        for (u8 reg = 4; reg < 8; ++reg) compare_with_modrm({0x0f, 0xba}, reg, random_bytes(1), undefined);
        for (u8 const opcode : {0xa3, 0xab, 0xb3, 0xbb})
            for (std::vector<u8> const& prefixes : {std::vector<u8>{}, {0x66}, {0x48}}) {
                std::vector<u8> bytes = prefixes;
                bytes.insert(bytes.end(), {0x0f, opcode, 0x43, 8}); // %rax with 8(%rbx)
                randomize();
                registers[Gpr::Rax] = random() % 512 - 256;
                compare(bytes, undefined);
            }
    }
}

TEST_F(Native, HighByteRegisters)
{
    for (int round = 0; round < rounds * 4; ++round)
        for (u8 opcode : {0x00, 0x02, 0x28, 0x2a, 0x38, 0x86, 0x88, 0x8a})
            for (u8 reg = 4; reg < 8; ++reg) {
                randomize();
                compare({opcode, static_cast<u8>(0x43 | reg << 3), 8});
            }
}

TEST_F(Native, RegisterForms)
{
    for (int round = 0; round < rounds; ++round)
        for (u8 const opcode : {0x00, 0x01, 0x02, 0x03, 0x28, 0x29, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b})
            for (unsigned modrm = 0xc0; modrm < 0x100; ++modrm) {
                if ((modrm & 7) == stack_pointer || (modrm >> 3 & 7) == stack_pointer) continue;
                randomize();
                compare({opcode, static_cast<u8>(modrm)});
                compare({0x48, opcode, static_cast<u8>(modrm)});
                compare({0x66, opcode, static_cast<u8>(modrm)});
            }
}

TEST_F(Native, Strings)
{
    for (int round = 0; round < rounds * 4; ++round)
        for (u8 const opcode : {0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad})
            for (std::vector<u8> const& prefixes :
                 {std::vector<u8>{}, {0x66}, {0x48}, {0xf3}, {0xf3, 0x48}, {0xf2, 0x66}}) {
                randomize();
                registers[Gpr::Rsi] = registers[Gpr::Rbx] - 24 + random() % 32;
                registers[Gpr::Rdi] = registers[Gpr::Rbx] - 24 + random() % 32;
                registers[Gpr::Rcx] = random() % 8;
                if (random() % 2 == 0) registers.rflags |= Rflags::Direction::mask;
                std::vector<u8> bytes = prefixes;
                bytes.push_back(opcode);
                compare(bytes);
            }
}

}
}
