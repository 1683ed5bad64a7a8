// SPDX-License-Identifier: MIT
/// One row for each format: how it begins, what it needs, how it is unpacked.
#include "kernel/dom0/decompress.hpp"

#define ZSTD_STATIC_LINKING_ONLY // for ZSTD_initStaticDCtx, ZSTD_estimateDCtxSize
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <limits>

#include "kernel/dom0/bump_allocator.hpp"

namespace hospes::dom0 {

namespace {

using Bytes = std::span<u8 const>;

// --- xz ---

void* allocate_for_lzma(void* allocator, size_t count, size_t bytes)
{
    return static_cast<BumpAllocator*>(allocator)->allocate(count, bytes);
}

void free_for_lzma(void*, void*) {}

Loaded<> unpack_xz(Bytes packed, std::span<u8> out, u64& memory_limit, BumpAllocator& memory)
{
    lzma_allocator const allocator{allocate_for_lzma, free_for_lzma, &memory};
    size_t consumed = 0, produced = 0;
    lzma_ret const result = lzma_stream_buffer_decode(&memory_limit, 0, &allocator, packed.data(), &consumed,
                                                      packed.size(), out.data(), &produced, out.size());
    if (result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR)
        return cannot_load(LoadFailure::NotEnoughMemoryToUnpack);
    if (result == LZMA_BUF_ERROR && produced == out.size()) return cannot_load(LoadFailure::WrongPayloadSize);
    if (result != LZMA_OK) return cannot_load(LoadFailure::CorruptPayload);
    if (produced != out.size()) return cannot_load(LoadFailure::WrongPayloadSize);
    return {};
}

Loaded<> xz(Bytes packed, std::span<u8> out, std::span<u8> work)
{
    BumpAllocator memory{work};
    u64 no_limit = std::numeric_limits<u64>::max();
    return unpack_xz(packed, out, no_limit, memory);
}

/// The decoder itself knows: under an impossible limit it stops where it would allocate, and names what it wants.
Loaded<u64> xz_memory(Bytes packed)
{
    constexpr u64 for_the_decoder_itself = 64 * kib;
    static constinit std::array<u8, 32 * kib> little{}; // too large for the stack
    BumpAllocator memory{little};
    u64 limit = 1;
    auto const result = unpack_xz(packed, {}, limit, memory);
    if (!result && result.error() == LoadFailure::NotEnoughMemoryToUnpack) return limit + for_the_decoder_itself;
    return cannot_load(LoadFailure::CorruptPayload);
}

// --- zstd ---

Loaded<u64> zstd_memory(Bytes) { return ZSTD_estimateDCtxSize(); }

Loaded<> zstd(Bytes packed, std::span<u8> out, std::span<u8> work)
{
    BumpAllocator memory{work};
    size_t const bytes = ZSTD_estimateDCtxSize();
    void* const place = memory.allocate(1, bytes);
    ZSTD_DCtx* const context = place ? ZSTD_initStaticDCtx(place, bytes) : nullptr;
    if (!context) return cannot_load(LoadFailure::NotEnoughMemoryToUnpack);
    size_t const produced = ZSTD_decompressDCtx(context, out.data(), out.size(), packed.data(), packed.size());
    if (ZSTD_getErrorCode(produced) == ZSTD_error_dstSize_tooSmall) return cannot_load(LoadFailure::WrongPayloadSize);
    if (ZSTD_isError(produced)) return cannot_load(LoadFailure::CorruptPayload);
    if (produced != out.size()) return cannot_load(LoadFailure::WrongPayloadSize);
    return {};
}

// --- gzip ---

void* allocate_for_zlib(void* allocator, unsigned count, unsigned bytes)
{
    return static_cast<BumpAllocator*>(allocator)->allocate(count, bytes);
}

void free_for_zlib(void*, void*) {}

Loaded<u64> gzip_memory(Bytes)
{
    return 64 * kib; // zlib.h: 32 KiB of window and about 7 KiB of state
}

Loaded<> gzip(Bytes packed, std::span<u8> out, std::span<u8> work)
{
    constexpr int largest_window_and_gzip_header = 15 + 16;
    constexpr size_t largest = std::numeric_limits<unsigned>::max();
    if (packed.size() > largest || out.size() > largest) return cannot_load(LoadFailure::CorruptPayload);
    BumpAllocator memory{work};
    z_stream stream{};
    stream.zalloc = allocate_for_zlib;
    stream.zfree = free_for_zlib;
    stream.opaque = &memory;
    stream.next_in = const_cast<u8*>(packed.data());
    stream.avail_in = static_cast<unsigned>(packed.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<unsigned>(out.size());
    if (inflateInit2(&stream, largest_window_and_gzip_header) != Z_OK)
        return cannot_load(LoadFailure::NotEnoughMemoryToUnpack);
    int const result = inflate(&stream, Z_FINISH);
    if (result == Z_MEM_ERROR) return cannot_load(LoadFailure::NotEnoughMemoryToUnpack);
    if (result == Z_BUF_ERROR && stream.avail_out == 0) return cannot_load(LoadFailure::WrongPayloadSize);
    if (result != Z_STREAM_END) return cannot_load(LoadFailure::CorruptPayload);
    if (stream.avail_out != 0) return cannot_load(LoadFailure::WrongPayloadSize);
    return {};
}

// --- all of them ---

Loaded<u64> unsupported_memory(Bytes) { return cannot_load(LoadFailure::UnsupportedCompression); }

Loaded<> unsupported(Bytes, std::span<u8>, std::span<u8>) { return cannot_load(LoadFailure::UnsupportedCompression); }

struct Format {
    std::string_view magic;
    Loaded<u64> (*memory)(Bytes packed);
    Loaded<> (*unpack)(Bytes packed, std::span<u8> out, std::span<u8> work);
};

using namespace std::string_view_literals;

/// Magic numbers as in Linux's lib/decompress.c.
constexpr std::array formats{
    Format{"\xFD"
           "7zXZ\0"sv,
           xz_memory, xz},
    Format{"\x28\xB5\x2F\xFD"sv, zstd_memory, zstd},
    Format{"\x1F\x8B"sv, gzip_memory, gzip},
    Format{"\x02\x21\x4C\x18"sv, unsupported_memory, unsupported}, // LZ4, legacy frame
    Format{"\x89"
           "LZO"sv,
           unsupported_memory, unsupported},
    Format{"BZh"sv, unsupported_memory, unsupported},
    Format{"\x5D\0\0"sv, unsupported_memory, unsupported}, // LZMA without xz
};

[[nodiscard]] Format const* format_of(Bytes packed)
{
    auto const begins_like = [&](Format const& format) {
        return packed.size() >= format.magic.size() &&
               std::ranges::equal(packed.first(format.magic.size()), format.magic, {}, {},
                                  [](char c) { return static_cast<u8>(c); });
    };
    auto const found = std::ranges::find_if(formats, begins_like);
    return found == formats.end() ? nullptr : &*found;
}

}

Loaded<u64> working_memory_for(Bytes packed)
{
    Format const* const format = format_of(packed);
    if (!format) return cannot_load(LoadFailure::UnknownCompression);
    return format->memory(packed);
}

Loaded<> decompress(Bytes packed, std::span<u8> out, std::span<u8> work)
{
    Format const* const format = format_of(packed);
    if (!format) return cannot_load(LoadFailure::UnknownCompression);
    return format->unpack(packed, out, work);
}

}
