// SPDX-License-Identifier: MIT
/// Hardware blocks (IVHD) with their device entries, and memory blocks (IVMD).
#include "drivers/acpi/ivrs.hpp"

#include <algorithm>

namespace hospes::acpi {

namespace {

/// (section 5.2.1)
struct [[gnu::packed]] IvrsHeader {
    TableHeader header;
    u32 information;
    u64 reserved;

    /// Bits of a physical address. (bits 14:8)
    [[nodiscard]] constexpr unsigned address_bits() const { return information >> 8 & 0x7f; }
};
static_assert(sizeof(IvrsHeader) == 48);

/// Kinds of blocks. A unit may be described in several of the first three; the newest is the fullest.
enum class BlockKind : u8 {
    Hardware = 0x10,
    HardwareExtended = 0x11,
    HardwareAcpi = 0x40,
    MemoryOfAll = 0x20,
    MemoryOfOne = 0x21,
    MemoryOfRange = 0x22,
};

struct [[gnu::packed]] BlockHeader {
    BlockKind kind;
    u8 flags;
    u16 length;
};
static_assert(sizeof(BlockHeader) == 4);

/// IVHD. (section 5.2.2.1) The extended kinds have 16 more bytes before the device entries.
struct [[gnu::packed]] HardwareBlock {
    BlockHeader header;
    u16 function;
    u16 capability;
    u64 registers;
    u16 segment;
    u16 information;
    u32 features;
};
static_assert(sizeof(HardwareBlock) == 24);
constexpr u64 extended_hardware_block_bytes = 40;

/// IVMD. (section 5.2.2.2)
struct [[gnu::packed]] MemoryBlock {
    BlockHeader header;
    u16 function;
    u16 last_function;
    u64 reserved;
    u64 start;
    u64 bytes;
};
static_assert(sizeof(MemoryBlock) == 32);

/// Device entries: the high bits of the kind say how long it is. (tables 96 to 98)
enum class EntryKind : u8 {
    EndOfRange = 4,
    Alias = 66,
    StartOfAliasRange = 67,
    SpecialDevice = 72,
    AcpiDevice = 240,
};

/// Common to all entries up to eight bytes; of shorter ones only the first four are there.
struct [[gnu::packed]] DeviceEntry {
    EntryKind kind;
    u16 function;
    u8 settings;
    u8 handle; ///< SpecialDevice
    u16 alias; ///< of the device, or the function that a special device uses
    u8 variety;

    static constexpr u8 is_io_apic = 1;
};
static_assert(sizeof(DeviceEntry) == 8);

[[nodiscard]] bool is_hardware(BlockKind kind)
{
    return kind == BlockKind::Hardware || kind == BlockKind::HardwareExtended || kind == BlockKind::HardwareAcpi;
}

[[nodiscard]] bool is_memory(BlockKind kind)
{
    return kind == BlockKind::MemoryOfAll || kind == BlockKind::MemoryOfOne || kind == BlockKind::MemoryOfRange;
}

class Parser {
public:
    Parser(Tables const& tables, Table const& table, std::span<boot::MemoryRange const> memory_map)
        : tables_{tables}, table_{table}, memory_map_{memory_map}
    {}

    [[nodiscard]] Judged<void> run();
    Ivrs ivrs;

private:
    template <typename Take>
    [[nodiscard]] Judged<void> for_each_block(Take&& take);
    [[nodiscard]] Judged<void> take_hardware(u64 offset, u64 end);
    [[nodiscard]] Judged<void> take_memory(u64 offset, u64 end);
    [[nodiscard]] Judged<void> check_unit(HardwareBlock const& block) const;
    [[nodiscard]] Judged<void> take_entries(u64 offset, u64 end);
    [[nodiscard]] Judged<void> take_entry(DeviceEntry const& entry);
    [[nodiscard]] u64 length_of_entry(u64 offset, u64 end) const;

    template <typename T>
    [[nodiscard]] std::optional<T> read(u64 offset, u64 end) const
    {
        return offset <= end && end - offset >= sizeof(T) ? tables_.read<T>(table_, offset) : std::nullopt;
    }

    Tables const& tables_;
    Table const& table_;
    std::span<boot::MemoryRange const> memory_map_;
    std::optional<DeviceEntry> alias_start_;
};

template <typename Take>
Judged<void> Parser::for_each_block(Take&& take)
{
    for (u64 offset = sizeof(IvrsHeader); offset < table_.length;) {
        auto const header = read<BlockHeader>(offset, table_.length);
        if (!header || header->length < sizeof(BlockHeader) || header->length > table_.length - offset)
            return broken("IVRS: a block is cut off", offset);
        u64 const next = offset + header->length;
        if (auto const taken = take(header->kind, offset, next); !taken) return taken;
        offset = next;
    }
    return {};
}

Judged<void> Parser::run()
{
    auto best = BlockKind::Hardware;
    auto const looked = for_each_block([&](BlockKind kind, u64, u64) -> Judged<void> {
        if (is_hardware(kind)) best = std::max(best, kind);
        return {};
    });
    if (!looked) return looked;
    return for_each_block([&](BlockKind kind, u64 offset, u64 end) -> Judged<void> {
        if (kind == best) return take_hardware(offset, end);
        return is_memory(kind) ? take_memory(offset, end) : Judged<void>{};
    });
}

Judged<void> Parser::check_unit(HardwareBlock const& block) const
{
    if (block.segment != 0) return broken("IVRS: PCI segments other than 0 are not supported", block.segment);
    if (auto const sane = check_registers(block.registers, ivrs_register_bytes, memory_map_); !sane) return sane;
    for (IvrsUnit const& other : ivrs.units) {
        u64 const base = other.registers.raw();
        if (block.registers < base + ivrs_register_bytes && base < block.registers + ivrs_register_bytes)
            return broken("IVRS: the registers of two units overlap", block.registers);
    }
    return {};
}

Judged<void> Parser::take_hardware(u64 offset, u64 end)
{
    auto const block = read<HardwareBlock>(offset, end);
    if (!block) return broken("IVRS: a hardware block is cut off", offset);
    if (auto const sane = check_unit(*block); !sane) return sane;
    IvrsUnit const unit{.registers = Hpa{block->registers},
                        .function = block->function,
                        .capability = block->capability,
                        .flags = block->header.flags};
    if (!ivrs.units.push_back(unit)) return broken("IVRS: too many units");
    u64 const header =
        block->header.kind == BlockKind::Hardware ? sizeof(HardwareBlock) : extended_hardware_block_bytes;
    if (end - offset < header) return broken("IVRS: a hardware block is cut off", offset);
    return take_entries(offset + header, end);
}

/// 0 if it is cut off.
u64 Parser::length_of_entry(u64 offset, u64 end) const
{
    auto const kind = read<EntryKind>(offset, end);
    if (!kind) return 0;
    u64 length = u64{4} << (static_cast<u8>(*kind) >> 6);
    if (*kind == EntryKind::AcpiDevice) {
        constexpr u64 id_length_at = 21, fixed_part = 22;
        auto const id_length = read<u8>(offset + id_length_at, end);
        if (!id_length) return 0;
        length = fixed_part + *id_length;
    }
    return length <= end - offset ? length : 0;
}

Judged<void> Parser::take_entries(u64 offset, u64 end)
{
    alias_start_.reset();
    while (offset < end) {
        u64 const length = length_of_entry(offset, end);
        if (length == 0) return broken("IVRS: a device entry is cut off", offset);
        DeviceEntry entry{};
        if (length >= sizeof(DeviceEntry))
            entry = read<DeviceEntry>(offset, end).value_or(DeviceEntry{});
        else if (auto const words = read<std::array<u8, 4>>(offset, end))
            entry = {.kind = EntryKind{(*words)[0]},
                     .function = static_cast<u16>((*words)[1] | (*words)[2] << 8),
                     .settings = (*words)[3],
                     .handle = 0,
                     .alias = 0,
                     .variety = 0};
        if (auto const taken = take_entry(entry); !taken) return taken;
        offset += length;
    }
    return {};
}

Judged<void> Parser::take_entry(DeviceEntry const& entry)
{
    bool kept = true;
    if (entry.kind == EntryKind::SpecialDevice && entry.variety == DeviceEntry::is_io_apic)
        kept = ivrs.io_apics.push_back({.id = entry.handle, .requester = entry.alias});
    if (entry.kind == EntryKind::Alias)
        kept = ivrs.aliases.push_back({.first = entry.function, .last = entry.function, .alias = entry.alias});
    if (entry.kind == EntryKind::StartOfAliasRange) alias_start_ = entry;
    if (entry.kind == EntryKind::EndOfRange && alias_start_) {
        if (entry.function < alias_start_->function) return broken("IVRS: a range of devices ends before it starts");
        kept = ivrs.aliases.push_back(
            {.first = alias_start_->function, .last = entry.function, .alias = alias_start_->alias});
        alias_start_.reset();
    }
    return kept ? Judged<void>{} : broken("IVRS: too many I/O APICs or aliases");
}

Judged<void> Parser::take_memory(u64 offset, u64 end)
{
    auto const block = read<MemoryBlock>(offset, end);
    if (!block || block->bytes == 0) return broken("IVRS: a memory block is cut off or empty", offset);
    u64 const last = block->start + (block->bytes - 1);
    return add_demanded_region(ivrs.regions, block->start, last, memory_map_);
}

}

u16 Ivrs::requester_of(u16 function) const
{
    for (AliasRange const& range : aliases)
        if (function >= range.first && function <= range.last) return range.alias;
    return function;
}

Judged<Ivrs> parse_ivrs(Tables const& tables, std::span<boot::MemoryRange const> memory_map)
{
    auto const table = tables.find("IVRS");
    if (!table) return absent("there is no IVRS table");
    auto const header = tables.read<IvrsHeader>(*table, 0);
    if (!header) return broken("the IVRS is too short", table->length);
    if (!is_address_width(header->address_bits()))
        return broken("IVRS: impossible address width", header->address_bits());
    Parser parser{tables, *table, memory_map};
    if (auto const taken = parser.run(); !taken) return std::unexpected{taken.error()};
    if (parser.ivrs.units.empty()) return absent("the IVRS lists no unit");
    return parser.ivrs;
}

}
