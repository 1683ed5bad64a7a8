// SPDX-License-Identifier: MIT
/// A block front-end: one disk, one request at a time. (xen/include/public/io/blkif.h)
#pragma once

#include <optional>

#include "kernel/abi/xen/io/block.hpp"
#include "kernel/lib/error.hpp"
#include "tests/guests/framework/device.hpp"

namespace hospes::test {

inline constexpr u64 sector_size = 512;

class BlockDevice {
public:
    /// Connects to the first disk; empty if there is none or its backend does not answer.
    [[nodiscard]] static std::optional<BlockDevice> connect();

    [[nodiscard]] u64 sectors() const { return sectors_; }

    /// Whole pages at `pages`, at most xen::block_max_segments of them.
    Expected<> read(u64 sector, u8* pages, u32 count)
    {
        return transfer(xen::BlockOperation::Read, sector, pages, count);
    }
    Expected<> write(u64 sector, u8* pages, u32 count)
    {
        return transfer(xen::BlockOperation::Write, sector, pages, count);
    }
    Expected<> flush() { return transfer(xen::BlockOperation::FlushDiskCache, 0, nullptr, 0); }
    void disconnect();

private:
    BlockDevice(Device const& device, xen::BlockRing& ring) : device_{device}, ring_{ring} {}
    Expected<> transfer(xen::BlockOperation operation, u64 sector, u8* pages, u32 count);
    [[nodiscard]] bool wait_for_response();

    Device device_;
    xen::FrontRing<xen::BlockRequest, xen::BlockResponse> ring_;
    u32 port_ = 0;
    u64 sectors_ = 0;
    u64 next_id_ = 1;
};

}
