// SPDX-License-Identifier: MIT
/// Loading this guest's image into another domain. Its memory: 64 KiB at 0 for what it is told, for the results, and
/// for the trampoline of its other CPUs; 2 MiB where the image is linked to.

#include "tests/guests/framework/loaded_guest.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "kernel/abi/xen/start_info.hpp"
#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/foreign_pages.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/toolstack.hpp"

extern "C" char const image_begin[];

namespace hospes::test {
namespace {

constexpr u64 start_page = 1, result_page = 2;
constexpr u32 low_order = 4, image_order = 9;
constexpr size_t longest_command_line = 224;

// The parts of an ELF file that say what is to be loaded. (System V ABI, chapters 4 and 5.)
struct ElfHeader {
    std::array<u8, 24> identification_and_kind;
    u64 entry;
    u64 segments_offset;
    u64 sections_offset;
    u32 flags;
    u16 header_size;
    u16 segment_size;
    u16 segment_count;
};
struct ElfSegment {
    u32 type;
    u32 flags;
    u64 offset;
    u64 virtual_address;
    u64 physical_address;
    u64 file_size;
    u64 memory_size;
    u64 alignment;
};
constexpr u32 loadable = 1;

struct StartPage {
    xen::StartInfo info;
    std::array<xen::MemoryMapTableEntry, 2> memory_map;
    std::array<char, longest_command_line> command_line;
};

u64 first_image_frame() { return address(image_begin) >> page_shift; }

std::span<u8 const> own_image()
{
    if (start_info().nr_modules == 0) abandon("dom0 needs this guest's image as its initial RAM disk");
    auto const& module = *reinterpret_cast<xen::ModuleListEntry const*>(start_info().module_list_address);
    return {reinterpret_cast<u8 const*>(module.address), module.size};
}

/// Page by window, because an image is larger than one window.
bool copy_in(u16 domain, u64 target, std::span<u8 const> bytes)
{
    while (!bytes.empty()) {
        u64 const into_page = target & page_mask;
        u64 const length = std::min<u64>(bytes.size(), ForeignPages::most * page_size - into_page);
        ForeignPages const pages{domain, target >> page_shift, (into_page + length + page_mask) >> page_shift};
        if (!pages.complete()) return false;
        std::memcpy(pages.bytes() + into_page, bytes.data(), length);
        bytes = bytes.subspan(length);
        target += length;
    }
    return true;
}

bool load_image(u16 domain, std::span<u8 const> image)
{
    auto const& header = *reinterpret_cast<ElfHeader const*>(image.data());
    std::span const segments{reinterpret_cast<ElfSegment const*>(image.data() + header.segments_offset),
                             header.segment_count};
    for (ElfSegment const& segment : segments)
        if (segment.type == loadable &&
            !copy_in(domain, segment.physical_address, image.subspan(segment.offset, segment.file_size)))
            return false;
    return true;
}

bool write_start_page(u16 domain, std::string_view command_line)
{
    ForeignPages const pages{domain, start_page, 1};
    if (!pages.complete()) return false;
    constexpr u64 where = start_page << page_shift;
    auto& page = *reinterpret_cast<StartPage*>(pages.bytes());
    page.info = {.magic = xen::start_info_magic,
                 .version = 1,
                 .flags = 0,
                 .nr_modules = 0,
                 .module_list_address = 0,
                 .command_line_address = where + offsetof(StartPage, command_line),
                 .rsdp_address = 0,
                 .memory_map_address = where + offsetof(StartPage, memory_map),
                 .memory_map_entries = 2,
                 .reserved = 0};
    page.memory_map = {{{0, page_size << low_order, usable_memory, 0},
                        {first_image_frame() << page_shift, page_size << image_order, usable_memory, 0}}};
    constexpr std::string_view loaded = "loaded ";
    std::memcpy(page.command_line.data(), loaded.data(), loaded.size());
    std::memcpy(page.command_line.data() + loaded.size(), command_line.data(),
                std::min(command_line.size(), longest_command_line - loaded.size() - 1));
    return true;
}

bool set_up(OtherDomain const& domain, std::string_view command_line)
{
    auto const image = own_image();
    xen::HvmCpu registers = flat_registers();
    registers.rip = reinterpret_cast<ElfHeader const*>(image.data())->entry;
    registers.rbx = start_page << page_shift;
    return domain.populate(0, low_order) && domain.populate(first_image_frame(), image_order) &&
           load_image(domain.id(), image) && write_start_page(domain.id(), command_line) &&
           domain.load_registers(registers) == 0;
}

}

std::optional<LoadedGuest> LoadedGuest::start(LoadedGuestPlan const& plan, std::string_view command_line)
{
    auto domain = OtherDomain::create({.memory_kib = (pages + plan.spare_pages) * page_size / kib,
                                       .vcpus = plan.vcpus,
                                       .highest_port = plan.highest_port,
                                       .table_bytes = plan.table_bytes});
    if (!domain || !set_up(*domain, command_line)) return std::nullopt;
    bool const everywhere = !has_argument("threads");
    for (u32 vcpu = 0; vcpu != plan.vcpus; ++vcpu)
        if (!everywhere && !keep_off_first_cpu(domain->id(), vcpu)) return std::nullopt;
    if (domain->unpause() != 0) return std::nullopt;
    return LoadedGuest{std::move(*domain)};
}

xen::ShutdownReason LoadedGuest::wait() const
{
    for (;;) {
        if (auto const reason = domain_.shutdown_reason()) return *reason;
        (void)schedule::poll(nullptr, 0, now() + millisecond);
    }
}

u64 LoadedGuest::result(u32 place) const
{
    ForeignPages const results{id(), result_page, 1};
    return reinterpret_cast<u64 volatile*>(results.bytes())[place];
}

u64 volatile& result_for_dom0(u32 place) { return reinterpret_cast<u64 volatile*>(result_page << page_shift)[place]; }

u64 loaded_guest_end() { return first_image_frame() + (u64{1} << image_order); }

}
