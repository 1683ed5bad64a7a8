// SPDX-License-Identifier: MIT
/// Layout of the local APIC's registers. (SDM volume 3, table 11-1 and the figures named below.)
#pragma once

#include "kernel/lib/bit_register.hpp"

namespace hospes {

/// Offsets in the xAPIC page; in x2APIC mode, the MSR is msr::x2apic_register(offset).
enum class ApicRegister : u32 {
    Id = 0x20,
    Version = 0x30,
    TaskPriority = 0x80,
    EndOfInterrupt = 0xb0,
    LogicalDestination = 0xd0,
    SpuriousVector = 0xf0,
    ErrorStatus = 0x280,
    LocalCorrectedMachineCheck = 0x2f0,
    InterruptCommand = 0x300,
    InterruptCommandHigh = 0x310, ///< xAPIC only
    LocalTimer = 0x320,
    LocalThermal = 0x330,
    LocalPerformance = 0x340,
    LocalInterrupt0 = 0x350,
    LocalInterrupt1 = 0x360,
    LocalError = 0x370,
    TimerInitialCount = 0x380,
    TimerCurrentCount = 0x390,
    TimerDivide = 0x3e0,
};

/// (figure 11-7)
struct ApicVersion : Register<ApicVersion> {
    using Register::Register;
    using HighestLocalEntry = Field<ApicVersion, 23, 16, unsigned>;
};

/// (figure 11-23)
struct SpuriousVectorRegister : Register<SpuriousVectorRegister> {
    using Register::Register;
    using Vector = Field<SpuriousVectorRegister, 7, 0, u8>;
    using SoftwareEnable = Field<SpuriousVectorRegister, 8>;
};

enum class DeliveryMode : u8 { Fixed = 0, LowestPriority = 1, Smi = 2, Nmi = 4, Init = 5, Startup = 6, External = 7 };

enum class TimerMode : u8 { OneShot = 0, Periodic = 1, TscDeadline = 2 };

/// One entry of the local vector table. (figure 11-8)
struct LocalVector : Register<LocalVector> {
    using Register::Register;
    using Vector = Field<LocalVector, 7, 0, u8>;
    using Delivery = Field<LocalVector, 10, 8, DeliveryMode>;
    using Masked = Field<LocalVector, 16>;
    using Mode = Field<LocalVector, 18, 17, TimerMode>; ///< of the timer's entry
};

/// (figures 11-12 and 11-28)
struct InterruptCommand : Register<InterruptCommand> {
    using Register::Register;
    using Vector = Field<InterruptCommand, 7, 0, u8>;
    using Delivery = Field<InterruptCommand, 10, 8, DeliveryMode>;
    using SendPending = Field<InterruptCommand, 12>; ///< xAPIC only, read only
    using Assert = Field<InterruptCommand, 14>;
    using LevelTriggered = Field<InterruptCommand, 15>;
    using XapicDestination = Field<InterruptCommand, 63, 56, u32>;
    using X2apicDestination = Field<InterruptCommand, 63, 32, u32>;
};

/// The timer counts the bus clock itself. (figure 11-10)
inline constexpr u32 timer_divide_by_1 = 0b1011;

}
