// SPDX-License-Identifier: MIT
/// hospes.efi: started by the firmware, reads hospes.cfg beside itself, loads what it names, leaves boot services and
/// enters the hypervisor, which is inside this file, the way GRUB's multiboot2 does.
///
///     firmware ──▶ hospes.efi ──▶ hospes.cfg ──▶ kernel, RAM disk ──▶ ExitBootServices ──▶ boot/multiboot.S
///
/// Headers, entry code and relocation are gnu-efi's.
extern "C" {
#include <efi.h>
}

#include <algorithm>
#include <array>
#include <optional>

#include "boot/uefi/configuration.hpp"
#include "boot/uefi/information.hpp"

extern "C" hospes::u8 const leave_code[], leave_code_end[], hypervisor_file[], hypervisor_file_end[];

namespace hospes::uefi {
namespace {

constexpr u64 four_gib = u64{1} << 32, page_bytes = 4096;
EFI_SYSTEM_TABLE* firmware = nullptr;
EFI_BOOT_SERVICES* services = nullptr;

// --- the screen ---

void print(std::string_view text)
{
    for (char character : text) {
        std::array<CHAR16, 3> wide{static_cast<CHAR16>(character), 0, 0};
        if (character == '\n') wide = {u'\r', u'\n', 0};
        firmware->ConOut->OutputString(firmware->ConOut, wide.data());
    }
}

/// Says why, leaves time to read it, and goes back to the firmware, which tries the next entry of its boot order.
[[noreturn]] void fail(EFI_HANDLE image, std::string_view what, std::string_view about, std::string_view why)
{
    constexpr UINTN ten_seconds = 10'000'000;
    print("\nhospes.efi: ");
    print(what);
    print(about);
    print(why);
    print("\n");
    services->Stall(ten_seconds);
    services->Exit(image, EFI_LOAD_ERROR, 0, nullptr);
    __builtin_unreachable();
}

// --- files ---

/// Below 4 GiB, where Multiboot can speak of it.
[[nodiscard]] u8* allocate_pages(u64 pages, EFI_MEMORY_TYPE type)
{
    EFI_PHYSICAL_ADDRESS where = four_gib - 1;
    if (services->AllocatePages(AllocateMaxAddress, type, pages, &where) != EFI_SUCCESS) return nullptr;
    return reinterpret_cast<u8*>(where);
}

template <typename Interface>
[[nodiscard]] Interface* interface_of(EFI_HANDLE handle, EFI_GUID guid)
{
    void* found = nullptr;
    return services->HandleProtocol(handle, &guid, &found) == EFI_SUCCESS ? static_cast<Interface*>(found) : nullptr;
}

constexpr size_t longest_path = 256;

/// The directory this program was loaded from, with a backslash at its end.
class Folder {
public:
    explicit Folder(EFI_HANDLE image) : image_{image}
    {
        auto* const loaded = interface_of<EFI_LOADED_IMAGE>(image, EFI_LOADED_IMAGE_PROTOCOL_GUID);
        if (loaded == nullptr) fail(image, "the firmware does not say where this program is", "", "");
        auto* const volume =
            interface_of<EFI_FILE_IO_INTERFACE>(loaded->DeviceHandle, EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID);
        if (volume == nullptr || volume->OpenVolume(volume, &root_) != EFI_SUCCESS)
            fail(image, "the volume it was loaded from cannot be read", "", "");
        remember_path(loaded->FilePath);
    }

    /// The whole file, in pages of its own.
    [[nodiscard]] std::span<u8> load(std::string_view name) const
    {
        EFI_FILE_HANDLE file = open(name);
        u64 const bytes = size_of(file, name);
        u8* const room = allocate_pages(bytes / page_bytes + 1, EfiLoaderData);
        if (room == nullptr) fail(image_, "not enough memory for ", name, "");
        for (u64 done = 0; done < bytes;) {
            UINTN count = bytes - done;
            if (file->Read(file, &count, room + done) != EFI_SUCCESS || count == 0)
                fail(image_, "cannot read ", name, ": the medium has an error");
            done += count;
        }
        file->Close(file);
        return {room, bytes};
    }

private:
    void remember_path(EFI_DEVICE_PATH* node)
    {
        for (; node != nullptr && !IsDevicePathEnd(node); node = NextDevicePathNode(node)) {
            if (DevicePathType(node) != MEDIA_DEVICE_PATH || DevicePathSubType(node) != MEDIA_FILEPATH_DP) continue;
            CHAR16 const* const path = reinterpret_cast<FILEPATH_DEVICE_PATH*>(node)->PathName;
            for (size_t i = 0; path[i] != 0 && length_ + 1 < longest_path; ++i) path_[length_++] = path[i];
        }
        while (length_ > 0 && path_[length_ - 1] != u'\\') --length_;
        if (length_ == 0) path_[length_++] = u'\\';
    }

    [[nodiscard]] EFI_FILE_HANDLE open(std::string_view name) const
    {
        std::array<CHAR16, longest_path> path = path_;
        size_t length = name.starts_with('/') || name.starts_with('\\') ? 0 : length_;
        for (char character : name) {
            if (length + 1 == longest_path) fail(image_, "the path is too long: ", name, "");
            path[length++] = character == '/' ? u'\\' : static_cast<CHAR16>(character);
        }
        path[length] = 0;
        EFI_FILE_HANDLE file = nullptr;
        if (root_->Open(root_, &file, path.data(), EFI_FILE_MODE_READ, 0) != EFI_SUCCESS)
            fail(image_, "cannot find ", name, " (paths are relative to the folder of hospes.efi)");
        return file;
    }

    [[nodiscard]] u64 size_of(EFI_FILE_HANDLE file, std::string_view name) const
    {
        alignas(8) std::array<u8, sizeof(EFI_FILE_INFO) + longest_path * sizeof(CHAR16)> room;
        EFI_GUID guid = EFI_FILE_INFO_ID;
        UINTN bytes = room.size();
        if (file->GetInfo(file, &guid, &bytes, room.data()) != EFI_SUCCESS) fail(image_, "cannot measure ", name, "");
        return reinterpret_cast<EFI_FILE_INFO*>(room.data())->FileSize;
    }

    EFI_HANDLE image_;
    EFI_FILE_HANDLE root_ = nullptr;
    std::array<CHAR16, longest_path> path_{};
    size_t length_ = 0;
};

// --- the hypervisor's image ---

/// (System V ABI, ELF-32)
struct ElfHeader {
    u8 identity[16];
    u16 type, machine;
    u32 version, entry, program_headers, section_headers, flags;
    u16 header_bytes, program_header_bytes, program_header_count;
};
struct ProgramHeader {
    u32 type, offset, virtual_address, physical_address, file_bytes, memory_bytes, flags, alignment;
};
constexpr u32 loaded_segment = 1;

/// Puts the image where it was linked to be. Returns its entry point.
[[nodiscard]] u32 place_hypervisor(EFI_HANDLE image)
{
    auto const* const header = reinterpret_cast<ElfHeader const*>(hypervisor_file);
    auto const* const segments = reinterpret_cast<ProgramHeader const*>(hypervisor_file + header->program_headers);
    u64 start = four_gib, end = 0;
    for (u16 i = 0; i < header->program_header_count; ++i) {
        if (segments[i].type != loaded_segment) continue;
        start = std::min<u64>(start, segments[i].physical_address);
        end = std::max<u64>(end, u64{segments[i].physical_address} + segments[i].memory_bytes);
    }
    EFI_PHYSICAL_ADDRESS where = start;
    if (services->AllocatePages(AllocateAddress, EfiLoaderCode, (end - start) / page_bytes + 1, &where) != EFI_SUCCESS)
        fail(image, "the firmware keeps memory at 2 MiB for itself; try GRUB, or another firmware version", "", "");
    memset(reinterpret_cast<void*>(start), 0, end - start);
    for (u16 i = 0; i < header->program_header_count; ++i)
        if (segments[i].type == loaded_segment)
            memcpy(reinterpret_cast<void*>(u64{segments[i].physical_address}), hypervisor_file + segments[i].offset,
                   segments[i].file_bytes);
    return header->entry;
}

// --- what the hypervisor is told ---

void tell_text(Information& out, Information::Tag tag, std::string_view name, std::string_view text)
{
    out.begin(tag);
    out.append(name.data(), name.size());
    if (!name.empty()) out.put(' ');
    out.put_text(text);
    out.end();
}

void tell_module(Information& out, std::span<u8> file, std::string_view line)
{
    u64 const start = reinterpret_cast<u64>(file.data());
    out.begin(Information::Tag::Module);
    out.put(static_cast<u32>(start));
    out.put(static_cast<u32>(start + file.size()));
    out.put_text(line);
    out.end();
}

void tell_framebuffer(Information& out)
{
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    void* found = nullptr;
    if (services->LocateProtocol(&guid, nullptr, &found) != EFI_SUCCESS) return;
    auto const* const mode = static_cast<EFI_GRAPHICS_OUTPUT_PROTOCOL*>(found)->Mode;
    if (mode->Info->PixelFormat > PixelBlueGreenRedReserved8BitPerColor) return;
    constexpr u8 bytes_per_pixel = 4, is_rgb = 1;
    out.begin(Information::Tag::Framebuffer);
    out.put(u64{mode->FrameBufferBase});
    out.put(u32{mode->Info->PixelsPerScanLine * bytes_per_pixel});
    out.put(u32{mode->Info->HorizontalResolution});
    out.put(u32{mode->Info->VerticalResolution});
    out.put(u8{bytes_per_pixel * 8});
    out.put(is_rgb);
    out.put(u16{0});
    out.end();
}

void tell_acpi(Information& out)
{
    constexpr EFI_GUID acpi_2 = ACPI_20_TABLE_GUID;
    constexpr size_t root_pointer_bytes = 36; // ACPI 6.5, section 5.2.5.3
    for (UINTN i = 0; i < firmware->NumberOfTableEntries; ++i) {
        EFI_CONFIGURATION_TABLE const& table = firmware->ConfigurationTable[i];
        if (memcmp(&table.VendorGuid, &acpi_2, sizeof(acpi_2)) != 0) continue;
        out.begin(Information::Tag::AcpiNew);
        out.append(table.VendorTable, root_pointer_bytes);
        out.end();
        return;
    }
}

/// E820's kinds (boot/boot_info.hpp). What boot services and this program use is free once they have ended.
[[nodiscard]] u32 kind_of(u32 type)
{
    switch (type) {
    case EfiLoaderCode:
    case EfiLoaderData:
    case EfiBootServicesCode:
    case EfiBootServicesData:
    case EfiConventionalMemory: return 1;
    case EfiACPIReclaimMemory: return 3;
    case EfiACPIMemoryNVS: return 4;
    case EfiUnusableMemory: return 5;
    default: return 2;
    }
}

void tell_memory_map(Information& out, std::span<u8 const> map, UINTN entry_bytes)
{
    out.begin(Information::Tag::MemoryMap);
    out.put(u32{24});
    out.put(u32{0});
    for (size_t at = 0; at + entry_bytes <= map.size(); at += entry_bytes) {
        auto const* const range = reinterpret_cast<EFI_MEMORY_DESCRIPTOR const*>(map.data() + at);
        out.put(u64{range->PhysicalStart});
        out.put(u64{range->NumberOfPages * page_bytes});
        out.put(kind_of(range->Type));
        out.put(u32{0});
    }
    out.end();
}

/// Ends boot services: afterwards the firmware cannot be called. The map must be the one that was valid at that moment.
void end_boot_services(EFI_HANDLE image, Information& out)
{
    constexpr UINTN map_pages = 16;
    constexpr int attempts = 4; // the first call may change the map
    u8* const room = allocate_pages(map_pages, EfiLoaderData);
    if (room == nullptr) fail(image, "not enough memory for the memory map", "", "");
    for (int attempt = 0; attempt < attempts; ++attempt) {
        UINTN bytes = map_pages * page_bytes, key = 0, entry_bytes = 0;
        UINT32 version = 0;
        auto* const map = reinterpret_cast<EFI_MEMORY_DESCRIPTOR*>(room);
        if (services->GetMemoryMap(&bytes, map, &key, &entry_bytes, &version) != EFI_SUCCESS) break;
        if (services->ExitBootServices(image, key) == EFI_SUCCESS)
            return tell_memory_map(out, {room, bytes}, entry_bytes);
    }
    fail(image, "the firmware's boot services do not end", "", "");
}

std::string_view text_of(std::span<u8> file) { return {reinterpret_cast<char const*>(file.data()), file.size()}; }

[[noreturn]] void start(EFI_HANDLE image)
{
    constexpr std::string_view configuration_name = "hospes.cfg";
    constexpr UINTN information_pages = 16;
    Folder const folder{image};
    Configuration const configuration{text_of(folder.load(configuration_name))};

    auto const section = configuration.value("global", "default");
    if (!section) fail(image, "hospes.cfg has no line default= in a section [global]", "", "");
    if (!configuration.has_section(*section)) fail(image, "hospes.cfg has no section [", *section, "]");
    auto const kernel = configuration.value(*section, "kernel");
    if (!kernel || kernel->empty()) fail(image, "hospes.cfg: no line kernel= in section [", *section, "]");
    auto const ramdisk = configuration.value(*section, "ramdisk");

    print("hospes.efi: loading [");
    print(*section);
    print("]\n");
    std::span<u8> const kernel_file = folder.load(split_first_word(*kernel).word);
    std::span<u8> const ramdisk_file = ramdisk ? folder.load(*ramdisk) : std::span<u8>{};
    u32 const entry = place_hypervisor(image);
    u8* const room = allocate_pages(information_pages, EfiLoaderData);
    u8* const code = allocate_pages(1, EfiLoaderCode);
    if (room == nullptr || code == nullptr) fail(image, "not enough memory", "", "");
    memcpy(code, leave_code, static_cast<size_t>(leave_code_end - leave_code));

    Information out{{room, information_pages * page_bytes}};
    tell_text(out, Information::Tag::LoaderName, "", "hospes.efi");
    tell_text(out, Information::Tag::CommandLine, "hospes.efi", configuration.value(*section, "options").value_or(""));
    tell_module(out, kernel_file, *kernel);
    if (ramdisk) tell_module(out, ramdisk_file, *ramdisk);
    tell_framebuffer(out);
    tell_acpi(out);
    out.begin(Information::Tag::Efi64SystemTable);
    out.put(reinterpret_cast<u64>(firmware));
    out.end();
    end_boot_services(image, out);
    static_cast<void>(out.finish()); // 64 KiB hold more than a thousand ranges

    auto const leave = reinterpret_cast<void (*)(u64 entry, u64 information)>(code);
    leave(entry, reinterpret_cast<u64>(room));
    __builtin_unreachable();
}

}
}

extern "C" EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE* system_table)
{
    hospes::uefi::firmware = system_table;
    hospes::uefi::services = system_table->BootServices;
    hospes::uefi::start(image);
}
