// SPDX-License-Identifier: MIT
/// Executes a decoded instruction on a copy of the guest's registers, with memory and ports as the caller provides
/// them.
///
/// Either all of an instruction happens or, on error, none of it as far as registers are concerned; a repeated string
/// instruction stops, as on hardware, after the elements it has completed. A device that was read stays read.
/// Memory is accessed once per element and direction; LOCK decodes, but atomicity is up to the Memory.
#pragma once

#include "arch/x86_64/emulator/instruction.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::emulator {

/// Guest memory and the devices in it, by linear address. `bytes` is 1, 2, 4 or 8, and the address need not be aligned.
class Memory {
public:
    [[nodiscard]] virtual Expected<u64> read(Gva linear, unsigned bytes) = 0;
    [[nodiscard]] virtual Expected<> write(Gva linear, u64 value, unsigned bytes) = 0;

protected:
    ~Memory() = default;
};

/// The I/O ports, for INS and OUTS. `bytes` is 1, 2 or 4.
class Ports {
public:
    [[nodiscard]] virtual Expected<u64> in(u16 port, unsigned bytes) = 0;
    [[nodiscard]] virtual Expected<> out(u16 port, u64 value, unsigned bytes) = 0;

protected:
    ~Ports() = default;
};

enum class Progress : u8 {
    Completed, ///< RIP is behind the instruction
    Repeating, ///< a REP with elements left: RIP is where it was; let the guest continue, it will exit here again
};

/// A call moves at most so many elements of a repeated string instruction.
inline constexpr unsigned max_elements_per_call = 64;

/// - Error::NotSupported  an operation that is only decoded (CPUID, IN, ...), or needs ports: see below
/// - any error of `memory`, as it is
/// The caller also ends the interrupt shadow and honours RFLAGS.TF when the instruction completed.
[[nodiscard]] Expected<Progress> execute(Instruction const& instruction, GuestRegisters& registers, Memory& memory);

/// The linear addresses that the instruction accesses first, before it has moved anything. None if it accesses no
/// memory.
struct AccessedAddresses {
    std::optional<Gva> first, second; ///< two only for MOVS
};
[[nodiscard]] AccessedAddresses accessed_addresses(Instruction const& instruction, GuestRegisters const& registers);

/// INS and OUTS; the port is DX. Permission to use it (CPL, IOPL, the TSS bitmap) was checked by the CPU.
/// - Error::NotSupported  another operation
/// - any error of `memory` or `ports`, as it is
[[nodiscard]] Expected<Progress> execute_port_string(Instruction const& instruction, GuestRegisters& registers,
                                                     Memory& memory, Ports& ports);

}
