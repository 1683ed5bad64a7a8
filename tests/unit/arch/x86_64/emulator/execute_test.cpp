// SPDX-License-Identifier: MIT
/// What executed instructions do to registers and memory.
#include "arch/x86_64/emulator/execute.hpp"

#include <gtest/gtest.h>

#include "arch/x86_64/emulator/decode.hpp"
#include "tests/unit/arch/x86_64/emulator/assembled_samples.hpp"
#include "tests/unit/arch/x86_64/emulator/fake_memory.hpp"

namespace hospes::emulator::test {
namespace {

constexpr u64 pattern = 0x8877'6655'4433'2211;
constexpr u64 device = 0xfee0'0000;

class Execute : public ::testing::Test {
protected:
    Execute()
    {
        registers.rip = 0x1000;
        registers.rflags = 0x2;
        for (size_t i = 0; i < registers.gpr.size(); ++i) registers.gpr[i] = 0x1111'1111'1111'1111 * i;
        registers[Gpr::Rbx] = device;
        memory.put(device, pattern);
    }

    Expected<Progress> run(std::vector<u8> const& bytes, Mode mode = Mode::Bits64)
    {
        auto const instruction = decode(bytes, mode);
        EXPECT_TRUE(instruction.has_value());
        if (!instruction) return failure(Error::Invalid);
        return execute(*instruction, registers, memory);
    }

    void completes(std::vector<u8> const& bytes, Mode mode = Mode::Bits64)
    {
        u64 const next = registers.rip + bytes.size();
        EXPECT_EQ(run(bytes, mode), Progress::Completed);
        EXPECT_EQ(registers.rip, next);
    }

    /// Where `mov address, %eax` reads from.
    u64 address_read_by(std::vector<u8> const& bytes, Mode mode = Mode::Bits64)
    {
        memory.log.clear();
        completes(bytes, mode);
        EXPECT_EQ(memory.log.size(), 1u);
        return memory.log.empty() ? 0 : memory.log.front().address;
    }

    GuestRegisters registers;
    FakeMemory memory;
};

TEST_F(Execute, LoadsOfEveryWidth)
{
    registers[Gpr::Rax] = ~u64{0};
    completes({0x8a, 0x03}); // mov (%rbx), %al
    EXPECT_EQ(registers[Gpr::Rax], 0xffff'ffff'ffff'ff11);
    completes({0x66, 0x8b, 0x03}); // mov (%rbx), %ax
    EXPECT_EQ(registers[Gpr::Rax], 0xffff'ffff'ffff'2211);
    completes({0x8b, 0x03}); // mov (%rbx), %eax
    EXPECT_EQ(registers[Gpr::Rax], 0x0000'0000'4433'2211);
    completes({0x48, 0x8b, 0x03}); // mov (%rbx), %rax
    EXPECT_EQ(registers[Gpr::Rax], pattern);
}

TEST_F(Execute, StoresOfEveryWidth)
{
    registers[Gpr::Rdx] = 0xa8a7'a6a5'a4a3'a2a1;
    completes({0x88, 0x13});
    completes({0x66, 0x89, 0x13});
    completes({0x89, 0x13});
    completes({0x48, 0x89, 0x13});
    std::vector<Access> const expected{{true, device, 0xa1, 1},
                                       {true, device, 0xa2a1, 2},
                                       {true, device, 0xa4a3'a2a1, 4},
                                       {true, device, 0xa8a7'a6a5'a4a3'a2a1, 8}};
    EXPECT_EQ(memory.log, expected); // a store does not read
}

TEST_F(Execute, HighByteRegistersExistOnlyWithoutRex)
{
    registers[Gpr::Rax] = 0;
    completes({0x8a, 0x23}); // mov (%rbx), %ah
    EXPECT_EQ(registers[Gpr::Rax], 0x1100u);
    u64 const stack = registers[Gpr::Rsp];
    completes({0x40, 0x8a, 0x23}); // mov (%rbx), %spl
    EXPECT_EQ(registers[Gpr::Rax], 0x1100u);
    EXPECT_EQ(registers[Gpr::Rsp], (stack & ~u64{0xff}) | 0x11);
    registers[Gpr::Rdx] = 0xabcd;
    completes({0x88, 0x33}); // mov %dh, (%rbx)
    EXPECT_EQ(memory.get(device) & 0xff, 0xabu);
}

TEST_F(Execute, ImmediatesAreSignExtended)
{
    completes({0x48, 0xc7, 0x03, 0xfe, 0xff, 0xff, 0xff});
    EXPECT_EQ(memory.get(device), ~u64{1});
    completes({0xc6, 0x03, 0x80});
    EXPECT_EQ(memory.log.back(), (Access{true, device, 0x80, 1}));
}

TEST_F(Execute, ExtendingLoads)
{
    memory.put(device, 0xffff'ffff'8000'ff80);
    completes({0x0f, 0xb6, 0x0b}); // movzbl
    EXPECT_EQ(registers[Gpr::Rcx], 0x80u);
    completes({0x0f, 0xbe, 0x0b}); // movsbl
    EXPECT_EQ(registers[Gpr::Rcx], 0xffff'ff80u);
    completes({0x48, 0x0f, 0xb7, 0x0b}); // movzwq
    EXPECT_EQ(registers[Gpr::Rcx], 0xff80u);
    completes({0x48, 0x0f, 0xbf, 0x0b}); // movswq
    EXPECT_EQ(registers[Gpr::Rcx], 0xffff'ffff'ffff'ff80u);
    completes({0x48, 0x63, 0x0b}); // movslq
    EXPECT_EQ(registers[Gpr::Rcx], 0xffff'ffff'8000'ff80u);
    completes({0x66, 0x0f, 0xbe, 0x0b}); // movsbw: the rest of RCX stays
    EXPECT_EQ(registers[Gpr::Rcx], 0xffff'ffff'8000'ff80u);
    EXPECT_EQ(memory.log.front().bytes, 1u);
}

TEST_F(Execute, AbsoluteOffsets)
{
    memory.put(0x1234'5678'9abc, 42);
    completes({0x48, 0xa1, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12, 0, 0});
    EXPECT_EQ(registers[Gpr::Rax], 42u);
    registers[Gpr::Rax] = 7;
    completes({0xa3, 0x00, 0x00, 0xe0, 0xfe}, Mode::Bits32);
    EXPECT_EQ(memory.log.back(), (Access{true, device, 7, 4}));
}

TEST_F(Execute, AddressesIn64BitMode)
{
    registers[Gpr::R13] = 0x1'0000'0000;
    registers[Gpr::R12] = 3;
    EXPECT_EQ(address_read_by({0x43, 0x8b, 0x44, 0xe5, 0xf8}), 0x1'0000'0000u + 24 - 8); // -8(%r13,%r12,8)
    registers.segment_base = {1, 2, 3, 4, 0x5000, 0xffff'8000'0000'0000};
    EXPECT_EQ(address_read_by({0x8b, 0x03}), device); // DS has no base here
    EXPECT_EQ(address_read_by({0x64, 0x8b, 0x03}), device + 0x5000);
    EXPECT_EQ(address_read_by({0x65, 0x8b, 0x04, 0x25, 0x10, 0, 0, 0}), 0xffff'8000'0000'0010);
    registers.rip = 0x2000;
    EXPECT_EQ(address_read_by({0x8b, 0x05, 0xf0, 0xff, 0xff, 0xff}), 0x2000u + 6 - 16);
    registers.rip = 0x2000; // an immediate behind the displacement counts too
    completes({0xc7, 0x05, 0, 1, 0, 0, 1, 2, 3, 4});
    EXPECT_EQ(memory.log.back().address, 0x2000u + 10 + 0x100);
    registers[Gpr::Rbx] = 0xffff'ffff'ffff'fff0;
    EXPECT_EQ(address_read_by({0x67, 0x8b, 0x43, 0x20}), 0x10u); // 0x20(%ebx)
}

TEST_F(Execute, AddressesIn32BitMode)
{
    registers.segment_base = {0, 0, 0x2000'0000, 0x1000'0000, 0, 0};
    registers[Gpr::Rbx] = 0xdead'0000'f000'0000;
    EXPECT_EQ(address_read_by({0x8b, 0x43, 0x10}, Mode::Bits32), 0x10u); // wraps at 4 GiB
    registers[Gpr::Rbp] = 0x40;
    EXPECT_EQ(address_read_by({0x8b, 0x45, 0x04}, Mode::Bits32), 0x2000'0044u);
    EXPECT_EQ(address_read_by({0x8b, 0x05, 4, 3, 2, 1}, Mode::Bits32), 0x1102'0304u);
}

TEST_F(Execute, AddressesIn16BitMode)
{
    registers.segment_base[std::to_underlying(Segment::Ds)] = 0xb8000;
    registers[Gpr::Rbx] = 0xfff0;
    registers[Gpr::Rsi] = 0x0020;
    EXPECT_EQ(address_read_by({0x8b, 0x00}, Mode::Bits16), 0xb8010u); // (%bx,%si) wraps at 64 KiB
    EXPECT_EQ(address_read_by({0x8b, 0x06, 0x34, 0x12}, Mode::Bits16), 0xb9234u);
}

TEST_F(Execute, ReadModifyWrite)
{
    memory.put(device, 0x0000'00f0);
    registers[Gpr::Rax] = 0xff;
    completes({0x21, 0x03}); // and %eax, (%rbx)
    EXPECT_EQ(memory.get(device), 0xf0u);
    completes({0x83, 0x0b, 0x0f}); // or $15, (%rbx)
    EXPECT_EQ(memory.get(device), 0xffu);
    completes({0xfe, 0x03}); // incb (%rbx)
    EXPECT_EQ(memory.get(device), 0u);
    EXPECT_TRUE(Rflags{registers.rflags}.get<Rflags::Zero>());
    completes({0xf7, 0x13}); // notl (%rbx)
    EXPECT_EQ(memory.get(device), 0xffff'ffffu);
    completes({0x33, 0x03}); // xor (%rbx), %eax
    EXPECT_EQ(registers[Gpr::Rax], 0xffff'ff00u);
}

TEST_F(Execute, ComparisonsDoNotWrite)
{
    completes({0xf7, 0x03, 0, 0, 0, 0}); // testl $0, (%rbx)
    completes({0x39, 0x03});             // cmp %eax, (%rbx)
    completes({0x0f, 0xba, 0x23, 0x00}); // bt $0, (%rbx)
    for (Access const& access : memory.log) EXPECT_FALSE(access.is_write);
    EXPECT_TRUE(Rflags{registers.rflags}.get<Rflags::Carry>());
}

TEST_F(Execute, Exchange)
{
    registers[Gpr::Rcx] = 0xffff'ffff'0000'0001;
    completes({0x87, 0x0b}); // xchg %ecx, (%rbx)
    EXPECT_EQ(registers[Gpr::Rcx], 0x4433'2211u);
    EXPECT_EQ(memory.get(device), 0x8877'6655'0000'0001);
}

TEST_F(Execute, BitNumbersInRegistersReachFurther)
{
    registers[Gpr::Rcx] = 67; // bit 3 of the third doubleword
    completes({0x0f, 0xab, 0x0b});
    EXPECT_EQ(memory.log.back(), (Access{true, device + 8, 8, 4}));
    registers[Gpr::Rcx] = 0xffff'ffff; // -1
    completes({0x0f, 0xab, 0x0b});
    EXPECT_EQ(memory.log.back(), (Access{true, device - 4, 0x8000'0000, 4}));
    completes({0x0f, 0xba, 0x2b, 67}); // an immediate does not
    EXPECT_EQ(memory.log.back().address, device);
}

TEST_F(Execute, FailuresLeaveRegistersAlone)
{
    GuestRegisters const before = registers;
    memory.failing_read = device;
    EXPECT_EQ(run({0x8b, 0x03}), failure(Error::BadAddress));
    EXPECT_EQ(run({0x01, 0x03}), failure(Error::BadAddress));
    memory.failing_read.reset();
    memory.failing_write = device;
    EXPECT_EQ(run({0x01, 0x03}), failure(Error::AccessDenied));
    EXPECT_EQ(run({0x87, 0x03}), failure(Error::AccessDenied));
    EXPECT_EQ(run({0x89, 0x03}), failure(Error::AccessDenied));
    EXPECT_EQ(registers.gpr, before.gpr);
    EXPECT_EQ(registers.rip, before.rip);
    EXPECT_EQ(registers.rflags, before.rflags);
}

TEST_F(Execute, InstructionsThatAreOnlyDecodedAreRefused)
{
    EXPECT_EQ(run({0x0f, 0xa2}), failure(Error::NotSupported));
    EXPECT_EQ(run({0x6c}), failure(Error::NotSupported)); // INS wants ports
    EXPECT_EQ(registers.rip, 0x1000u);
}

TEST_F(Execute, InstructionPointerWrapsWithTheMode)
{
    registers.rip = 0xffff'fffe;
    EXPECT_EQ(run({0x8b, 0x03}, Mode::Bits32), Progress::Completed);
    EXPECT_EQ(registers.rip, 0u);
    registers.rip = 0xffff'fffe;
    EXPECT_EQ(run({0x8b, 0x03}), Progress::Completed);
    EXPECT_EQ(registers.rip, 0x1'0000'0000u);
}

TEST_F(Execute, MoveString)
{
    registers[Gpr::Rsi] = device;
    registers[Gpr::Rdi] = 0x5000;
    completes({0x48, 0xa5});
    EXPECT_EQ(memory.get(0x5000), pattern);
    EXPECT_EQ(registers[Gpr::Rsi], device + 8);
    EXPECT_EQ(registers[Gpr::Rdi], 0x5008u);
}

TEST_F(Execute, StringsRunDownwardsWithTheDirectionFlag)
{
    registers.rflags = Rflags{registers.rflags}.with<Rflags::Direction>(true).raw();
    registers[Gpr::Rdi] = 0x5000;
    registers[Gpr::Rcx] = 2;
    registers[Gpr::Rax] = 0xabcd;
    completes({0xf3, 0x66, 0xab}); // rep stosw
    EXPECT_EQ(memory.log, (std::vector<Access>{{true, 0x5000, 0xabcd, 2}, {true, 0x4ffe, 0xabcd, 2}}));
    EXPECT_EQ(registers[Gpr::Rdi], 0x4ffcu);
    EXPECT_EQ(registers[Gpr::Rcx], 0u);
}

TEST_F(Execute, LongRepeatsTakeSeveralCalls)
{
    registers[Gpr::Rdi] = 0x5000;
    registers[Gpr::Rcx] = max_elements_per_call + 1;
    EXPECT_EQ(run({0xf3, 0xaa}), Progress::Repeating);
    EXPECT_EQ(registers.rip, 0x1000u);
    EXPECT_EQ(registers[Gpr::Rcx], 1u);
    completes({0xf3, 0xaa});
    EXPECT_EQ(memory.log.size(), max_elements_per_call + 1);
}

TEST_F(Execute, ZeroRepeatsTouchNothing)
{
    registers[Gpr::Rcx] = 0;
    completes({0xf3, 0xa4});
    EXPECT_TRUE(memory.log.empty());
    registers[Gpr::Rcx] = 0xffff'ffff'0000'0000;
    completes({0x67, 0xf3, 0xa4}); // ECX counts, not RCX
    EXPECT_TRUE(memory.log.empty());
}

TEST_F(Execute, RepeatStopsAtTheFailingElement)
{
    registers[Gpr::Rdi] = 0x5000;
    registers[Gpr::Rcx] = 5;
    memory.failing_write = 0x5008;
    EXPECT_EQ(run({0xf3, 0xab}), failure(Error::AccessDenied));
    EXPECT_EQ(registers[Gpr::Rcx], 3u);
    EXPECT_EQ(registers[Gpr::Rdi], 0x5008u);
    EXPECT_EQ(registers.rip, 0x1000u);
}

TEST_F(Execute, StringIndicesHaveTheAddressSize)
{
    registers[Gpr::Rsi] = 0xaaaa'bbbb'cccc'fffe;
    completes({0xad}, Mode::Bits16); // lodsw: SI wraps, the rest stays
    EXPECT_EQ(registers[Gpr::Rsi], 0xaaaa'bbbb'cccc'0000);
    registers[Gpr::Rsi] = 0xaaaa'bbbb'ffff'ffff;
    completes({0x67, 0xac}); // lodsb (%esi): the upper half is cleared
    EXPECT_EQ(registers[Gpr::Rsi], 0u);
}

TEST_F(Execute, OnlyTheSourceOfAStringTakesAnOverride)
{
    registers.segment_base[std::to_underlying(Segment::Fs)] = 0x1000'0000;
    registers[Gpr::Rsi] = 0x10;
    registers[Gpr::Rdi] = 0x20;
    completes({0x64, 0xa4});
    EXPECT_EQ(memory.log, (std::vector<Access>{{false, 0x1000'0010, 0, 1}, {true, 0x20, 0, 1}}));
}

TEST_F(Execute, PortStrings)
{
    FakePorts ports;
    ports.next_input = 0x70;
    registers[Gpr::Rdx] = 0xffff'03f8;
    registers[Gpr::Rdi] = 0x5000;
    registers[Gpr::Rcx] = 2;
    auto const input = decode(std::vector<u8>{0xf3, 0x66, 0x6d}, Mode::Bits64); // rep insw
    EXPECT_EQ(execute_port_string(*input, registers, memory, ports), Progress::Completed);
    EXPECT_EQ(memory.get(0x5000), 0x0071'0070u);
    EXPECT_EQ(ports.log, (std::vector<Access>{{false, 0x3f8, 0, 2}, {false, 0x3f8, 0, 2}}));
    registers[Gpr::Rsi] = device;
    auto const output = decode(std::vector<u8>{0x6f}, Mode::Bits64); // outsl
    EXPECT_EQ(execute_port_string(*output, registers, memory, ports), Progress::Completed);
    EXPECT_EQ(ports.log.back(), (Access{true, 0x3f8, 0x4433'2211, 4}));
    EXPECT_EQ(registers[Gpr::Rsi], device + 4);
}

/// Whatever decodes either runs to its end or is refused, in memory-only terms and without harm.
TEST_F(Execute, EverySampleCompletesOrIsRefused)
{
    for (Sample const& sample : good_samples()) {
        auto const instruction = decode(sample.span(), sample.mode());
        ASSERT_TRUE(instruction) << sample.name();
        GuestRegisters scratch = registers;
        scratch[Gpr::Rcx] = 3;
        auto const progress = execute(*instruction, scratch, memory);
        if (progress)
            EXPECT_EQ(scratch.rip, registers.rip + sample.length) << sample.name();
        else
            EXPECT_EQ(progress, failure(Error::NotSupported)) << sample.name();
    }
}

}
}
