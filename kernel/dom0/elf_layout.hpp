// SPDX-License-Identifier: MIT
/// ELF structures of both widths. (System V Application Binary Interface, edition 4.1, chapters 4 and 5;
/// ELF-64 Object File Format, version 1.5.)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/lib/integers.hpp"

namespace hospes::dom0::elf {

struct Identification {
    std::array<u8, 4> magic;
    u8 file_class;
    u8 data_encoding;
    std::array<u8, 10> rest;

    static constexpr std::array<u8, 4> expected_magic{0x7F, 'E', 'L', 'F'};
    static constexpr u8 class_32 = 1, class_64 = 2, little_endian = 1;
};
static_assert(sizeof(Identification) == 16);

inline constexpr u16 type_executable = 2;
inline constexpr u16 machine_386 = 3, machine_x86_64 = 62;
inline constexpr u32 program_load = 1, program_note = 4;
inline constexpr u32 section_note = 7;

struct NoteHeader {
    u32 name_bytes;
    u32 content_bytes;
    u32 type;
};
static_assert(sizeof(NoteHeader) == 12);

struct Elf64 {
    static constexpr u16 machine = machine_x86_64;
    struct Header {
        Identification identification;
        u16 type, machine;
        u32 version;
        u64 entry, program_offset, section_offset;
        u32 flags;
        u16 header_bytes, program_entry_bytes, program_count, section_entry_bytes, section_count, names;
    };
    struct Program {
        u32 type, flags;
        u64 offset, virtual_address, physical_address, file_bytes, memory_bytes, alignment;
    };
    struct Section {
        u32 name, type;
        u64 flags, address, offset, bytes;
        u32 link, info;
        u64 alignment, entry_bytes;
    };
};
static_assert(sizeof(Elf64::Header) == 64 && sizeof(Elf64::Program) == 56 && sizeof(Elf64::Section) == 64);
static_assert(offsetof(Elf64::Program, physical_address) == 24 && offsetof(Elf64::Section, offset) == 24);

struct Elf32 {
    static constexpr u16 machine = machine_386;
    struct Header {
        Identification identification;
        u16 type, machine;
        u32 version, entry, program_offset, section_offset, flags;
        u16 header_bytes, program_entry_bytes, program_count, section_entry_bytes, section_count, names;
    };
    struct Program {
        u32 type, offset, virtual_address, physical_address, file_bytes, memory_bytes, flags, alignment;
    };
    struct Section {
        u32 name, type, flags, address, offset, bytes, link, info, alignment, entry_bytes;
    };
};
static_assert(sizeof(Elf32::Header) == 52 && sizeof(Elf32::Program) == 32 && sizeof(Elf32::Section) == 40);
static_assert(offsetof(Elf32::Program, physical_address) == 12 && offsetof(Elf32::Section, offset) == 16);

}
