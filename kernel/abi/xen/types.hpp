// SPDX-License-Identifier: MIT
/// The vocabulary of the Xen ABI: domain numbers, pointers held by guests, and the test every
/// structure here passes.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "kernel/lib/integers.hpp"

namespace hospes::xen {

/// A domain's number as the ABI carries it. (xen/include/public/xen.h, domid_t)
using DomainId = u16;
/// The toolstack's UUID for a domain. (xen/include/public/xen.h, xen_domain_handle_t)
using DomainHandle = std::array<u8, 16>;
/// An event channel's number within one domain. (xen/include/public/event_channel.h, evtchn_port_t)
using EventPort = u32;
/// An index into a grant table. (xen/include/public/grant_table.h, grant_ref_t)
using GrantReference = u32;

/// A guest's claim that `address`, in its current address space, points at T. Nothing about it is
/// believed: it is only ever given to the functions that copy from and to guests.
/// (xen/include/public/arch-x86/xen.h, XEN_GUEST_HANDLE)
template <typename T>
struct GuestHandle {
    u64 address;

    [[nodiscard]] constexpr bool is_null() const { return address == 0; }
};
static_assert(sizeof(GuestHandle<u8>) == 8);

/// True of a type every byte of which is a named member: copying one out can leak nothing that the
/// compiler left between members, and copying one in leaves nothing unread.
template <typename T>
inline constexpr bool has_no_hidden_bytes =
    std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> && std::has_unique_object_representations_v<T>;

/// Domain numbers with a meaning of their own. (xen/include/public/xen.h, DOMID_*)
inline constexpr DomainId domid_first_reserved = 0x7FF0;
inline constexpr DomainId domid_self = 0x7FF0;    // whoever makes the call
inline constexpr DomainId domid_io = 0x7FF1;      // owner of memory-mapped input and output
inline constexpr DomainId domid_xen = 0x7FF2;     // the hypervisor itself
inline constexpr DomainId domid_cow = 0x7FF3;     // owner of shared pages
inline constexpr DomainId domid_invalid = 0x7FF4; // in domctl createdomain: "choose a number for me"
inline constexpr DomainId domid_idle = 0x7FFF;
inline constexpr DomainId domid_mask = 0x7FFF;

/// A bitmap in guest memory; `nr_bits` is the capacity the caller offers. (xen/include/public/xen.h)
struct ControlBitmap {
    GuestHandle<u8> bitmap;
    u32 nr_bits;
    u32 pad;
};
static_assert(sizeof(ControlBitmap) == 16 && has_no_hidden_bytes<ControlBitmap>);
static_assert(offsetof(ControlBitmap, nr_bits) == 8);

}
