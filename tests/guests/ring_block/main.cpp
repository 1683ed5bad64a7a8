// SPDX-License-Identifier: MIT
/// Rule: what a guest writes to its disk through the block ring it reads back, and the backend reaches only the
/// pages it was granted.
/// Failure looks like a guest file system full of somebody else's bytes.
///
/// It overwrites the first megabyte of its first disk. With rounds=N it goes on writing and reading.

#include "tests/guests/framework/block.hpp"

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constexpr u32 pages = 8;
constexpr u64 sectors_per_transfer = pages * page_size / sector_size;

u8 pattern(u64 sector, size_t index, u64 round)
{
    return static_cast<u8>(sector * 31 + index * 7 + (index >> 9) + round);
}

bool write_and_read(BlockDevice& disk, u8* out, u8* in, u64 sector, u64 round)
{
    for (size_t i = 0; i != pages * page_size; ++i) out[i] = pattern(sector, i, round);
    if (!disk.write(sector, out, pages) || !disk.read(sector, in, pages)) return false;
    for (size_t i = 0; i != pages * page_size; ++i) {
        if (in[i] != pattern(sector, i, round)) return false;
    }
    return true;
}

void run()
{
    auto disk = BlockDevice::connect();
    if (!disk) return skip("no disk, or its backend does not answer");
    print("  ", disk->sectors(), " sectors\n");
    report(disk->sectors() >= 2 * sectors_per_transfer, "the disk has a size");
    auto* out = allocate_pages(pages);
    auto* in = allocate_pages(pages);
    bool good = true;
    for (u64 sector = 0; sector + sectors_per_transfer <= disk->sectors() && sector < mib / sector_size;
         sector += sectors_per_transfer) {
        good &= write_and_read(*disk, out, in, sector, 0);
    }
    report(good, "everything written is read back");
    report(disk->flush().has_value(), "flush");
    report(!disk->read(disk->sectors(), in, 1), "past the end is an error");
    for (u64 round = 1; round < argument("rounds", 1); ++round) good &= write_and_read(*disk, out, in, 0, round);
    report(good, "every round");
    disk->disconnect();
}

}

constinit Guest const this_guest{"ring_block", run};

}
