// SPDX-License-Identifier: MIT
/// A machine's firmware memory in a vector, and a builder of ACPI tables in it. Shared by unit tests and fuzzers.
#pragma once

#include <cstring>
#include <string_view>
#include <vector>

#include "drivers/acpi/parse.hpp"

namespace hospes::test {

/// `size` bytes from physical address `base` on; nothing else can be read.
class FakeFirmware final : public acpi::PhysicalReader {
public:
    FakeFirmware(u64 base, size_t size) : base_{base}, bytes_(size) {}

    bool read(Hpa where, std::span<u8> out) const override
    {
        u64 const offset = where.raw() - base_;
        if (where.raw() < base_ || offset > bytes_.size() || bytes_.size() - offset < out.size()) return false;
        std::memcpy(out.data(), bytes_.data() + offset, out.size());
        return true;
    }

    u8& at(u64 address) { return bytes_.at(address - base_); }
    template <typename T>
    void put(u64 address, T const& value)
    {
        for (size_t i = 0; i < sizeof(T); ++i) at(address + i) = std::bit_cast<std::array<u8, sizeof(T)>>(value)[i];
    }
    std::span<u8> part(u64 address, size_t size) { return std::span{bytes_}.subspan(address - base_, size); }

private:
    u64 base_;
    std::vector<u8> bytes_;
};

using Bytes = std::vector<u8>;

template <typename T>
void append(Bytes& to, T const& value)
{
    auto const raw = std::bit_cast<std::array<u8, sizeof(T)>>(value);
    to.insert(to.end(), raw.begin(), raw.end());
}

/// A table with header and checksum around `body`.
inline Bytes make_table(std::string_view signature, Bytes const& body, u8 revision = 1)
{
    acpi::TableHeader header{};
    std::memcpy(header.signature.text.data(), signature.data(), 4);
    header.length = static_cast<u32>(sizeof(header) + body.size());
    header.revision = revision;
    std::memcpy(header.oem_id.data(), "BOCHS ", 6);
    std::memcpy(header.oem_table_id.data(), "BXPC    ", 8);
    Bytes table;
    append(table, header);
    table.insert(table.end(), body.begin(), body.end());
    table[offsetof(acpi::TableHeader, checksum)] = acpi::checksum_of(table);
    return table;
}

inline void place(FakeFirmware& memory, u64 where, Bytes const& bytes)
{
    std::ranges::copy(bytes, memory.part(where, bytes.size()).begin());
}

/// Revision 0 has only an RSDT, as under SeaBIOS.
inline void place_root_pointer(FakeFirmware& memory, u64 where, u8 revision, u32 rsdt, u64 xsdt)
{
    acpi::RootPointer root{};
    std::memcpy(root.signature.data(), "RSD PTR ", 8);
    std::memcpy(root.oem_id.data(), "BOCHS ", 6);
    root.revision = revision;
    root.rsdt = rsdt;
    root.length = revision == 0 ? 0 : sizeof(root);
    root.xsdt = xsdt;
    auto bytes = std::bit_cast<std::array<u8, sizeof(root)>>(root);
    bytes[8] = acpi::checksum_of(std::span{bytes}.first(20));
    bytes[32] = acpi::checksum_of(bytes);
    size_t const size = revision == 0 ? 20 : bytes.size();
    std::copy_n(bytes.begin(), size, memory.part(where, size).begin());
}

}
