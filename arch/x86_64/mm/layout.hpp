// SPDX-License-Identifier: MIT
/// The hypervisor's virtual address space. One set of tables for all CPUs; nothing in the lower half.
///
///     0xffff'8000'0000'0000  64 TiB   direct map: host-physical address + this
///     0xffff'c000'0000'0000  64 TiB   device registers, uncached, handed out upwards
///     0xffff'ffff'8000'0000   1 GiB   the image: its physical address + this
#pragma once

#include "kernel/lib/address.hpp"

namespace hospes::layout {

inline constexpr u64 direct_map = 0xffff'8000'0000'0000;
inline constexpr u64 direct_map_bytes = u64{64} * 1024 * gib;
inline constexpr u64 devices = 0xffff'c000'0000'0000;
inline constexpr u64 devices_bytes = u64{64} * 1024 * gib;
inline constexpr u64 image = 0xffff'ffff'8000'0000;

}
