// SPDX-License-Identifier: MIT
/// Both widths go through the same templates; every structure is copied out of the file after its range was checked.
#include "kernel/dom0/elf_image.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <type_traits>

#include "kernel/abi/xen/elf_notes.hpp"
#include "kernel/dom0/elf_layout.hpp"
#include "kernel/lib/sort.hpp"

namespace hospes::dom0 {

namespace {

using Bytes = std::span<u8 const>;

[[nodiscard]] std::optional<Bytes> part(Bytes file, u64 offset, u64 bytes)
{
    if (offset > file.size() || bytes > file.size() - offset) return std::nullopt;
    return file.subspan(offset, bytes);
}

template <typename T>
[[nodiscard]] std::optional<T> read(Bytes file, u64 offset)
{
    static_assert(std::is_trivially_copyable_v<T>);
    auto const bytes = part(file, offset, sizeof(T));
    if (!bytes) return std::nullopt;
    T value;
    std::memcpy(&value, bytes->data(), sizeof(T));
    return value;
}

// --- segments ---

template <typename Program>
[[nodiscard]] Loaded<> add_segment(ElfImage& image, Bytes file, Program const& program)
{
    if (program.memory_bytes == 0) return {};
    auto const content = part(file, program.offset, program.file_bytes);
    if (!content || program.file_bytes > program.memory_bytes) return cannot_load(LoadFailure::ElfSegmentOutsideFile);
    u64 end = 0;
    if (__builtin_add_overflow(u64{program.physical_address}, u64{program.memory_bytes}, &end) ||
        end > end_of_short_addresses)
        return cannot_load(LoadFailure::ElfSegmentTooHigh);
    Segment const segment{
        .where = Gpa{program.physical_address}, .memory_bytes = program.memory_bytes, .content = *content};
    if (!image.segments.push_back(segment)) return cannot_load(LoadFailure::ElfTooManySegments);
    return {};
}

[[nodiscard]] Loaded<> sort_segments(ElfImage& image)
{
    if (image.segments.empty()) return cannot_load(LoadFailure::ElfNoSegments);
    sort(image.segments.items(), &Segment::where);
    auto const overlap = [](Segment const& low, Segment const& high) { return low.end() > high.where; };
    if (std::ranges::adjacent_find(image.segments.items(), overlap) != image.segments.items().end())
        return cannot_load(LoadFailure::ElfSegmentsOverlap);
    return {};
}

// --- the entry note ---

/// What a search among notes came to: nothing yet, an entry, or a note that is wrong.
using EntrySearch = Loaded<std::optional<u32>>;

[[nodiscard]] EntrySearch entry_in(Bytes content)
{
    u64 address = end_of_short_addresses;
    if (content.size() == sizeof(u32)) address = *read<u32>(content, 0);
    if (content.size() == sizeof(u64)) address = *read<u64>(content, 0);
    if (address >= end_of_short_addresses) return cannot_load(LoadFailure::ElfBadEntryNote);
    return static_cast<u32>(address);
}

[[nodiscard]] EntrySearch find_entry(Bytes notes, u64 alignment)
{
    constexpr std::string_view name_of_xen{"Xen\0", 4};
    u64 const step = alignment == sizeof(u64) ? sizeof(u64) : sizeof(u32);
    for (u64 offset = 0; auto const note = read<elf::NoteHeader>(notes, offset);) {
        u64 const name_at = offset + sizeof(elf::NoteHeader);
        u64 const content_at = round_up(name_at + note->name_bytes, step);
        auto const name = part(notes, name_at, note->name_bytes);
        auto const content = part(notes, content_at, note->content_bytes);
        if (!name || !content) break;
        bool const is_xen = std::ranges::equal(*name, name_of_xen, {}, {}, [](char c) { return static_cast<u8>(c); });
        if (is_xen && note->type == static_cast<u32>(xen::ElfNote::Phys32Entry)) return entry_in(*content);
        offset = round_up(content_at + note->content_bytes, step);
    }
    return std::nullopt;
}

template <typename Record>
[[nodiscard]] EntrySearch find_entry_in_record(Bytes file, Record const& record, u64 bytes)
{
    auto const notes = part(file, record.offset, bytes);
    if (!notes) return cannot_load(LoadFailure::ElfTruncated);
    return find_entry(*notes, record.alignment);
}

// --- the file ---

template <typename Elf>
[[nodiscard]] Loaded<std::optional<u32>> take_programs(ElfImage& image, Bytes file, typename Elf::Header const& header)
{
    std::optional<u32> entry;
    for (u64 i = 0; i < header.program_count; ++i) {
        u64 const offset = i * header.program_entry_bytes;
        auto const table = part(file, header.program_offset, offset + sizeof(typename Elf::Program));
        if (!table) return cannot_load(LoadFailure::ElfTruncated);
        auto const program = *read<typename Elf::Program>(*table, offset);
        if (program.type == elf::program_load)
            if (auto added = add_segment(image, file, program); !added) return cannot_load(added.error());
        if (program.type != elf::program_note || entry) continue;
        auto const found = find_entry_in_record(file, program, program.file_bytes);
        if (!found) return found;
        entry = *found;
    }
    return entry;
}

/// Some linkers leave notes out of the program headers.
template <typename Elf>
[[nodiscard]] EntrySearch search_sections(Bytes file, typename Elf::Header const& header)
{
    for (u64 i = 0; i < header.section_count; ++i) {
        u64 const offset = i * header.section_entry_bytes;
        auto const table = part(file, header.section_offset, offset + sizeof(typename Elf::Section));
        if (!table) return cannot_load(LoadFailure::ElfTruncated);
        auto const section = *read<typename Elf::Section>(*table, offset);
        if (section.type != elf::section_note) continue;
        auto const found = find_entry_in_record(file, section, section.bytes);
        if (!found || *found) return found;
    }
    return std::nullopt;
}

[[nodiscard]] bool is_loaded(ElfImage const& image, Gpa where)
{
    return std::ranges::any_of(image.segments, [&](Segment const& segment) {
        return segment.where <= where && where < segment.where + segment.content.size();
    });
}

template <typename Elf>
[[nodiscard]] Loaded<ElfImage> parse(Bytes file)
{
    auto const header = read<typename Elf::Header>(file, 0);
    if (!header) return cannot_load(LoadFailure::ElfTruncated);
    // A 32-bit file may hold code for a 64-bit CPU: that is how objcopy makes multiboot kernels.
    if (!std::ranges::contains(std::array{Elf::machine, elf::machine_x86_64}, u16{header->machine}))
        return cannot_load(LoadFailure::ElfWrongMachine);
    if (header->type != elf::type_executable) return cannot_load(LoadFailure::ElfNotExecutable);

    ElfImage image;
    auto entry = take_programs<Elf>(image, file, *header);
    if (entry && !*entry) entry = search_sections<Elf>(file, *header);
    if (!entry) return cannot_load(entry.error());
    if (!*entry) return cannot_load(LoadFailure::ElfNoEntryNote);
    if (auto sorted = sort_segments(image); !sorted) return cannot_load(sorted.error());
    image.entry = **entry;
    if (!is_loaded(image, Gpa{image.entry})) return cannot_load(LoadFailure::ElfEntryOutside);
    return image;
}

}

bool is_elf(Bytes file)
{
    auto const identification = read<elf::Identification>(file, 0);
    return identification && identification->magic == elf::Identification::expected_magic;
}

Loaded<ElfImage> parse_elf(Bytes file)
{
    auto const identification = read<elf::Identification>(file, 0);
    if (!identification || identification->magic != elf::Identification::expected_magic)
        return cannot_load(LoadFailure::NotAKernel);
    if (identification->data_encoding != elf::Identification::little_endian)
        return cannot_load(LoadFailure::ElfWrongMachine);
    if (identification->file_class == elf::Identification::class_64) return parse<elf::Elf64>(file);
    if (identification->file_class == elf::Identification::class_32) return parse<elf::Elf32>(file);
    return cannot_load(LoadFailure::ElfWrongMachine);
}

}
