// SPDX-License-Identifier: MIT
/// The setup header, copied and checked field by field.
#include "kernel/dom0/bzimage.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <optional>

namespace hospes::dom0 {

namespace {

/// Part of the setup header, from offset 0x1F1 on. (Linux, Documentation/x86/boot.rst, "The Real-Mode Kernel Header".)
struct [[gnu::packed]] SetupHeader {
    u8 setup_sectors;
    u16 root_flags;
    u32 protected_mode_size; ///< in units of 16 bytes
    std::array<u8, 6> unused_1f8;
    u16 boot_flag;
    u16 jump;
    u32 magic;
    u16 version;
    std::array<u8, 64> unused_208;
    u32 payload_offset; ///< from the start of the protected-mode code; protocol 2.08
    u32 payload_length; ///< protocol 2.08

    static constexpr size_t offset_in_file = 0x1F1;
    static constexpr u16 expected_boot_flag = 0xAA55;
    static constexpr u32 expected_magic = 0x53726448; // "HdrS"
    static constexpr u16 first_version_with_payload = 0x0208;
};
static_assert(SetupHeader::offset_in_file + offsetof(SetupHeader, boot_flag) == 0x1FE);
static_assert(SetupHeader::offset_in_file + offsetof(SetupHeader, magic) == 0x202);
static_assert(SetupHeader::offset_in_file + offsetof(SetupHeader, version) == 0x206);
static_assert(SetupHeader::offset_in_file + offsetof(SetupHeader, payload_offset) == 0x248);
static_assert(SetupHeader::offset_in_file + offsetof(SetupHeader, payload_length) == 0x24C);

[[nodiscard]] std::optional<SetupHeader> setup_header(std::span<u8 const> image)
{
    if (image.size() < SetupHeader::offset_in_file + sizeof(SetupHeader)) return std::nullopt;
    SetupHeader header;
    std::memcpy(&header, image.data() + SetupHeader::offset_in_file, sizeof(header));
    if (header.boot_flag != SetupHeader::expected_boot_flag || header.magic != SetupHeader::expected_magic)
        return std::nullopt;
    return header;
}

[[nodiscard]] u64 setup_bytes(SetupHeader const& header)
{
    constexpr u64 sector = 512, default_sectors = 4; // 0 means 4
    return (1 + (header.setup_sectors == 0 ? default_sectors : header.setup_sectors)) * sector;
}

/// gzip ends with the size by itself; for the other formats Linux appends it.
[[nodiscard]] bool contains_its_size(std::span<u8 const> payload) { return payload[0] == 0x1F && payload[1] == 0x8B; }

}

bool is_bzimage(std::span<u8 const> image) { return setup_header(image).has_value(); }

Loaded<Payload> find_payload(std::span<u8 const> image)
{
    auto const header = setup_header(image);
    if (!header) return cannot_load(LoadFailure::NotAKernel);
    if (header->version < SetupHeader::first_version_with_payload) return cannot_load(LoadFailure::ImageTooOld);
    if (header->payload_length <= sizeof(u32)) return cannot_load(LoadFailure::ImageWithoutPayload);
    u64 const skipped = setup_bytes(*header);
    if (skipped > image.size()) return cannot_load(LoadFailure::ImageTruncated);
    auto const rest = image.subspan(skipped);
    if (u64{header->payload_offset} + header->payload_length > rest.size())
        return cannot_load(LoadFailure::PayloadOutsideImage);

    auto const payload = rest.subspan(header->payload_offset, header->payload_length);
    std::array<u8, sizeof(u32)> size{};
    std::memcpy(size.data(), payload.data() + payload.size() - size.size(), size.size());
    auto const packed = contains_its_size(payload) ? payload : payload.first(payload.size() - size.size());
    return Payload{.packed = packed, .unpacked_bytes = std::bit_cast<u32>(size)};
}

}
