// SPDX-License-Identifier: MIT
/// Bits as the interrupt hardware wants them, and the allocation of vectors.
#include <gtest/gtest.h>

#include "arch/x86_64/irq/io_apic.hpp"
#include "arch/x86_64/irq/irq.hpp"
#include "arch/x86_64/irq/local_apic_registers.hpp"
#include "arch/x86_64/irq/vector_allocator.hpp"

namespace hospes {
namespace {

TEST(RedirectionEntry, StartsMaskedWithItsTarget)
{
    constexpr auto entry = RedirectionEntry::fixed(0x31, 0x02, TriggerMode::Edge, Polarity::ActiveHigh);
    static_assert(entry.raw() == 0x0200'0000'0001'0031);
    EXPECT_TRUE(entry.get<RedirectionEntry::Masked>());
}

TEST(RedirectionEntry, EncodesAPciInterrupt)
{
    auto const entry = RedirectionEntry::fixed(0x40, 0x01, TriggerMode::Level, Polarity::ActiveLow)
                           .with<RedirectionEntry::Masked>(false);
    EXPECT_EQ(entry.raw(), 0x0100'0000'0000'a040u);
}

TEST(LocalVector, EncodesTheTimer)
{
    auto const deadline =
        LocalVector{}.with<LocalVector::Vector>(vectors::timer).with<LocalVector::Mode>(TimerMode::TscDeadline);
    EXPECT_EQ(deadline.raw(), 0x4'00fcu);
    EXPECT_EQ(LocalVector{}.with<LocalVector::Delivery>(DeliveryMode::Nmi).raw(), 0x400u);
    EXPECT_EQ(LocalVector{}.with<LocalVector::Masked>(true).raw(), 0x1'0000u);
}

TEST(InterruptCommand, EncodesStartup)
{
    using Command = InterruptCommand;
    auto const command = Command{}
                             .with<Command::Delivery>(DeliveryMode::Startup)
                             .with<Command::Vector>(8)
                             .with<Command::Assert>(true)
                             .with<Command::X2apicDestination>(0x1'0003);
    EXPECT_EQ(command.raw(), 0x0001'0003'0000'4608u);
}

TEST(MsiMessage, NamesVectorAndTarget)
{
    static_assert(irq::msi_message(0x42, 3) == irq::MsiMessage{0xfee0'3000, 0x42});
}

TEST(VectorAllocator, GivesEachDeviceVectorOnce)
{
    VectorAllocator allocator;
    for (unsigned vector = vectors::first_device; vector <= vectors::last_device; ++vector)
        EXPECT_EQ(allocator.allocate(), vector);
    EXPECT_EQ(allocator.allocate(), failure(Error::NoSpace));
}

TEST(VectorAllocator, TakesVectorsBack)
{
    VectorAllocator allocator;
    u8 const first = *allocator.allocate();
    u8 const second = *allocator.allocate();
    EXPECT_NE(first, second);
    allocator.release(first);
    EXPECT_EQ(allocator.allocate(), first);
}

TEST(VectorAllocator, DoesNotTouchTheHypervisorsOwn)
{
    VectorAllocator allocator;
    allocator.release(vectors::timer);
    allocator.release(exception::page_fault);
    EXPECT_EQ(allocator.allocate(), vectors::first_device);
    EXPECT_FALSE(VectorAllocator::is_device_vector(vectors::kick));
}

}
}
