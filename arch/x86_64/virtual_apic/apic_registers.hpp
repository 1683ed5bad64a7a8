// SPDX-License-Identifier: MIT
/// The local APIC's registers as a guest sees them. (SDM vol. 3, chapter 11; APM vol. 2, chapter 16)
#pragma once

#include <array>
#include <utility>

#include "kernel/lib/bit_register.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes::arch {

/// Offset in the xAPIC page divided by 16; x2APIC MSRs are 0x800 plus the same number.
enum class ApicRegister : u8 {
    Id = 0x02,
    Version = 0x03,
    TaskPriority = 0x08,
    ArbitrationPriority = 0x09,
    ProcessorPriority = 0x0a,
    EndOfInterrupt = 0x0b,
    LogicalDestination = 0x0d,
    DestinationFormat = 0x0e,
    SpuriousVector = 0x0f,
    InService = 0x10,   ///< eight of them
    TriggerMode = 0x18, ///< eight
    Request = 0x20,     ///< eight
    ErrorStatus = 0x28,
    CorrectedError = 0x2f,
    CommandLow = 0x30,
    CommandHigh = 0x31,
    TimerVector = 0x32,
    ThermalVector = 0x33,
    PerformanceVector = 0x34,
    Line0Vector = 0x35,
    Line1Vector = 0x36,
    ErrorVector = 0x37,
    InitialCount = 0x38,
    CurrentCount = 0x39,
    DivideConfiguration = 0x3e,
    SelfInterrupt = 0x3f,
};
inline constexpr unsigned apic_register_count = 64;
inline constexpr unsigned apic_register_bytes = 16; ///< from one to the next in the page

inline constexpr u64 apic_page = 0xfee0'0000;
inline constexpr u32 x2apic_first_msr = 0x800;

/// How the guest reaches its APIC.
enum class ApicMode : u8 { Disabled, Page, Msrs };

enum class ApicDeliveryMode : u8 {
    Fixed = 0,
    LowestPriority = 1,
    Smi = 2,
    Nmi = 4,
    Init = 5,
    Startup = 6,
    External = 7
};
enum class ApicShorthand : u8 { None = 0, Self = 1, All = 2, Others = 3 };
enum class ApicTimerMode : u8 { OneShot = 0, Periodic = 1, TscDeadline = 2 };

/// (SDM vol. 3, figure 11-12)
struct ApicCommand : Register<ApicCommand> {
    using Register::Register;
    using Vector = Field<ApicCommand, 7, 0, u8>;
    using Mode = Field<ApicCommand, 10, 8, ApicDeliveryMode>;
    using Logical = Field<ApicCommand, 11>;
    using Assert = Field<ApicCommand, 14>;
    using Level = Field<ApicCommand, 15>;
    using Shorthand = Field<ApicCommand, 19, 18, ApicShorthand>;
    using Destination = Field<ApicCommand, 63, 32, u32>;      ///< x2APIC
    using ShortDestination = Field<ApicCommand, 63, 56, u32>; ///< xAPIC
};

/// (SDM vol. 3, figure 11-8)
struct LocalVector : Register<LocalVector> {
    using Register::Register;
    using Vector = Field<LocalVector, 7, 0, u8>;
    using Masked = Field<LocalVector, 16>;
    using TimerMode = Field<LocalVector, 18, 17, ApicTimerMode>;
};

struct SpuriousVectorRegister : Register<SpuriousVectorRegister> {
    using Register::Register;
    using Enabled = Field<SpuriousVectorRegister, 8>;
};

namespace apic_error {
inline constexpr u32 send_illegal_vector = 1 << 5;
inline constexpr u32 receive_illegal_vector = 1 << 6;
inline constexpr u32 all = 0xff;
}

/// An interrupt on its way: from an ICR, an MSI or an IOAPIC pin.
struct ApicMessage {
    u32 destination = 0;
    bool logical = false;
    ApicDeliveryMode mode = ApicDeliveryMode::Fixed;
    u8 vector = 0;
    bool level = false;
};

}
