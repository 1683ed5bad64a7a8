// SPDX-License-Identifier: MIT
/// The block device ring. (xen/include/public/io/blkif.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/io/ring.hpp"
#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// BlockRequest::operation. (BLKIF_OP_*)
enum class BlockOperation : u8 {
    Read = 0,
    Write = 1,
    WriteBarrier = 2,
    FlushDiskCache = 3,
    Discard = 5,
    Indirect = 6,
};

/// BlockResponse::status. (BLKIF_RSP_*)
enum class BlockStatus : s16 {
    NotSupported = -2,
    Error = -1,
    Okay = 0,
};

/// How many pages one request can name.
inline constexpr u32 block_max_segments = 11;

/// Sectors of 512 bytes within one granted page, both ends included.
struct BlockSegment {
    GrantReference reference;
    u8 first_sector;
    u8 last_sector;
    u16 pad;
};
static_assert(sizeof(BlockSegment) == 8 && has_no_hidden_bytes<BlockSegment>);
static_assert(offsetof(BlockSegment, first_sector) == 4 && offsetof(BlockSegment, last_sector) == 5);

struct BlockRequest {
    BlockOperation operation;
    u8 nr_segments;
    u16 handle;
    u32 pad;
    u64 id; // comes back in the response
    u64 sector_number;
    std::array<BlockSegment, block_max_segments> segments;
};
static_assert(sizeof(BlockRequest) == 112 && has_no_hidden_bytes<BlockRequest>);
static_assert(offsetof(BlockRequest, nr_segments) == 1 && offsetof(BlockRequest, handle) == 2 &&
              offsetof(BlockRequest, id) == 8 && offsetof(BlockRequest, sector_number) == 16 &&
              offsetof(BlockRequest, segments) == 24);

struct BlockResponse {
    u64 id;
    BlockOperation operation;
    u8 pad0;
    BlockStatus status;
    u32 pad1;
};
static_assert(sizeof(BlockResponse) == 16 && has_no_hidden_bytes<BlockResponse>);
static_assert(offsetof(BlockResponse, operation) == 8 && offsetof(BlockResponse, status) == 10);

using BlockRing = SharedRing<BlockRequest, BlockResponse>;
static_assert(BlockRing::nr_entries == 32 && offsetof(BlockRing, entries) == 64);

}
