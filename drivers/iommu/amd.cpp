// SPDX-License-Identifier: MIT
/// All AMD-Vi units as one: their device table, their interrupt tables, and what a fault leads to.
#include "drivers/iommu/amd.hpp"

#include "arch/x86_64/irq/irq.hpp"
#include "drivers/iommu/amd_format.hpp"
#include "drivers/iommu/device_tables.hpp"
#include "drivers/iommu/requester.hpp"
#include "drivers/pci/config_access.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/log/log.hpp"

namespace hospes::iommu {

using namespace amd;

namespace {

constexpr unsigned device_table_order = 9; // 2 MiB
static_assert(requester_count * sizeof(DeviceEntry) == page_size << device_table_order);
constexpr unsigned log_vectors = 8;

/// The unit's PCI function must agree with the table. (section 3.2) Where firmware has not enabled the registers they
/// read as ones, which is found out later; emulators answer all the same.
Verdict check_function(acpi::IvrsUnit const& record, bool& has_features)
{
    pci::FunctionAddress const function = function_of(record.function);
    u32 const header = pci::read_config(function, record.capability, 4);
    if (record.capability < pci::header::first_capability || record.capability % 4 != 0 ||
        record.capability >= pci::conventional_space_bytes - 16 || (header & 0xff) != capability::id)
        return refuse("it has no IOMMU capability where the IVRS says", record.capability);
    auto const offset = [&](u16 part) { return static_cast<u16>(record.capability + part); };
    u32 const low = pci::read_config(function, offset(capability::base_low), 4);
    u32 const high = pci::read_config(function, offset(capability::base_high), 4);
    u64 const base = u64{high} << 32 | round_down(low, 16 * kib);
    if ((low & capability::base_enabled) != 0 && base != record.registers.raw())
        return refuse("its registers are not where the IVRS says", base);
    has_features = (header & capability::has_extended_features) != 0;
    return {};
}

/// Programs the first MSI capability of the unit's own function. (PCI Express Base 5.0, section 7.7.1)
bool program_message(pci::FunctionAddress function, irq::MsiMessage const& message)
{
    constexpr u32 aligned = 0xfc;
    u32 offset = pci::read_config(function, pci::header::capabilities, 1) & aligned;
    for (unsigned i = 0; i < 48 && offset >= pci::header::first_capability; ++i) {
        auto const at = [&](u16 part) { return static_cast<u16>(offset + part); };
        u32 const id_and_next = pci::read_config(function, at(0), 2);
        if ((id_and_next & 0xff) == static_cast<u32>(pci::CapabilityId::Msi)) {
            pci::MsiControl const control{pci::read_config(function, at(pci::msi::control), 2)};
            bool const is_wide = control.get<pci::MsiControl::Has64BitAddress>();
            pci::write_config(function, at(pci::msi::address), 4, static_cast<u32>(message.address));
            if (is_wide)
                pci::write_config(function, at(pci::msi::upper_address), 4, static_cast<u32>(message.address >> 32));
            u16 const data = is_wide ? pci::msi::data_behind_upper_address : pci::msi::data_without_upper_address;
            pci::write_config(function, at(data), 2, message.data);
            auto const on = control.with<pci::MsiControl::MessagesEnabled>(0).with<pci::MsiControl::Enable>(true);
            pci::write_config(function, at(pci::msi::control), 2, on.raw());
            return true;
        }
        offset = id_and_next >> 8 & aligned;
    }
    return false;
}

}

// --- finding out ---

Verdict Amd::add_unit(acpi::IvrsUnit const& record)
{
    bool has_features = false;
    if (auto const sane = check_function(record, has_features); !sane) return sane;
    auto* const registers = static_cast<u8 volatile*>(arch::map_device(record.registers, acpi::ivrs_register_bytes));
    auto* const place = registers ? new (std::nothrow) Place{*this, registers, record} : nullptr;
    auto const buffers = allocate_table(2);
    if (!place || !buffers || !units_.push_back(place)) return refuse("there is no memory for it");
    if (auto const sane = place->unit.examine(has_features); !sane) return sane;
    place->unit.use_buffers(arch::reach(*buffers), *buffers);
    if (!places_.push_back({record.registers, acpi::ivrs_register_bytes}) ||
        !own_functions_.push_back(function_of(record.function)))
        return refuse("there are too many units");
    return {};
}

/// All devices use the one table. Interrupts are refused until a device is given some.
Verdict Amd::make_devices()
{
    auto const table = allocate_table(device_table_order);
    if (!table) return refuse("there is no memory for its tables");
    devices_at_ = *table;
    devices_ = {arch::reach_as<DeviceEntry>(*table), requester_count};
    auto const translation = DeviceTranslation{mirror_->root().raw()}
                                 .with<DeviceTranslation::Valid>(true)
                                 .with<DeviceTranslation::TranslationValid>(true)
                                 .with<DeviceTranslation::Levels>(AmdFormat::levels)
                                 .with<DeviceTranslation::Readable>(true)
                                 .with<DeviceTranslation::Writable>(true);
    auto const domain = DeviceDomain{}.with<DeviceDomain::Domain>(domain_of_dom0);
    auto const interrupts = DeviceInterrupts{}
                                .with<DeviceInterrupts::Valid>(will_remap_interrupts_)
                                .with<DeviceInterrupts::Action>(DeviceInterrupts::abort);
    for (DeviceEntry& entry : devices_) entry = {{translation.raw(), domain.raw(), interrupts.raw(), 0}};
    return {};
}

void Amd::decide_on_interrupts(IommuOptions const& options)
{
    using verdict::Standing;
    std::optional<Obstacle> obstacle;
    if (!options.interrupt_remapping)
        obstacle = {Standing::SwitchedOff, "no-intremap was given"};
    else if (!knows_all_io_apics())
        obstacle = {Standing::Broken, "IVRS does not list all I/O APICs"};
    will_remap_interrupts_ = !obstacle;
    judge_interrupts(obstacle, false);
}

Verdict Amd::initialize(acpi::Ivrs const& ivrs, HardwareRequest const& request)
{
    for (acpi::IvrsUnit const& record : ivrs.units) {
        if (auto const added = add_unit(record); !added) {
            log_error("IOMMU: AMD-Vi at {:x} is broken", record.registers);
            return added;
        }
    }
    for (acpi::IoApicRequester const& io_apic : ivrs.io_apics)
        static_cast<void>(io_apics_.push_back({io_apic.id, io_apic.requester}));
    aliases_ = ivrs.aliases;
    auto table = new_amd_table();
    if (!table) return refuse("there is no memory for its tables");
    if (auto const adopted = adopt_table(std::move(table), order_of(2), ivrs.regions); !adopted) return adopted;
    decide_on_interrupts(request.options);
    if (auto const made = make_devices(); !made) return made;
    verdict::add("IOMMU", verdict::Standing::InUse, "", "AMD-Vi, units: {}, page-table levels: {}", units_.size(),
                 AmdFormat::levels);
    if (request.options.verbose)
        for (Place const* place : units_) log_info("IOMMU: AMD-Vi: features {:x}", place->unit.features().raw());
    return {};
}

// --- running ---

/// The unit's own interrupt passes through the tables like any other, if they are in use. Index and message are both
/// the vector, so the interrupt arrives whether they are or not.
Verdict Amd::listen_for_faults(Place& place)
{
    auto const vector = irq::allocate_vector(on_fault, &place);
    auto const message = vector ? irq::msi_message_for(*vector, 0) : failure(vector.error());
    if (!message) return refuse("there is no vector for its faults");
    InterruptTarget const target{.vector = *vector, .apic_id = static_cast<u32>(message->address >> 12 & 0xff)};
    if (will_remap_interrupts_ && !route(place.function, target)) return refuse("its own interrupt has no entry");
    if (!program_message(function_of(place.function), *message))
        log_warning("IOMMU: a unit has no MSI: refused accesses are not reported");
    return {};
}

Verdict Amd::start()
{
    for (Place* place : units_)
        if (!place->unit.start(devices_at_, devices_.size_bytes()))
            return refuse("broken: an AMD-Vi unit does not do as it is told");
    started_ = true;
    for (Place* place : units_)
        if (auto const listening = listen_for_faults(*place); !listening) return listening;
    remaps_interrupts_ = will_remap_interrupts_;
    return {};
}

void Amd::on_fault(void* context)
{
    auto& place = *static_cast<Place*>(context);
    place.unit.begin_faults();
    place.owner.note_faults(place.unit);
}

bool Amd::flush_units()
{
    LockGuard const guard{lock_};
    for (Place* place : units_)
        if (!place->unit.flush_translations()) return false;
    return true;
}

/// Nothing is readable or writable, and nobody hears about it. The order: what is not used while valid, then the word
/// that says how to use it. (section 2.2.2.2)
bool Amd::block(u16 requester)
{
    LockGuard const guard{lock_};
    DeviceEntry& entry = devices_[requester];
    auto const silent = DeviceDomain{entry.words[1]}.with<DeviceDomain::SilencesAllFaults>(true);
    auto const interrupts = DeviceInterrupts{entry.words[2]}.with<DeviceInterrupts::SilencesFaults>(true);
    auto const translation =
        DeviceTranslation{entry.words[0]}.with<DeviceTranslation::Readable>(false).with<DeviceTranslation::Writable>(
            false);
    std::atomic_ref{entry.words[1]}.store(silent.raw());
    std::atomic_ref{entry.words[2]}.store(interrupts.raw());
    std::atomic_ref{entry.words[0]}.store(translation.raw());
    for (Place* place : units_)
        if (!place->unit.flush_device(requester)) return false;
    return true;
}

void Amd::block_all()
{
    for (DeviceEntry& entry : devices_) {
        auto const translation = DeviceTranslation{entry.words[0]}
                                     .with<DeviceTranslation::Readable>(false)
                                     .with<DeviceTranslation::Writable>(false);
        std::atomic_ref{entry.words[0]}.store(translation.raw());
    }
}

// --- interrupts ---

u32 Amd::highest_apic_id() const
{
    return highest_short_apic_id; // entries in the 32-bit format
}

/// The firmware's list of aliases first, then what the bridges say.
u16 Amd::requester_of(pci::FunctionAddress device) const
{
    u16 const id = id_of(device);
    for (acpi::AliasRange const& range : aliases_)
        if (id >= range.first && id <= range.last) return range.alias;
    return iommu::requester_of(device).id;
}

/// The device's own table, made when it is first needed. LockRank::Iommu is held.
Expected<u32*> Amd::interrupts_of(u16 requester)
{
    constexpr u64 table_bits = 0x000f'ffff'ffff'ffc0;
    u64& word = devices_[requester].words[2];
    DeviceInterrupts const now{word};
    if (now.get<DeviceInterrupts::Action>() == DeviceInterrupts::remap)
        return arch::reach_as<u32>(Hpa{word & table_bits});
    auto const table = allocate_table();
    if (!table) return failure(table.error());
    auto const fresh = DeviceInterrupts{table->raw()}
                           .with<DeviceInterrupts::Valid>(true)
                           .with<DeviceInterrupts::LogEntries>(log_vectors)
                           .with<DeviceInterrupts::Action>(DeviceInterrupts::remap);
    std::atomic_ref{word}.store(fresh.raw());
    return arch::reach_as<u32>(*table);
}
static_assert(interrupt_count * sizeof(u32) <= page_size);

Expected<> Amd::write_entry(u16 requester, u8 vector, InterruptEntry entry)
{
    bool done = true;
    {
        LockGuard const guard{lock_};
        auto const table = interrupts_of(requester);
        if (!table) return failure(table.error());
        owners_[vector] = entry.get<InterruptEntry::Valid>() ? std::optional{requester} : std::nullopt;
        std::atomic_ref const slot{(*table)[vector]};
        if (slot.exchange(entry.raw()) == entry.raw()) return {};
        for (Place* place : units_) done = done && place->unit.flush_interrupts(requester);
    }
    if (done) return {};
    stop("remap an interrupt");
    return failure(Error::InputOutput);
}

Expected<> Amd::route(u16 requester, InterruptTarget const& target)
{
    if (is_stopped()) return failure(Error::InputOutput);
    if (target.apic_id > highest_apic_id()) return failure(Error::OutOfRange);
    // A bridge above the device may have been renumbered since.
    if (auto const before = owner_of(target.vector); before && *before != requester) withdraw(target.vector);
    return write_entry(requester, target.vector,
                       InterruptEntry{}
                           .with<InterruptEntry::Valid>(true)
                           .with<InterruptEntry::Vector>(target.vector)
                           .with<InterruptEntry::Destination>(static_cast<u8>(target.apic_id)));
}

std::optional<u16> Amd::owner_of(u8 vector)
{
    LockGuard const guard{lock_};
    return owners_[vector];
}

/// Where it was put, even if the device has another requester id by now.
void Amd::withdraw(u8 vector)
{
    auto const owner = owner_of(vector);
    if (owner && !is_stopped()) static_cast<void>(write_entry(*owner, vector, InterruptEntry{}));
}

Expected<RemappedMessage> Amd::route_message(pci::FunctionAddress device, InterruptTarget const& target)
{
    if (auto const routed = route(requester_of(device), target); !routed) return failure(routed.error());
    auto const plain = irq::msi_message(target.vector, static_cast<u8>(target.apic_id));
    return RemappedMessage{.address = plain.address, .data = plain.data};
}

/// The pin's vector is the index; nothing else of the entry is looked at.
Expected<u64> Amd::route_pin(u8 io_apic_id, InterruptTarget const& target)
{
    auto const requester = requester_of_io_apic(io_apic_id);
    if (!requester) return failure(requester.error());
    if (auto const routed = route(*requester, target); !routed) return failure(routed.error());
    return 0;
}

}
