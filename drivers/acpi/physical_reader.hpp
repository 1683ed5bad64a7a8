// SPDX-License-Identifier: MIT
/// How the ACPI code reaches memory: always by copy, always checked. Tests and fuzzers supply their own.
#pragma once

#include <array>
#include <bit>
#include <optional>
#include <span>
#include <type_traits>

#include "kernel/lib/address.hpp"

namespace hospes::acpi {

class PhysicalReader {
public:
    /// Copies `out.size()` bytes from `where`. False, with arbitrary bytes in `out`, if any of them does not lie in
    /// memory where firmware may keep tables.
    [[nodiscard]] virtual bool read(Hpa where, std::span<u8> out) const = 0;

protected:
    ~PhysicalReader() = default;
};

/// One object as it lies in memory.
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::optional<T> read_object(PhysicalReader const& memory, Hpa where)
{
    std::array<u8, sizeof(T)> bytes{};
    if (!memory.read(where, bytes)) return std::nullopt;
    return std::bit_cast<T>(bytes);
}

}
