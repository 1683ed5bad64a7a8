// SPDX-License-Identifier: MIT
/// Makes small kernels: ELF files with a PVH note, and bzImages around them in any compression.
#pragma once

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <vector>

#include "kernel/dom0/elf_layout.hpp"

namespace hospes::dom0::test {

using Bytes = std::vector<u8>;

template <typename T>
void put(Bytes& file, size_t offset, T const& value)
{
    if (file.size() < offset + sizeof(T)) file.resize(offset + sizeof(T));
    std::memcpy(file.data() + offset, &value, sizeof(T));
}

struct SegmentPlan {
    u64 physical = 0, file_bytes = 0, memory_bytes = 0;
};

inline constexpr size_t note_offset = 0x400, content_offset = 0x1000, content_step = 0x1000;

template <typename Entry>
Bytes entry_note(Entry entry)
{
    Bytes note;
    put(note, 0, elf::NoteHeader{4, 4, 6}); // another note first
    put(note, 12, std::array<char, 8>{'X', 'e', 'n', 0, 'l', 'i', 'n', 'u'});
    put(note, 20, elf::NoteHeader{4, sizeof(Entry), 18});
    put(note, 32, std::array<char, 4>{'X', 'e', 'n', 0});
    put(note, 36, entry);
    return note;
}

/// Segment i's content lies at 0x1000 * (i + 1) and consists of bytes i + 1.
template <typename Elf = elf::Elf64, typename Entry = u64>
Bytes make_elf(std::vector<SegmentPlan> const& segments, Entry entry, bool note_in_section = false)
{
    Bytes file;
    using Header = typename Elf::Header;
    Header header{};
    header.identification.magic = elf::Identification::expected_magic;
    header.identification.file_class =
        sizeof(Header) == sizeof(elf::Elf64::Header) ? elf::Identification::class_64 : elf::Identification::class_32;
    header.identification.data_encoding = elf::Identification::little_endian;
    header.type = elf::type_executable;
    header.machine = Elf::machine;
    header.program_offset = sizeof(Header);
    header.program_entry_bytes = sizeof(typename Elf::Program);
    header.program_count = static_cast<u16>(segments.size() + (note_in_section ? 0 : 1));
    auto const note = entry_note(entry);
    size_t at = sizeof(Header);
    for (size_t i = 0; i < segments.size(); ++i, at += sizeof(typename Elf::Program)) {
        typename Elf::Program program{};
        program.type = elf::program_load;
        program.offset = static_cast<decltype(program.offset)>(content_offset + i * content_step);
        program.physical_address = static_cast<decltype(program.offset)>(segments[i].physical);
        program.file_bytes = static_cast<decltype(program.offset)>(segments[i].file_bytes);
        program.memory_bytes = static_cast<decltype(program.offset)>(segments[i].memory_bytes);
        put(file, at, program);
        Bytes const content(segments[i].file_bytes, static_cast<u8>(i + 1));
        if (file.size() < program.offset + content.size()) file.resize(program.offset + content.size());
        std::ranges::copy(content, file.begin() + static_cast<long>(program.offset));
    }
    if (note_in_section) {
        typename Elf::Section section{};
        section.type = elf::section_note;
        section.offset = note_offset;
        section.bytes = static_cast<decltype(section.offset)>(note.size());
        section.alignment = 4;
        header.section_offset = static_cast<decltype(header.section_offset)>(at);
        header.section_count = 1;
        header.section_entry_bytes = sizeof(section);
        put(file, at, section);
    } else {
        typename Elf::Program program{};
        program.type = elf::program_note;
        program.offset = note_offset;
        program.file_bytes = static_cast<decltype(program.offset)>(note.size());
        program.alignment = 4;
        put(file, at, program);
    }
    put(file, 0, header);
    if (file.size() < note_offset + note.size()) file.resize(note_offset + note.size());
    std::ranges::copy(note, file.begin() + note_offset);
    return file;
}

inline void append_size(Bytes& packed, size_t size) { put(packed, packed.size(), static_cast<u32>(size)); }

/// As Linux's scripts/xz_wrap.sh does it: CRC32, x86 filter, LZMA2.
inline Bytes pack_xz(Bytes const& plain)
{
    lzma_options_lzma options;
    lzma_lzma_preset(&options, 6);
    lzma_filter filters[]{{LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
    Bytes packed(lzma_stream_buffer_bound(plain.size()));
    size_t used = 0;
    std::ignore = lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, nullptr, plain.data(), plain.size(),
                                            packed.data(), &used, packed.size());
    packed.resize(used);
    append_size(packed, plain.size());
    return packed;
}

inline Bytes pack_zstd(Bytes const& plain)
{
    Bytes packed(ZSTD_compressBound(plain.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 19));
    append_size(packed, plain.size());
    return packed;
}

inline Bytes pack_gzip(Bytes const& plain)
{
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    Bytes packed(deflateBound(&stream, plain.size()));
    stream.next_in = const_cast<u8*>(plain.data());
    stream.avail_in = static_cast<unsigned>(plain.size());
    stream.next_out = packed.data();
    stream.avail_out = static_cast<unsigned>(packed.size());
    deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

/// One setup sector, `packed` 0x100 bytes into the protected-mode part, something behind it.
inline Bytes make_bzimage(Bytes const& packed, u16 version = 0x020F)
{
    constexpr size_t protected_mode = 2 * 512, payload_offset = 0x100;
    Bytes image(protected_mode + payload_offset);
    put(image, 0x1F1, u8{1});
    put(image, 0x1FE, u16{0xAA55});
    put(image, 0x202, std::array<char, 4>{'H', 'd', 'r', 'S'});
    put(image, 0x206, version);
    put(image, 0x248, static_cast<u32>(payload_offset));
    put(image, 0x24C, static_cast<u32>(packed.size()));
    image.insert(image.end(), packed.begin(), packed.end());
    image.resize(image.size() + 64);
    return image;
}

}
