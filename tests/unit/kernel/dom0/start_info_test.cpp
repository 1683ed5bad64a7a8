// SPDX-License-Identifier: MIT
/// What dom0 finds in memory when it starts: start information, command line, ACPI tables.
#include "kernel/dom0/start_info.hpp"

#include <gtest/gtest.h>

#include "kernel/abi/xen/start_info.hpp"
#include "kernel/dom0/acpi_tables.hpp"
#include "kernel/dom0/command_line.hpp"
#include "tests/fakes/fake_firmware.hpp"

namespace hospes::dom0 {
namespace {

using boot::MemoryKind;
using hospes::test::append;
using hospes::test::Bytes;
using hospes::test::FakeFirmware;
using hospes::test::make_table;
using hospes::test::place;

template <typename T>
T at(std::span<u8 const> bytes, u64 offset)
{
    T value;
    std::memcpy(&value, bytes.subspan(offset, sizeof(T)).data(), sizeof(T));
    return value;
}

TEST(StartInfo, PointsAtItsParts)
{
    constexpr u64 where = 0x500'0000;
    std::array const map{boot::MemoryRange{Hpa{0}, 0x9F000, MemoryKind::Usable},
                         boot::MemoryRange{Hpa{0xF0000}, 0x10000, MemoryKind::Reserved}};
    std::vector<u8> chunk(start_info_bytes("root=/dev/vda"), 0xAA);
    ASSERT_TRUE(write_start_info(chunk, Gpa{where},
                                 {.command_line = "root=/dev/vda",
                                  .initrd = Gpa{0x600'0000},
                                  .initrd_bytes = 12345,
                                  .rsdp = Gpa{0x700'0040},
                                  .memory_map = map}));
    auto const info = at<xen::StartInfo>(chunk, 0);
    EXPECT_EQ(info.magic, xen::start_info_magic);
    EXPECT_EQ(info.version, 1u);
    EXPECT_EQ(info.flags, 3u);
    EXPECT_EQ(info.rsdp_address, 0x700'0040u);
    ASSERT_EQ(info.nr_modules, 1u);
    auto const module = at<xen::ModuleListEntry>(chunk, info.module_list_address - where);
    EXPECT_EQ(module.address, 0x600'0000u);
    EXPECT_EQ(module.size, 12345u);
    ASSERT_EQ(info.memory_map_entries, 2u);
    auto const entry =
        at<xen::MemoryMapTableEntry>(chunk, info.memory_map_address - where + sizeof(xen::MemoryMapTableEntry));
    EXPECT_EQ(entry.address, 0xF0000u);
    EXPECT_EQ(entry.type, 2u);
    auto const text = chunk.data() + (info.command_line_address - where);
    EXPECT_STREQ(reinterpret_cast<char const*>(text), "root=/dev/vda");
    EXPECT_EQ(chunk.back(), 0) << "no byte of what was there before is left";
}

TEST(StartInfo, DoesNotOverrun)
{
    std::vector<u8> chunk(start_info_bytes(""));
    EXPECT_TRUE(write_start_info(chunk, Gpa{}, {}));
    std::vector<u8> small(sizeof(xen::StartInfo) + sizeof(xen::ModuleListEntry));
    EXPECT_EQ(write_start_info(small, Gpa{}, {}).error(), Error::NoSpace);
    small.push_back(0);
    EXPECT_TRUE(write_start_info(small, Gpa{}, {}));
}

TEST(Dom0CommandLine, LoadersDifferInFileNames)
{
    std::array<char, 100> buffer;
    auto const text = [&](CommandLineParts const& parts) { return *make_command_line(buffer, parts); };
    EXPECT_EQ(text({.module_text = "placeholder root=/dev/vda ro", .loader_name = "GRUB 2.06"}), "root=/dev/vda ro");
    EXPECT_EQ(text({.module_text = "root=/dev/vda", .loader_name = "GRUB 2.06"}), "root=/dev/vda");
    EXPECT_EQ(text({.module_text = "/boot/vmlinuz root=/dev/vda", .loader_name = "qemu"}), "root=/dev/vda");
    EXPECT_EQ(text({.module_text = "/boot/vmlinuz", .loader_name = "qemu"}), "");
    EXPECT_EQ(text({.module_text = "", .loader_name = ""}), "");
    EXPECT_EQ(text({.module_text = " vmlinuz  quiet ", .appended = " debug", .force_bounce_buffers = true}),
              "quiet debug swiotlb=force");
    EXPECT_EQ(text({.module_text = "placeholders", .loader_name = "GRUB 2"}), "placeholders");
    std::array<char, 10> little;
    EXPECT_EQ(make_command_line(little, {.module_text = "x 0123456789a"}).error(), Error::TooBig);
}

class Dom0Acpi : public testing::Test {
protected:
    static constexpr u64 base = 0xE0000, root_at = 0xE1000, rsdt_at = 0xE2000;
    void SetUp() override
    {
        Bytes madt;
        append(madt, u32{0xFEE0'0000});
        append(madt, u32{1});
        append(madt, acpi::MadtIoApic{{acpi::MadtKind::IoApic, 12}, 3, 0, 0xFEC0'0000, 0});
        append(madt, acpi::MadtSourceOverride{{acpi::MadtKind::SourceOverride, 10}, 0, 9, 9, 0xD});
        u32 where = 0xF0000;
        Bytes entries;
        for (auto const& table :
             {make_table("APIC", madt), make_table("FACP", Bytes(84)), make_table("SSDT", Bytes(9)),
              make_table("HPET", Bytes(20)), make_table("DMAR", Bytes(12)), make_table("SSDT", Bytes(7))}) {
            place(memory, where, table);
            append(entries, where);
            where += 0x1000;
        }
        place(memory, rsdt_at, make_table("RSDT", entries));
        hospes::test::place_root_pointer(memory, root_at, 0, rsdt_at, 0);
    }
    FakeFirmware memory{base, 0x20000};
};

TEST_F(Dom0Acpi, TablesAreConsistentAndFiltered)
{
    auto const host = acpi::Tables::discover(memory, {});
    auto const madt = *acpi::parse_madt(host);
    AcpiSource const source{host, madt, {}, 3};
    constexpr u64 where = 0x123'4000;
    FakeFirmware guest{where, 0x20'0000};
    auto const chunk = guest.part(where, acpi_tables_bytes(source));
    auto const root = write_acpi_tables(chunk, Gpa{where}, source);
    ASSERT_TRUE(root);

    // dom0 sees its own tables and the firmware's; here the latter are elsewhere, so put the parsers on two memories.
    class Both final : public acpi::PhysicalReader {
    public:
        Both(FakeFirmware const& low, FakeFirmware const& high) : low_{low}, high_{high} {}
        bool read(Hpa at, std::span<u8> out) const override { return low_.read(at, out) || high_.read(at, out); }

    private:
        FakeFirmware const& low_;
        FakeFirmware const& high_;
    } const both{memory, guest};
    auto const seen = acpi::Tables::discover(both, Hpa{root->raw()});
    EXPECT_EQ(seen.root_header().signature, acpi::Signature{"XSDT"});
    EXPECT_EQ((std::string_view{seen.root_header().oem_id.data(), 6}), "BOCHS ") << "identity of the RSDT is kept";
    EXPECT_EQ(seen.all().size(), 4u) << "MADT, FADT and two SSDTs";
    EXPECT_FALSE(seen.find("HPET"));
    EXPECT_FALSE(seen.find("DMAR"));

    auto const its_madt = acpi::parse_madt(seen);
    ASSERT_TRUE(its_madt);
    EXPECT_FALSE(its_madt->has_legacy_pics);
    ASSERT_EQ(its_madt->processors.size(), 3u);
    EXPECT_EQ(its_madt->processors[2].apic_id, 4u);
    EXPECT_EQ(its_madt->processors[2].uid, 2u);
    ASSERT_EQ(its_madt->io_apics.size(), 1u);
    EXPECT_EQ(its_madt->io_apics[0].id, 3);
    ASSERT_EQ(its_madt->source_overrides.size(), 1u);
    EXPECT_EQ(u16{its_madt->source_overrides[0].flags}, 0xD);
}

TEST_F(Dom0Acpi, TooSmallAChunkIsRefused)
{
    auto const host = acpi::Tables::discover(memory, {});
    auto const madt = *acpi::parse_madt(host);
    AcpiSource const source{host, madt, {}, 2};
    for (size_t size = 0; size < 128; ++size) {
        std::vector<u8> chunk(size);
        EXPECT_FALSE(write_acpi_tables(chunk, Gpa{0x1000}, source));
    }
}

}
}
