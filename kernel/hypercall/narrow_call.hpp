// SPDX-License-Identifier: MIT
/// Hypercalls of 32-bit callers. Handlers know one form of each structure, the 64-bit one, and find it at addresses
/// that no guest can name: windows. Behind a window lies the caller's own structure, or an array of them, in its narrow
/// form (kernel/abi/compat). It is widened when it is copied in, and narrowed when it is copied out (guest_memory.hpp):
///
///     handler ── copies T at a window's address ──▶ guest_memory ── not the guest's memory ──▶ NarrowCall
///                                                        ▲                                        │ other layout
///                                                        └────── copies the caller's form ────────┘
///
/// A 64-bit caller's way through all of this is the one it would have if there were no others.
#pragma once

#include <array>
#include <span>

#include "kernel/abi/compat/calls.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes {

/// What a 32-bit caller has in its registers.
using NarrowArguments = std::array<u32, 5>;

struct NarrowResult {
    u32 value = 0;
    bool restart = false; ///< as in HypercallResult
};

/// dispatch_hypercall() for a 32-bit caller. Its pointers are linear addresses below 4 GiB.
[[nodiscard]] NarrowResult dispatch_narrow_hypercall(Vcpu& caller, u32 number, NarrowArguments& arguments);

/// One hypercall of a 32-bit caller, while it lasts: Vcpu::narrow_call.
class NarrowCall {
public:
    explicit NarrowCall(Vcpu& caller);
    NarrowCall(NarrowCall const&) = delete;
    NarrowCall& operator=(NarrowCall const&) = delete;
    ~NarrowCall();

    /// A call inside this one, with its arguments as an entry of a multicall has them.
    [[nodiscard]] HypercallResult dispatch_inner(u64 number, HypercallArguments& arguments);

    // What handlers copy from or to where no guest has memory, in whole structures. BadAddress unless that is a window,
    // and if the caller's memory behind it cannot be reached.
    [[nodiscard]] Expected<> read(std::span<u8> out, u64 wide);
    [[nodiscard]] Expected<> write(u64 wide, std::span<u8 const> bytes);

private:
    friend NarrowResult dispatch_narrow_hypercall(Vcpu& caller, u32 number, NarrowArguments& arguments);

    /// Windows by what they are for. Each call has its own argument; a call inside another must not take the outer's.
    enum Slot : u8 { Entries, Structure, FirstArray };
    static constexpr size_t windows = FirstArray + 3;

    struct Window {
        u32 narrow = 0; ///< where the caller's array begins
        compat::Layout const* layout = nullptr;
    };
    /// An element of a window's array.
    struct Element {
        compat::Layout const* layout;
        u64 narrow;
    };

    [[nodiscard]] u64 open(u8 slot, u32 narrow, compat::Layout const& layout);
    /// Null where there is none.
    [[nodiscard]] Window const* window_at(u64 wide) const;
    /// The caller's address behind a wide one, which may not be a window's.
    [[nodiscard]] u64 narrowed(u64 wide) const;
    [[nodiscard]] Expected<Element> element(u64 wide, size_t bytes) const;
    void widen(compat::Layout const& layout, u8 const* narrow, u8* wide);
    void narrow(compat::Layout const& layout, u8 const* wide, u8* narrow) const;

    using Dispatch = HypercallResult (*)(Vcpu&, u64, HypercallArguments&);
    [[nodiscard]] HypercallResult run(u64 number, NarrowArguments& arguments, Dispatch dispatch);
    [[nodiscard]] HypercallArguments widened(compat::CallRule const& rule, compat::CommandRule const* command,
                                             NarrowArguments const& arguments);
    [[nodiscard]] bool take_back(HypercallArguments const& from, NarrowArguments& arguments) const;

    Vcpu& caller_;
    std::array<Window, windows> windows_{};
};

}
