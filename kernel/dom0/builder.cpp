// SPDX-License-Identifier: MIT
/// The steps, in order.
#include "kernel/dom0/builder.hpp"

#include "kernel/abi/xen/domctl_domain.hpp"
#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/device_memory/pass_through.hpp"
#include "kernel/dom0/acpi_tables.hpp"
#include "kernel/dom0/command_line.hpp"
#include "kernel/dom0/kernel_image.hpp"
#include "kernel/dom0/layout.hpp"
#include "kernel/dom0/memory_budget.hpp"
#include "kernel/dom0/memory_claim.hpp"
#include "kernel/dom0/start_info.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes::dom0 {

namespace {

constexpr size_t longest_command_line = 2048; // Linux, arch/x86/include/asm/setup.h, COMMAND_LINE_SIZE

template <typename T>
T or_refuse(Loaded<T> result)
{
    if (!result) refuse_to_boot("module 0 (the dom0 kernel) cannot be used: {}", describe(result.error()));
    return std::move(*result);
}

template <typename T>
T or_refuse(Expected<T> result, std::string_view doing)
{
    if (!result)
        refuse_to_boot("dom0: {} failed with error {}; free some memory with dom0_mem=", doing, result.error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// --- modules ---

struct Files {
    KernelImage kernel;
    StagingArea initrd;
};

[[nodiscard]] StagingArea stage_or_refuse(boot::Module const& module, size_t index)
{
    auto area = stage(module);
    if (!area)
        refuse_to_boot("module {} ({} bytes) cannot be copied: not enough contiguous free memory", index, module.bytes);
    return std::move(*area);
}

/// The loader's copies become free memory, as far as they lie in RAM that is managed at all.
void release_modules(boot::BootInfo const& info)
{
    for (FrameRun const& run : module_frames(info)) {
        for (boot::MemoryRange const& range : info.memory_map) {
            if (range.kind != boot::MemoryKind::Usable) continue;
            FrameRun const ram = high_frames(range);
            Hfn const first = std::max(run.first, ram.first);
            Hfn const end = std::min(run.end(), ram.end());
            if (first < end) frames::add(first, end - first);
        }
    }
}

[[nodiscard]] Files read_files(boot::BootInfo const& info)
{
    if (info.modules.empty())
        refuse_to_boot("there is no dom0 kernel: give the boot loader a Linux kernel as the first module");
    auto kernel_file = stage_or_refuse(info.modules[0], 0);
    auto initrd =
        info.modules.size() > 1 && info.modules[1].bytes != 0 ? stage_or_refuse(info.modules[1], 1) : StagingArea{};
    release_modules(info);
    return {.kernel = or_refuse(understand_kernel(std::move(kernel_file))), .initrd = std::move(initrd)};
}

// --- the domain ---

[[nodiscard]] Domain& create_domain(BuildRequest const& request)
{
    DomainConfiguration configuration;
    configuration.max_vcpus = request.vcpus;
    configuration.max_event_port = PortTable::capacity - 1;
    configuration.max_grant_frames = request.options.max_grant_frames;
    configuration.max_maptrack_frames = request.options.max_maptrack_frames;
    configuration.flags = xen::create_flag::hvm | xen::create_flag::hap;
    if (request.dma_is_protected) configuration.flags |= xen::create_flag::iommu;
    configuration.emulation_flags =
        xen::emulation_flag::local_apic | xen::emulation_flag::io_apic | xen::emulation_flag::vpci;
    Domain& domain = *or_refuse(Domain::create(0, configuration, true), "creating the domain");
    domain.quota.ram.set_limit(limit_for_dom0(request.options.dom0_memory, frames::total_count()));
    or_refuse(domains::add(domain), "listing the domain");
    or_refuse(domain.create_vcpus(), "creating its vCPUs");
    return domain;
}

// --- memory ---

struct MemoryPlan {
    MemoryMap map;
    Layout layout;
    std::string_view command_line;
};

[[nodiscard]] std::optional<AcpiSource> acpi_source(BuildRequest const& request)
{
    if (!request.tables || !request.madt || !request.tables->root_pointer()) return std::nullopt;
    return AcpiSource{*request.tables, *request.madt, request.boot.memory_map.items(), request.vcpus};
}

[[nodiscard]] MemoryMap plan_map(BuildRequest const& request, std::span<FrameRun const> staged)
{
    claim_low_memory(request.boot.memory_map.items());
    Survey found;
    survey(found, request.boot.memory_map.items(), staged);
    if (asks_for_too_much(request.options.dom0_memory, found.total))
        refuse_to_boot("dom0_mem asks for more memory than the machine has: {} MiB in all, {} MiB of them for dom0 at "
                       "most; lower it",
                       found.total >> 8, most_for_dom0(found.available) >> 8);
    u64 const budget = frames_for_dom0(request.options.dom0_memory, found.total, found.available);
    auto map = or_refuse(make_memory_map(request.boot.memory_map.items(), found.held.items(), budget),
                         "planning its memory map");
    log_info("dom0: {} MiB of {} MiB RAM; {} frames in {} places stay with Hospes", usable_frames(map.items()) >> 8,
             found.total >> 8, found.total - found.available, found.held.size());
    return map;
}

[[nodiscard]] Layout plan_places(BuildRequest const& request, MemoryPlan const& plan, Files const& files,
                                 std::span<FrameRun const> staged)
{
    auto const acpi = acpi_source(request);
    return or_refuse(plan_layout(plan.map, staged,
                                 {.kernel_start = files.kernel.elf.start(),
                                  .kernel_end = files.kernel.elf.end(),
                                  .initrd_bytes = files.initrd.bytes().size(),
                                  .start_info_bytes = start_info_bytes(plan.command_line),
                                  .acpi_bytes = acpi ? acpi_tables_bytes(*acpi) : 0}));
}

/// Calls `act` for each run of dom0's RAM above 1 MiB.
template <typename Act>
void for_each_ram_run(MemoryMap const& map, Act&& act)
{
    for (boot::MemoryRange const& range : map)
        if (range.kind == boot::MemoryKind::Usable) act(high_frames(range));
}

/// Everything is claimed before anything is mapped: page tables come from the same allocator.
void claim_memory(MemoryMap const& map, std::span<FrameRun const> staged)
{
    for_each_ram_run(map, [&](FrameRun ram) {
        static_cast<void>(for_each_part_outside(ram, staged, [](FrameRun part) -> Expected<> {
            claim(part);
            return {};
        }));
    });
}

void map_memory(Domain& domain, MemoryMap const& map, std::span<FrameRun const> staged)
{
    constexpr std::string_view doing = "mapping its memory";
    for_each_ram_run(map, [&](FrameRun ram) {
        or_refuse(for_each_part_outside(ram, staged, [&](FrameRun part) { return hand_over(domain, part); }), doing);
    });
    for (boot::MemoryRange const& range : map)
        if (range.kind == boot::MemoryKind::Usable) or_refuse(hand_over(domain, low_frames(range)), doing);
}

/// Frames that held files until now. Claims first, for the same reason.
void map_staged(Domain& domain, MemoryMap const& map, std::span<FrameRun const> staged)
{
    auto const for_each_overlap = [&](auto&& act) {
        for_each_ram_run(map, [&](FrameRun ram) {
            for (FrameRun const& run : staged) {
                Hfn const first = std::max(run.first, ram.first);
                Hfn const end = std::min(run.end(), ram.end());
                if (first < end) act(FrameRun{first, end - first});
            }
        });
    };
    for_each_overlap([](FrameRun run) { claim(run); });
    for_each_overlap([&](FrameRun run) { or_refuse(hand_over(domain, run), "mapping its memory"); });
}

// --- contents ---

[[nodiscard]] Hpa host_address(Gpa where) { return Hpa{where.raw()}; } // dom0 is identity-mapped

/// A buffer of our own for something that is then copied to dom0.
[[nodiscard]] StagingArea draft(u64 bytes, std::string_view what)
{
    auto area = StagingArea::of(bytes);
    if (!area) refuse_to_boot("dom0: no memory for {}; lower dom0_mem=", what);
    return std::move(*area);
}

[[nodiscard]] Gpa place_acpi_tables(AcpiSource const& source, MemoryPlan& plan)
{
    u64 const bytes = round_up(acpi_tables_bytes(source), page_size);
    auto const area = draft(bytes, "its ACPI tables");
    auto const root = or_refuse(write_acpi_tables(area.bytes(), plan.layout.acpi, source), "writing its ACPI tables");
    copy_to_physical(host_address(plan.layout.acpi), area.bytes());
    or_refuse(mark_as_acpi(plan.map, host_address(plan.layout.acpi), bytes), "marking its ACPI tables");
    return root;
}

void place_start_info(MemoryPlan const& plan, StartInfoContent const& content)
{
    auto const area = draft(start_info_bytes(content.command_line), "its start information");
    or_refuse(write_start_info(area.bytes(), plan.layout.start_info, content), "writing its start information");
    copy_to_physical(host_address(plan.layout.start_info), area.bytes());
}

void place_contents(BuildRequest const& request, MemoryPlan& plan, Files const& files)
{
    place_kernel(files.kernel.elf);
    copy_to_physical(host_address(plan.layout.initrd), files.initrd.bytes());
    auto const acpi = acpi_source(request);
    if (!acpi) log_warning("dom0: no ACPI tables for it; it will find one CPU and no interrupt controller");
    Gpa const rsdp = acpi ? place_acpi_tables(*acpi, plan) : Gpa{};
    place_start_info(plan, {.command_line = plan.command_line,
                            .initrd = plan.layout.initrd,
                            .initrd_bytes = files.initrd.bytes().size(),
                            .rsdp = rsdp,
                            .memory_map = plan.map.items()});
}

void publish_memory_map(Domain& domain, MemoryMap const& map)
{
    auto control = domain.control.lock();
    control->memory_map.clear();
    for (boot::MemoryRange const& range : map) {
        xen::E820Entry const entry{
            .address = range.start.raw(), .size = range.bytes, .type = static_cast<u32>(range.kind)};
        static_cast<void>(control->memory_map.push_back(entry)); // both have room for 128
    }
}
static_assert(decltype(DomainControl::memory_map)::capacity >= MemoryMap::capacity);

[[nodiscard]] std::string_view command_line(std::span<char> buffer, BuildRequest const& request)
{
    auto const text = make_command_line(buffer, {.module_text = request.boot.modules[0].command_line,
                                                 .loader_name = request.boot.loader_name,
                                                 .appended = request.options.dom0_command_line,
                                                 .force_bounce_buffers = !request.dma_is_protected});
    if (!text) refuse_to_boot("dom0's command line is longer than {} characters: shorten it", buffer.size());
    if (!request.dma_is_protected)
        log_warning(
            "dom0: NO IOMMU IN USE. Its devices can read and write all of memory, Hospes and every guest included. "
            "swiotlb=force was added to its command line, so that it copies guests' data for its devices");
    log_info("dom0: command line: {}", *text);
    return *text;
}

}

Domain& build(BuildRequest const& request)
{
    static constinit std::array<char, longest_command_line> command_line_buffer{};
    Files files = read_files(request.boot);
    Domain& domain = create_domain(request);
    or_refuse(prepare_pass_through(request.boot.memory_map.items(), request.physical_address_bits, request.madt,
                                   request.configuration_windows),
              "listing the machine's devices");

    std::array const staged{files.kernel.file.frames(), files.initrd.frames()};
    MemoryPlan plan{
        .map = plan_map(request, staged), .layout = {}, .command_line = command_line(command_line_buffer, request)};
    plan.layout = plan_places(request, plan, files, staged);

    claim_memory(plan.map, staged);
    map_memory(domain, plan.map, staged);
    or_refuse(map_firmware_memory(domain, request.boot.memory_map.items()), "mapping firmware memory");

    u32 const entry = files.kernel.elf.entry;
    MemoryMap const ram = plan.map; // before the ACPI tables are cut out of it
    place_contents(request, plan, files);
    publish_memory_map(domain, plan.map);
    files.kernel.file.release();
    files.initrd.release();
    map_staged(domain, ram, staged);

    arch::set_pvh_entry(*domain.vcpu(0), entry, static_cast<u32>(plan.layout.start_info.raw()));
    domain.vcpu(0)->clear_waiting(WaitReason::Down);
    log_info("dom0: {} vCPUs, enters at {:x}, start information at {:x}", request.vcpus, entry, plan.layout.start_info);
    return domain;
}

}
