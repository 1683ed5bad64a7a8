// SPDX-License-Identifier: MIT
/// What 32-bit test guests share: Xen's own headers as 32-bit code sees them, hypercalls, and a verdict.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

// The numbers of today, not those that the oldest callers use.
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#include <xen/xen.h>

#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

namespace hospes::test {

using Number = std::uint32_t;

inline constexpr Number page_bytes = 4096;

/// EBX, ECX, EDX, ESI, EDI.
using Registers = std::array<Number, 5>;
extern "C" Number call_page(Number number, Registers* registers);

template <typename T>
Number argument(T* pointer)
{
    return reinterpret_cast<Number>(pointer);
}
template <typename T>
    requires std::is_integral_v<T>
Number argument(T number)
{
    return static_cast<Number>(number);
}

/// A hypercall as a guest makes it; what it answers, with its sign.
template <typename... Arguments>
int hypercall(Number number, Arguments... arguments)
{
    Registers registers{argument(arguments)...};
    return static_cast<int>(call_page(number, &registers));
}

/// What this guest does, as far as paging matters.
struct NarrowGuest {
    std::string_view name;
    /// Switches paging on, if the guest has it.
    void (*prepare)();
};
extern NarrowGuest const this_guest;

void print(std::string_view text);
void report(bool holds, std::string_view what);
[[noreturn]] void finish();

/// Sets up the hypercall page.
void find_hypervisor();
/// Every family of hypercalls.
void call_all();

}
