// SPDX-License-Identifier: MIT
/// Every compression Linux kernels come in, undamaged and damaged.
#include "kernel/dom0/bzimage.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "kernel/dom0/decompress.hpp"
#include "kernel/dom0/elf_image.hpp"
#include "tests/unit/kernel/dom0/kernel_maker.hpp"

namespace hospes::dom0 {
namespace {

using test::Bytes;

Bytes kernel()
{
    Bytes file = test::make_elf({{16 * mib, 0x8000, 0x9000}}, u64{16 * mib});
    std::minstd_rand random;
    for (size_t i = test::content_offset; i < file.size(); ++i) file[i] = static_cast<u8>(random() % 23);
    return file;
}

Loaded<Bytes> unpack(std::span<u8 const> image)
{
    auto const payload = find_payload(image);
    if (!payload) return cannot_load(payload.error());
    auto const needed = working_memory_for(payload->packed);
    if (!needed) return cannot_load(needed.error());
    if (payload->unpacked_bytes > 256 * mib || *needed > 256 * mib)
        return cannot_load(LoadFailure::NotEnoughMemoryToUnpack);
    Bytes work(*needed), out(payload->unpacked_bytes);
    if (auto const done = decompress(payload->packed, out, work); !done) return cannot_load(done.error());
    return out;
}

class Packed : public testing::TestWithParam<Bytes (*)(Bytes const&)> {};
INSTANTIATE_TEST_SUITE_P(BzImage, Packed, testing::Values(test::pack_xz, test::pack_zstd, test::pack_gzip));

TEST_P(Packed, Unpacks)
{
    auto const plain = unpack(test::make_bzimage(GetParam()(kernel())));
    ASSERT_TRUE(plain) << describe(plain.error());
    EXPECT_EQ(*plain, kernel());
    EXPECT_TRUE(parse_elf(*plain));
}

TEST_P(Packed, WrongSizeIsNoticed)
{
    for (int difference : {-1, 1}) {
        Bytes packed = GetParam()(kernel());
        test::put(packed, packed.size() - 4, static_cast<u32>(static_cast<int>(kernel().size()) + difference));
        auto const plain = unpack(test::make_bzimage(packed));
        ASSERT_FALSE(plain);
        // gzip's size is its own check: whatever is wrong there is damage.
        EXPECT_TRUE(plain.error() == LoadFailure::WrongPayloadSize || plain.error() == LoadFailure::CorruptPayload);
    }
}

TEST_P(Packed, DamageIsNoticed)
{
    Bytes const image = test::make_bzimage(GetParam()(kernel()));
    Bytes damaged = image;
    damaged[damaged.size() / 2] ^= 0x10;
    auto const plain = unpack(damaged);
    EXPECT_TRUE(!plain || *plain != kernel()); // zstd files of `zstd -19` without checksum cannot know
    Bytes const packed = GetParam()(kernel());
    EXPECT_FALSE(decompress(std::span{packed}.first(packed.size() / 2), damaged, damaged));
}

TEST_P(Packed, TooLittleWorkingMemoryIsNoticed)
{
    Bytes const packed = GetParam()(kernel());
    Bytes out(kernel().size()), work(1000);
    auto const done = decompress(packed, out, work);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error(), LoadFailure::NotEnoughMemoryToUnpack);
}

TEST(BzImage, SetupHeaderMustBeSane)
{
    Bytes const packed = test::pack_gzip(kernel());
    Bytes const good = test::make_bzimage(packed);
    auto const with = [&](size_t offset, auto value) {
        Bytes image = good;
        test::put(image, offset, value);
        return find_payload(image).error();
    };
    EXPECT_EQ(find_payload(test::make_bzimage(packed, 0x0207)).error(), LoadFailure::ImageTooOld);
    EXPECT_EQ(with(0x202, u8{'X'}), LoadFailure::NotAKernel);
    EXPECT_EQ(with(0x24C, u32{4}), LoadFailure::ImageWithoutPayload);
    EXPECT_EQ(with(0x24C, ~u32{0}), LoadFailure::PayloadOutsideImage);
    EXPECT_EQ(with(0x248, ~u32{0}), LoadFailure::PayloadOutsideImage);
    EXPECT_EQ(with(0x1F1, u8{255}), LoadFailure::ImageTruncated);
    EXPECT_EQ(find_payload(std::span{good}.first(0x250)).error(), LoadFailure::ImageTruncated);
    EXPECT_EQ(find_payload(std::span{good}.first(0x200)).error(), LoadFailure::NotAKernel);
}

TEST(BzImage, OtherCompressionsAreNamed)
{
    EXPECT_EQ(working_memory_for(std::to_array<u8>({0x02, 0x21, 0x4C, 0x18, 0})).error(),
              LoadFailure::UnsupportedCompression);
    EXPECT_EQ(working_memory_for(std::to_array<u8>({'B', 'Z', 'h', '9'})).error(), LoadFailure::UnsupportedCompression);
    EXPECT_EQ(working_memory_for(std::to_array<u8>({1, 2, 3, 4, 5, 6, 7})).error(), LoadFailure::UnknownCompression);
    EXPECT_EQ(working_memory_for({}).error(), LoadFailure::UnknownCompression);
}

/// The real thing, where there is one: HOSPES_TEST_KERNEL names it, or /boot has it.
TEST(BzImage, InstalledKernelUnpacks)
{
    std::filesystem::path path;
    if (char const* const named = std::getenv("HOSPES_TEST_KERNEL"))
        path = named;
    else if (std::filesystem::exists("/boot"))
        for (auto const& entry : std::filesystem::directory_iterator{"/boot"})
            if (entry.path().filename().string().starts_with("vmlinuz-")) path = entry.path();
    if (path.empty()) GTEST_SKIP() << "no kernel in /boot, and HOSPES_TEST_KERNEL is not set";
    std::ifstream file{path, std::ios::binary};
    Bytes const image{std::istreambuf_iterator<char>{file}, {}};
    auto const plain = unpack(image);
    ASSERT_TRUE(plain) << describe(plain.error());
    auto const elf = parse_elf(*plain);
    ASSERT_TRUE(elf) << describe(elf.error());
    EXPECT_GE(elf->start(), Gpa{1 * mib});
    std::cout << path << ": " << plain->size() << " bytes, " << elf->segments.size() << " segments from " << std::hex
              << elf->start().raw() << " to " << elf->end().raw() << ", entry " << elf->entry << std::dec << '\n';
}

}
}
