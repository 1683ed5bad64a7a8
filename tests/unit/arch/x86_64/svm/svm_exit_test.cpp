// SPDX-License-Identifier: MIT
#include "arch/x86_64/irq/vectors.hpp"
#include "arch/x86_64/svm/svm_vcpu.hpp"

#include <gtest/gtest.h>
#include <memory>

using namespace hospes;
using namespace hospes::svm;
using arch::ExitKind;

namespace {

arch::Exit exit_of(u64 code, u64 first = 0, u64 second = 0)
{
    auto const vmcb = std::make_unique<Vmcb>();
    vmcb->exit_code = code;
    vmcb->exit_information_1 = first;
    vmcb->exit_information_2 = second;
    return describe_exit(*vmcb);
}

}

TEST(SvmExit, TellsAReadOfAnMsrFromAWrite)
{
    EXPECT_EQ(exit_of(exit_code::msr, 0).kind, ExitKind::ReadMsr);
    EXPECT_EQ(exit_of(exit_code::msr, 1).kind, ExitKind::WriteMsr);
}

TEST(SvmExit, DescribesAPort)
{
    constexpr u64 in_of_two_bytes_at_3fd = 0x3fd << 16 | 1 << 5 | 1;
    arch::Exit const exit = exit_of(exit_code::port, in_of_two_bytes_at_3fd);
    ASSERT_EQ(exit.kind, ExitKind::Port);
    EXPECT_EQ(exit.port.port, 0x3fd);
    EXPECT_EQ(exit.port.bytes, 2);
    EXPECT_FALSE(exit.port.write);
    EXPECT_FALSE(exit.port.string);
}

TEST(SvmExit, DescribesAMemoryFault)
{
    constexpr u64 write_in_page_walk = 1 << 1 | u64{1} << 33;
    arch::Exit const exit = exit_of(exit_code::nested_fault, write_in_page_walk, 0xfec0'0010);
    ASSERT_EQ(exit.kind, ExitKind::MemoryFault);
    EXPECT_EQ(exit.memory.where.raw(), 0xfec0'0010u);
    EXPECT_TRUE(exit.memory.write);
    EXPECT_TRUE(exit.memory.in_page_walk);
    EXPECT_FALSE(exit.memory.execute);
    EXPECT_FALSE(exit.memory.in_delivery);
}

TEST(SvmExit, TellsAFaultInTheDeliveryOfAnEvent)
{
    Vmcb vmcb{};
    vmcb.exit_code = exit_code::nested_fault;
    vmcb.exit_interrupt_information = 0x8000'0306; // valid, an exception, #UD (APM vol. 2, 15.7.2)
    EXPECT_TRUE(describe_exit(vmcb).memory.in_delivery);
}

TEST(SvmExit, DescribesAnExceptionAndKeepsMachineChecks)
{
    arch::Exit const alignment = exit_of(exit_code::exception_first + exception::alignment_check);
    ASSERT_EQ(alignment.kind, ExitKind::Exception);
    EXPECT_EQ(alignment.exception.vector, exception::alignment_check);
    EXPECT_TRUE(alignment.exception.has_error_code);
    arch::Exit const debug = exit_of(exit_code::exception_first + exception::debug);
    ASSERT_EQ(debug.kind, ExitKind::Exception);
    EXPECT_FALSE(debug.exception.has_error_code);
    EXPECT_EQ(exit_of(exit_code::exception_first + exception::machine_check).kind, ExitKind::MachineCheck);
}

TEST(SvmExit, SaysWhatItDoesNotKnow)
{
    constexpr u64 no_such_code = 0x3ff;
    arch::Exit const exit = exit_of(no_such_code, 7, 9);
    ASSERT_EQ(exit.kind, ExitKind::Unknown);
    EXPECT_EQ(exit.unknown.code, no_such_code);
    EXPECT_EQ(exit.unknown.first, 7u);
    EXPECT_EQ(exit.unknown.second, 9u);
    EXPECT_EQ(exit_of(exit_code::invalid).kind, ExitKind::EntryFailure);
    EXPECT_EQ(exit_of(u64{static_cast<u32>(exit_code::invalid)}).kind, ExitKind::EntryFailure);
}
