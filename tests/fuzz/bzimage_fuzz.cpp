// SPDX-License-Identifier: MIT
/// Arbitrary and damaged bzImages, unpacked in every format with bounded memory.
/// Input: one byte (0: the rest is a file; 4: the rest is packed data; else damage to a valid image).
// sources: kernel/dom0/bzimage.cpp kernel/dom0/decompress.cpp kernel/dom0/load_failure.cpp
#include "kernel/dom0/bzimage.hpp"
#include "kernel/dom0/decompress.hpp"
#include "tests/fuzz/patched.hpp"
#include "tests/unit/kernel/dom0/kernel_maker.hpp"

namespace {

using namespace hospes;
using namespace hospes::dom0;
namespace kernels = hospes::dom0::test;

constexpr u64 largest_work = 16 * mib;

void unpack(std::span<u8 const> packed, u64 size)
{
    auto const needed = working_memory_for(packed);
    if (!needed) return;
    static std::vector<u8> work(largest_work);
    std::vector<u8> out(std::min<u64>(size, 64 * kib));
    auto const done = decompress(packed, out, std::span{work}.first(std::min<u64>(*needed, work.size())));
    if (!done && describe(done.error()).empty()) __builtin_trap();
}

void check(std::span<u8 const> image)
{
    auto const payload = find_payload(image);
    if (!payload) return;
    if (payload->packed.data() < image.data()) __builtin_trap();
    if (payload->packed.data() + payload->packed.size() > image.data() + image.size()) __builtin_trap();
    unpack(payload->packed, payload->unpacked_bytes);
}

std::vector<std::vector<u8>> make_images()
{
    std::vector<u8> const plain = kernels::make_elf({{16 * mib, 0x700, 0x800}}, u64{16 * mib});
    return {kernels::make_bzimage(kernels::pack_xz(plain)), kernels::make_bzimage(kernels::pack_zstd(plain)),
            kernels::make_bzimage(kernels::pack_gzip(plain))};
}

}

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, size_t size)
{
    static auto const images = make_images();
    if (size == 0) return 0;
    std::span const rest{data + 1, size - 1};
    if (data[0] == 0)
        check(rest);
    else if (data[0] == 4)
        unpack(rest, 4 * kib);
    else
        check(hospes::test::patched(images[data[0] % images.size()], rest));
    return 0;
}
