// SPDX-License-Identifier: MIT
/// What stopped the guest: one vocabulary for both CPU vendors.
#pragma once

#include "kernel/lib/address.hpp"

namespace hospes::arch {

/// Those with something to say beside their kind stand last.
enum class ExitKind : u8 {
    HostInterrupt,   ///< a physical interrupt waits for the hypervisor: arch::run() lets it in
    HostNmi,         ///< a physical NMI; the backend has let the hypervisor's handler see it
    MachineCheck,    ///< #MC while the guest ran: the machine's, not the guest's
    InterruptWindow, ///< the guest can take an interrupt now
    NmiWindow,       ///< the guest can take an NMI now
    Cpuid,
    Halt,
    Hypercall,
    ReadMsr,
    WriteMsr,
    WriteXcr,           ///< XSETBV
    FlushCaches,        ///< INVD, WBINVD
    RefusedInstruction, ///< an instruction the guest's CPU does not have (virtualization, MONITOR, RDPRU, …)
    ControlRegister,    ///< MOV to or from a control register, LMSW: the backend carries it out
    TripleFault,
    TaskSwitch,
    EntryFailure, ///< the CPU refused the guest's state

    Exception, ///< an intercepted exception, to be reflected
    Port,
    MemoryFault,    ///< the second stage refused an access
    EndOfInterrupt, ///< the CPU has carried out the end of a level-triggered interrupt
    ApicWrite,      ///< the CPU has stored what the guest wrote to its APIC, and leaves the effect to us
    Unknown,
};
inline constexpr size_t exit_kind_count = static_cast<size_t>(ExitKind::Unknown) + 1;

/// Is there more to say about it than its kind?
[[nodiscard]] constexpr bool has_details(ExitKind kind) { return kind >= ExitKind::Exception; }

struct NoDetails {};

struct ExceptionExit {
    u8 vector = 0;
    bool has_error_code = false;
    u32 error_code = 0;
};

struct PortExit {
    u16 port = 0;
    u8 bytes = 0; ///< 1, 2 or 4
    bool write = false;
    bool string = false; ///< INS or OUTS
};

struct MemoryExit {
    Gpa where{};
    bool write = false;
    bool execute = false;
    bool reserved_bits = false; ///< the second stage itself is broken
    bool in_page_walk = false;  ///< the guest's own page tables are at `where`
    bool in_delivery = false;   ///< of an event: no instruction made the access
};

struct EndOfInterruptExit {
    u8 vector = 0;
};

struct ApicWriteExit {
    u16 offset = 0; ///< in the register page
};

struct UnknownExit {
    u64 code = 0;
    u64 first = 0;
    u64 second = 0;
};

/// Not constexpr: the compiler's error names it.
void this_kind_of_exit_needs_its_details();

/// A kind, and the details it has. The constructors are the only way to one, so that no details can be missing.
struct Exit {
    /// A kind without details; any other does not compile.
    consteval Exit(ExitKind of) : kind{of}, nothing{}
    {
        if (has_details(of)) this_kind_of_exit_needs_its_details();
    }
    constexpr Exit(ExceptionExit const& details) : kind{ExitKind::Exception}, exception{details} {}
    constexpr Exit(PortExit const& details) : kind{ExitKind::Port}, port{details} {}
    constexpr Exit(MemoryExit const& details) : kind{ExitKind::MemoryFault}, memory{details} {}
    constexpr Exit(EndOfInterruptExit const& details) : kind{ExitKind::EndOfInterrupt}, end_of_interrupt{details} {}
    constexpr Exit(ApicWriteExit const& details) : kind{ExitKind::ApicWrite}, apic_write{details} {}
    constexpr Exit(UnknownExit const& details) : kind{ExitKind::Unknown}, unknown{details} {}

    /// For kinds that a table tells at run time: the kind is all there is to say, or else `describe` makes the exit.
    /// The exit is made where the caller wants it, never copied: a copy would carry the union's unused bytes along.
    template <typename Describe>
    [[nodiscard]] static constexpr Exit made_of(ExitKind kind, Describe const& describe)
    {
        if (has_details(kind)) return describe();
        return Exit{kind, NoDetails{}};
    }

    ExitKind kind;
    union { // `kind` tells which one
        NoDetails nothing;
        ExceptionExit exception;
        PortExit port;
        MemoryExit memory;
        EndOfInterruptExit end_of_interrupt;
        ApicWriteExit apic_write;
        UnknownExit unknown;
    };

private:
    constexpr Exit(ExitKind of, NoDetails none) : kind{of}, nothing{none} {}
};

/// Something to be delivered through the guest's interrupt table.
struct Event {
    enum class Kind : u8 { Interrupt, Nmi, Exception };
    Kind kind = Kind::Interrupt;
    u8 vector = 0;
    bool has_error_code = false;
    u32 error_code = 0;
};

}
