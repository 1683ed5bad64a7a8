// SPDX-License-Identifier: MIT
/// The boot narrative: what happens, in order.
#include <algorithm>
#include <array>
#include <bit>

#include "arch/x86_64/cpu/cpuid.hpp"
#include "arch/x86_64/cpu/machine.hpp"
#include "arch/x86_64/cpu/per_cpu.hpp"
#include "arch/x86_64/cpu/smp.hpp"
#include "arch/x86_64/cpuid/processor_facts.hpp"
#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/irq/irq.hpp"
#include "arch/x86_64/irq/local_apic.hpp"
#include "arch/x86_64/mm/host_address_space.hpp"
#include "arch/x86_64/mm/image.hpp"
#include "arch/x86_64/platform/dom0_devices.hpp"
#include "boot/read_boot_info.hpp"
#include "boot/sanitize.hpp"
#include "drivers/acpi/fadt.hpp"
#include "drivers/acpi/firmware_memory.hpp"
#include "drivers/acpi/interrupt_topology.hpp"
#include "drivers/acpi/quirks.hpp"
#include "drivers/iommu/iommu.hpp"
#include "drivers/pci/config_access.hpp"
#include "drivers/screen/screen_console.hpp"
#include "drivers/uart/serial_console.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/debug/counters.hpp"
#include "kernel/debug/debug_keys.hpp"
#include "kernel/device_memory/pass_through.hpp"
#include "kernel/dom0/builder.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/log/console.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/log/refusal.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/mm/memory.hpp"
#include "kernel/options/command_line.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/time/clock.hpp"
#include "kernel/verdict/verdict.hpp"
#include "kernel/version.hpp"

namespace hospes {
namespace {

constinit std::array<char, 32 * kib> boot_strings{};
constinit boot::BootInfo boot_info;

extern "C" {
extern void (*const constructors_start[])(); // linker.ld
extern void (*const constructors_end[])();
}

void run_constructors()
{
    for (void (*const* constructor)() = constructors_start; constructor != constructors_end; ++constructor)
        (*constructor)();
}

void report_option(OptionComplaint complaint)
{
    if (complaint.expected.empty())
        log_warning("option {} is not known and has no effect", complaint.option);
    else
        log_warning("option {} has no effect; expected {}", complaint.option, complaint.expected);
}

void adopt_command_line()
{
    std::string_view const line = strip_image_name(boot_info.command_line, boot_info.loader_name);
    adopt_options(parse_options(line, [](OptionComplaint) {}));
}

void start_log()
{
    Options const& wanted = options();
    console::set_thresholds({.hypervisor = wanted.log_level.rate_limited,
                             .guest = wanted.guest_log_level.always,
                             .guest_rate_limited = wanted.guest_log_level.rate_limited,
                             .timestamps = wanted.console_timestamps,
                             .dom0_to_ring = wanted.console_to_ring});
    uart::start(wanted);
    if (wanted.consoles.has(ConsoleChoice::Vga)) screen::start(boot_info);
    log_info("Hospes {} ({}), loaded by {}", version, revision(), boot_info.loader_name);
    log_info("command line: {}", wanted.command_line);
    static_cast<void>(parse_options(wanted.command_line, &report_option));
}

/// What must not be allocated before dom0 has been built: the first MiB, the image, and what the loader placed.
void keep_out_of_allocator(StaticVector<boot::MemoryRange, 2 + boot::BootInfo::max_modules>& kept)
{
    auto const add = [&](Hpa start, u64 bytes) {
        if (!kept.push_back({start, bytes, boot::MemoryKind::Reserved})) panic("more modules than there can be");
    };
    add(Hpa{0}, mib);
    add(arch::physical_address(image_start), static_cast<u64>(image_end - image_start));
    for (boot::Module const& module : boot_info.modules)
        if (module.bytes != 0) add(module.start, module.bytes);
}

/// From the firmware's map to frames that can be allocated.
void adopt_memory_map()
{
    u64 const limit = options().memory_limit;
    boot::MapRepairs const repairs =
        boot::sanitize(boot_info.memory_map, limit != 0 ? limit : boot::physical_address_limit);
    boot::log_memory_map(boot_info, repairs);
    screen::leave_early_mapping();
    host_address_space::build(boot_info.memory_map.items());
    screen::use_final_mapping();
    StaticVector<boot::MemoryRange, 2 + boot::BootInfo::max_modules> kept;
    keep_out_of_allocator(kept);
    memory_setup::adopt(boot_info.memory_map.items(), kept.items());
}

/// conring_size=: the built-in ring is replaced once there is memory.
void enlarge_console_ring()
{
    u64 const wanted = options().console_ring_bytes;
    if (wanted <= page_size) return;
    unsigned const order = static_cast<unsigned>(std::bit_width(pages_for(std::min(wanted, 64 * mib)) - 1));
    if (auto const frames = frames::allocate(order))
        console::use_ring({static_cast<char*>(arch::reach(*frames)), page_size << order});
    else
        log_warning("conring_size={}: no memory", wanted);
}

/// What the firmware says about the machine. Kept for as long as the machine runs.
struct Platform {
    acpi::FirmwareMemory memory{boot_info.memory_map.items(), arch::reach};
    acpi::Tables tables = acpi::Tables::discover(memory, boot_info.rsdp);
    Expected<acpi::Madt> madt = acpi::parse_madt(tables);
    acpi::Fadt fadt = acpi::parse_fadt(tables).value_or(acpi::Fadt{}); ///< empty where there is none
    Expected<acpi::ConfigurationWindows> configuration_windows = acpi::parse_mcfg(tables);
};

void use_reset_register(acpi::ResetRegister const& reset)
{
    using Space = acpi::GenericAddress::Space;
    if (reset.space == Space::Port) machine::use_reset_port(static_cast<u16>(reset.address), reset.value);
    if (reset.space == Space::Memory) machine::use_reset_memory(Hpa{reset.address}, reset.value);
}

void start_interrupts_and_time(Platform const& platform, InterruptTopology const& topology)
{
    acpi::Fadt const& fadt = platform.fadt;
    if (fadt.reset) use_reset_register(*fadt.reset);
    if (fadt.timer) machine::use_power_management_timer(fadt.timer->port);
    irq::initialize(topology);
    clock::initialize();
    local_apic::calibrate_timer();
    console::set_clock(clock::now);
}

unsigned cpu_limit()
{
    if (!options().smp) return 1;
    return options().max_cpus == 0 ? arch::max_cpus : options().max_cpus;
}

u32 dom0_vcpus()
{
    VcpuCount const& wanted = options().dom0_vcpus;
    u32 const most = wanted.maximum == 0 ? arch::cpu_count() : wanted.maximum;
    return std::clamp(std::max(std::min(arch::cpu_count(), most), wanted.minimum), 1u, max_vcpus_per_domain);
}

/// The I/O APIC's pin of an ISA interrupt. (ACPI 6.5, section 5.2.12.5)
InterruptTopology::SourceOverride route_of(u8 isa_irq)
{
    for (InterruptTopology::SourceOverride const& route : irq::topology().overrides)
        if (route.isa_irq == isa_irq) return route;
    return {.isa_irq = isa_irq, .gsi = isa_irq};
}

void start_serial_interrupts()
{
    for (size_t i = 0; auto const port = uart::kept_port(i); ++i) {
        if (port->irq == 0) continue;
        auto const route = route_of(port->irq);
        if (!irq::bind_gsi(route.gsi, route.trigger, route.polarity, uart::handle_interrupt, nullptr)) {
            log_warning("no console input: interrupt {} cannot be used", port->irq);
            continue;
        }
        irq::unmask_gsi(route.gsi);
        uart::enable_interrupts(i, !options().synchronous_console);
    }
}

/// What is typed from here on reaches dom0, and the screen is dom0's.
void connect_console()
{
    start_serial_interrupts();
    if (!options().keep_vga) screen::stop();
    console::on_input([] { raise_global_virq(VirtualInterrupt::Console); });
    console::on_output([] { raise_global_virq(VirtualInterrupt::ConsoleRing); });
    console::on_debug_key(press_debug_key);
}

[[noreturn]] void refuse_unprotected(iommu::Refusal const& refusal)
{
    refuse_to_boot("no IOMMU can be used: {} ({:x}). Without one, any device can read and write Hospes and all guests. "
                   "Switch VT-d or AMD-Vi on in the firmware's setup, or accept the risk with the option iommu=off",
                   refusal.why, refusal.detail);
}

/// Is there something between devices and memory? (design.md, D6)
bool find_iommus(Platform const& platform)
{
    if (platform.configuration_windows) pci::initialize_config_access(*platform.configuration_windows);
    if (!options().iommu.enabled) {
        log_warning("IOMMU: off, as the command line says");
        return false;
    }
    auto const found = iommu::initialize({platform.tables, boot_info.memory_map.items(), options().iommu});
    if (!found) refuse_unprotected(found.error());
    return true;
}

/// From here on devices reach dom0's memory and nothing else, and dom0 does not reach the IOMMUs.
void confine_devices(Domain& domain)
{
    if (auto const attached = domain.physmap.attach(iommu::dma_space()); !attached)
        refuse_to_boot("dom0's memory cannot be shown to its devices (error {}); lower dom0_mem=", attached.error());
    if (auto const started = iommu::start(); !started) refuse_unprotected(started.error());
    if (options().iommu.required && options().iommu.interrupt_remapping && !iommu::remaps_interrupts())
        refuse_to_boot("iommu=force was given, and the IOMMUs cannot remap interrupts; add no-intremap to accept that");
    for (iommu::RegisterPlace const& place : iommu::register_places())
        if (!dom0::keep_trapped(Gpa{place.start.raw()}, place.bytes))
            refuse_to_boot("the IOMMU's registers at {:x} cannot be kept from dom0", place.start);
}

Domain& build_control_domain(Platform const& platform, bool dma_is_protected)
{
    return dom0::build(
        {.boot = boot_info,
         .options = options(),
         .tables = &platform.tables,
         .madt = platform.madt ? &*platform.madt : nullptr,
         .configuration_windows = platform.configuration_windows ? &*platform.configuration_windows : nullptr,
         .vcpus = dom0_vcpus(),
         .physical_address_bits = read_cpuid(0x8000'0008).eax & 0xff,
         .dma_is_protected = dma_is_protected});
}

/// The machine's devices, but for what Hospes keeps.
void give_devices_to(Domain& domain, Platform const& platform)
{
    constexpr u16 timer_ports = 4;
    StaticVector<arch::PortRange, 8> kept;
    auto const keep = [&](u16 first, u16 count) {
        if (!kept.push_back({first, static_cast<u16>(first + count - 1)})) panic("more ports kept than expected");
    };
    if (auto const& timer = platform.fadt.timer) keep(timer->port, timer_ports);
    for (size_t i = 0; auto const port = uart::kept_port(i); ++i) keep(port->io_base, port->io_count);
    arch::Dom0DeviceOptions const given_devices{.kept_ports = kept.items(), .hidden = iommu::own_functions()};
    if (auto const given = arch::give_devices(domain, given_devices); !given)
        refuse_to_boot("dom0 cannot be given the machine's devices (error {})", given.error());
}

/// Nothing in boot/, and none of the decompression libraries, runs any more.
void release_boot_memory()
{
    host_address_space::release_boot_memory(
        [](Hpa start, u64 bytes) { frames::add(frame_of(start), bytes >> page_shift); });
}

/// dom0_vcpus_pin: vCPU n stays on CPU n.
void pin_vcpus(Domain const& domain)
{
    for (auto const& vcpu : domain.vcpus()) {
        CpuSet one;
        one.set(vcpu->id() % arch::cpu_count());
        if (!scheduler::set_affinity(*vcpu, one, one)) panic("a vCPU of dom0 cannot be pinned");
    }
}

/// What is known before the first thing that may be missing; drivers/iommu adds its own rows.
void judge_machine(Platform const& platform, InterruptTopology const& topology)
{
    using verdict::Standing;
    at_refusal(verdict::print);
    bool const is_uefi = boot_info.efi_system_table.has_value();
    verdict::add("firmware", Standing::InUse, "", "{}, loaded by {}", is_uefi ? "UEFI" : "BIOS", boot_info.loader_name);
    if (is_uefi)
        verdict::add(
            {"UEFI run-time services", Standing::SwitchedOff, "not passed on to dom0",
             "firmware code would run with all of memory in reach; for efibootmgr start Debian without Hospes"});
    if (boot_info.framebuffer)
        verdict::add("screen", Standing::InUse, "", "{} by {} pixels", boot_info.framebuffer->width,
                     boot_info.framebuffer->height);
    u64 usable = 0;
    for (boot::MemoryRange const& range : boot_info.memory_map)
        if (range.kind == boot::MemoryKind::Usable) usable += range.bytes;
    verdict::judge_memory(usable / mib);
    verdict::judge_cpus(arch::cpu_count(), static_cast<unsigned>(topology.apic_ids.size()));
    verdict::ProcessorFacts facts = arch::read_processor_facts();
    facts.apic_virtualization_wanted = quirks::wants_apic_virtualization(platform.tables);
    verdict::judge_processor(facts);
    if (!options().iommu.enabled)
        verdict::add({"IOMMU", Standing::SwitchedOff, "iommu=off was given",
                      "devices can reach all of memory; leave the option out if the machine has an IOMMU"});
}

[[noreturn]] void run_this_cpu()
{
    arch::virtualization().enable_this_cpu();
    scheduler::run();
}

}

extern "C" [[noreturn]] void kernel_main(u32 magic, u32 information)
{
    cpu::initialize_boot_cpu();
    run_constructors();
    at_panic(show_counters);
    boot::StringStore strings{boot_strings};
    bool const known_loader = boot::read_boot_info(magic, information, strings, boot_info);
    adopt_command_line();
    start_log();
    if (!known_loader) refuse_to_boot("loaded by something that is no Multiboot loader ({:x}); use GRUB", magic);
    adopt_memory_map();
    enlarge_console_ring();

    static Platform const platform;
    if (!platform.madt) refuse_to_boot("the firmware's ACPI tables have no usable MADT: enable ACPI in its setup");
    InterruptTopology const topology = acpi::interrupt_topology(*platform.madt);
    start_interrupts_and_time(platform, topology);
    smp::start_other_cpus(topology, cpu_limit());
    judge_machine(platform, topology);
    arch::initialize_virtualization(quirks::wants_apic_virtualization(platform.tables));
    scheduler::initialize();

    bool const dma_is_protected = find_iommus(platform);
    Domain& control_domain = build_control_domain(platform, dma_is_protected);
    if (dma_is_protected) confine_devices(control_domain);
    give_devices_to(control_domain, platform);
    verdict::print();
    frames::booting_is_over();
    connect_console();
    release_boot_memory();
    if (options().dom0_vcpus_pin) pin_vcpus(control_domain);
    if (!control_domain.unpause()) panic("dom0 cannot be started");
    smp::release_other_cpus(run_this_cpu);
    run_this_cpu();
}

}
