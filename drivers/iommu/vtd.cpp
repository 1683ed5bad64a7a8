// SPDX-License-Identifier: MIT
/// All VT-d units as one: their context tables, their interrupt table, and what a fault leads to.
#include "drivers/iommu/vtd.hpp"

#include "arch/x86_64/irq/irq.hpp"
#include "arch/x86_64/irq/local_apic.hpp"
#include "drivers/iommu/cache.hpp"
#include "drivers/iommu/device_tables.hpp"
#include "drivers/iommu/requester.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/log/log.hpp"
#include "kernel/mm/page_table.hpp"

namespace hospes::iommu {

using namespace vtd;

namespace {

constexpr size_t buses = 256;
constexpr unsigned context_order = 8; // 256 tables of one page

InterruptHigh source_of(Requester const& requester)
{
    if (!requester.is_any_of_buses)
        return InterruptHigh{}.with<InterruptHigh::Source>(requester.id).with<InterruptHigh::Check>(SourceCheck::Exact);
    return InterruptHigh{}
        .with<InterruptHigh::Source>(static_cast<u16>(requester.first_bus << 8 | requester.last_bus))
        .with<InterruptHigh::Check>(SourceCheck::BusRange);
}

}

// --- finding out ---

/// How far the registers reach only they themselves say.
Verdict Vtd::add_unit(acpi::DmarUnit const& record, std::span<boot::MemoryRange const> memory_map)
{
    auto* registers = static_cast<u8 volatile*>(arch::map_device(record.registers, acpi::dmar_register_bytes));
    if (!registers) return refuse("its registers cannot be mapped");
    MappedRegisters looked{registers};
    VtdUnit probe{looked};
    if (auto const sane = probe.examine(); !sane) return sane;
    u64 const bytes = probe.register_bytes();
    if (auto const sane = acpi::check_registers(record.registers.raw(), bytes, memory_map); !sane)
        return refuse(sane.error());
    for (RegisterPlace const& other : places_)
        if (record.registers < other.start + other.bytes && other.start < record.registers + bytes)
            return refuse("DMAR: the registers of two units overlap", record.registers.raw());
    if (bytes > acpi::dmar_register_bytes)
        registers = static_cast<u8 volatile*>(arch::map_device(record.registers, bytes));
    auto* const place = registers ? new (std::nothrow) Place{*this, registers} : nullptr;
    if (!place || !units_.push_back(place)) return refuse("there is no memory for it");
    static_cast<void>(place->unit.examine());
    if (!places_.push_back({record.registers, bytes})) return refuse("there are too many units");
    for (acpi::IoApicScope const& scope : record.io_apics)
        if (auto const requester = resolve(scope.path)) static_cast<void>(io_apics_.push_back({scope.id, *requester}));
    return {};
}

bool Vtd::all_units(bool (*have)(VtdUnit const&)) const
{
    for (Place const* place : units_)
        if (!have(place->unit)) return false;
    return true;
}

Verdict Vtd::make_table(acpi::Dmar const& dmar)
{
    is_coherent_ = all_units([](VtdUnit const& u) { return u.extended().get<ExtendedCapability::IsCoherent>(); });
    must_note_added_ = !all_units([](VtdUnit const& u) {
        return !u.capability().get<Capability::CachesAbsence>() &&
               !u.capability().get<Capability::NeedsWriteBufferFlush>();
    });
    if (all_units([](VtdUnit const& u) { return u.capability().get<Capability::Has4Levels>(); }))
        levels_ = 4;
    else if (all_units([](VtdUnit const& u) { return u.capability().get<Capability::Has3Levels>(); }))
        levels_ = 3;
    else
        return refuse("the units have no page-table height in common");
    bool const has_2m = all_units([](VtdUnit const& u) { return u.capability().get<Capability::Has2MibPages>(); });
    bool const has_1g = all_units([](VtdUnit const& u) { return u.capability().get<Capability::Has1GibPages>(); });
    auto table = new_vtd_table(levels_, is_coherent_);
    if (!table) return refuse("there is no memory for its tables");
    return adopt_table(std::move(table), order_of(has_2m && has_1g ? 2 : has_2m ? 1 : 0), dmar.regions);
}

/// All devices use the one table.
Verdict Vtd::make_contexts()
{
    auto const root = allocate_table();
    auto const contexts = allocate_table(context_order);
    if (!root || !contexts) return refuse("there is no memory for its tables");
    root_ = *root;
    contexts_ = {arch::reach_as<Entry>(*contexts), requester_count};
    auto const low = ContextLow{mirror_->root().raw()}.with<ContextLow::Present>(true);
    auto const high =
        ContextHigh{}.with<ContextHigh::AddressWidth>(levels_ - 2).with<ContextHigh::Domain>(domain_of_dom0);
    for (Entry& entry : contexts_) entry = {low.raw(), high.raw()};
    std::span const bus_entries{arch::reach_as<Entry>(root_), buses};
    for (size_t bus = 0; bus < buses; ++bus) bus_entries[bus].low = (*contexts + bus * page_size).raw() | root_present;
    written(contexts_.data(), contexts_.size_bytes());
    written(bus_entries.data(), bus_entries.size_bytes());
    return {};
}

void Vtd::decide_on_interrupts(acpi::Dmar const& dmar, IommuOptions const& options)
{
    bool const able = all_units([](VtdUnit const& u) {
        return u.extended().get<ExtendedCapability::RemapsInterrupts>() &&
               u.extended().get<ExtendedCapability::HasQueue>();
    });
    using verdict::Standing;
    std::optional<Obstacle> obstacle;
    if (!options.interrupt_remapping)
        obstacle = {Standing::SwitchedOff, "no-intremap was given"};
    else if (!dmar.remaps_interrupts || !able)
        obstacle = {Standing::Absent, "the firmware or the units do not offer it"};
    else if (!knows_all_io_apics())
        obstacle = {Standing::Broken, "DMAR does not list all I/O APICs"};
    if (obstacle) return judge_interrupts(obstacle, false);
    auto const table = allocate_table();
    if (!table) return judge_interrupts(Obstacle{Standing::Broken, "there is no memory for its table"}, false);
    interrupts_at_ = *table;
    interrupts_ = {arch::reach_as<Entry>(*table), interrupt_count};
    written(interrupts_.data(), interrupts_.size_bytes());
    extended_interrupts_ = local_apic::in_x2apic_mode() && all_units([](VtdUnit const& u) {
                               return u.extended().get<ExtendedCapability::HasExtendedInterrupts>();
                           });
    judge_interrupts(std::nullopt, extended_interrupts_);
}

Verdict Vtd::initialize(acpi::Dmar const& dmar, HardwareRequest const& request)
{
    for (acpi::DmarUnit const& record : dmar.units) {
        if (auto const added = add_unit(record, request.memory_map); !added) {
            log_error("IOMMU: VT-d at {:x} is broken", record.registers);
            return added;
        }
    }
    if (!dmar.units[dmar.units.size() - 1].includes_all)
        if (auto const escaped = find_unlisted(dmar.devices.items()))
            return refuse("DMAR: a PCI function is behind no unit", id_of(*escaped));
    if (auto const made = make_table(dmar); !made) return made;
    if (auto const made = make_contexts(); !made) return made;
    for (Place* place : units_) {
        if (!place->unit.extended().get<ExtendedCapability::HasQueue>()) continue;
        auto const queue = allocate_table(1);
        if (!queue) return refuse("there is no memory for its queue");
        place->unit.use_queue(arch::reach(*queue), *queue);
    }
    decide_on_interrupts(dmar, request.options);
    verdict::add("IOMMU", verdict::Standing::InUse, "", "VT-d, units: {}, page-table levels: {}, {}", units_.size(),
                 levels_, is_coherent_ ? "coherent" : "not coherent");
    if (request.options.verbose)
        for (Place const* place : units_)
            log_info("IOMMU: VT-d: capabilities {:x}, {:x}", place->unit.capability().raw(),
                     place->unit.extended().raw());
    return {};
}

// --- running ---

Verdict Vtd::listen_for_faults(Place& place)
{
    auto const vector = irq::allocate_vector(on_fault, &place);
    if (!vector) return refuse("there is no vector for its faults");
    auto const message = irq::msi_message_for(*vector, 0);
    if (!message) return refuse("its faults cannot be announced to CPU 0");
    place.unit.announce_faults(message->address, message->data);
    return {};
}

Verdict Vtd::start()
{
    for (Place* place : units_) {
        if (auto const listening = listen_for_faults(*place); !listening) return listening;
        if (!place->unit.start(
                {.root = root_, .interrupts = interrupts_at_, .extended_interrupts = extended_interrupts_}))
            return refuse("broken: a VT-d unit does not do as it is told");
    }
    remaps_interrupts_ = !interrupts_.empty();
    started_ = true;
    return {};
}

void Vtd::on_fault(void* context)
{
    auto& place = *static_cast<Place*>(context);
    place.owner.note_faults(place.unit);
    place.unit.end_faults();
}

template <typename Ask>
bool Vtd::ask_units(Ask&& ask)
{
    LockGuard const guard{lock_};
    for (Place* place : units_)
        if (!ask(place->unit)) return false;
    return true;
}

bool Vtd::flush_units()
{
    return ask_units([](VtdUnit& unit) { return unit.flush_translations(); });
}

void Vtd::note_added()
{
    if (!must_note_added_ || !started_ || is_stopped()) return;
    if (!ask_units([](VtdUnit& unit) { return unit.flush_translations(); })) stop("take new translations");
}

void Vtd::written(void const* start, u64 bytes) const
{
    if (!is_coherent_) write_back(start, bytes);
}

bool Vtd::block(u16 requester)
{
    Entry& entry = contexts_[requester];
    std::atomic_ref{entry.low}.store(ContextLow{}.with<ContextLow::SilencesFaults>(true).raw());
    written(&entry, sizeof entry);
    return ask_units([](VtdUnit& unit) { return unit.flush_everything(); });
}

void Vtd::block_all()
{
    for (Entry& entry : contexts_) std::atomic_ref{entry.low}.store(0);
    written(contexts_.data(), contexts_.size_bytes());
}

// --- interrupts ---

u32 Vtd::highest_apic_id() const { return extended_interrupts_ ? ~u32{0} - 1 : highest_short_apic_id; }

/// An entry in use changes only where and how: one word. A new one is made valid last.
Expected<> Vtd::write_entry(InterruptTarget const& target, InterruptHigh source)
{
    if (target.apic_id > highest_apic_id()) return failure(Error::OutOfRange);
    auto low = InterruptLow{}
                   .with<InterruptLow::Present>(true)
                   .with<InterruptLow::IsLevel>(target.level)
                   .with<InterruptLow::Vector>(target.vector);
    low = extended_interrupts_ ? low.with<InterruptLow::Destination>(target.apic_id)
                               : low.with<InterruptLow::ShortDestination>(static_cast<u8>(target.apic_id));
    Entry& entry = interrupts_[target.vector];
    bool done = false;
    {
        LockGuard const guard{lock_};
        if (entry.high != source.raw()) {
            std::atomic_ref{entry.low}.store(0);
            std::atomic_ref{entry.high}.store(source.raw());
        }
        if (entry.low == low.raw()) return {};
        std::atomic_ref{entry.low}.store(low.raw());
        written(&entry, sizeof entry);
        done = true;
        for (Place* place : units_) done = done && place->unit.flush_interrupt(target.vector);
    }
    if (!done) stop("remap an interrupt");
    return done ? Expected<>{} : failure(Error::InputOutput);
}

std::optional<u16> Vtd::owner_of(u8 vector)
{
    LockGuard const guard{lock_};
    Entry const& entry = interrupts_[vector];
    if (!InterruptLow{entry.low}.get<InterruptLow::Present>()) return std::nullopt;
    return InterruptHigh{entry.high}.get<InterruptHigh::Source>();
}

void Vtd::withdraw(u8 vector)
{
    if (is_stopped()) return;
    Entry& entry = interrupts_[vector];
    bool done = true;
    {
        LockGuard const guard{lock_};
        std::atomic_ref{entry.low}.store(0);
        written(&entry, sizeof entry);
        for (Place* place : units_) done = done && place->unit.flush_interrupt(vector);
    }
    if (!done) stop("withdraw an interrupt");
}

Expected<RemappedMessage> Vtd::route_message(pci::FunctionAddress device, InterruptTarget const& target)
{
    if (is_stopped()) return failure(Error::InputOutput);
    if (auto const written = write_entry(target, source_of(requester_of(device))); !written)
        return failure(written.error());
    auto const address = RemappableAddress{RemappableAddress::base}
                             .with<RemappableAddress::IsRemappable>(true)
                             .with<RemappableAddress::Handle>(target.vector);
    return RemappedMessage{.address = address.raw(), .data = 0};
}

Expected<u64> Vtd::route_pin(u8 io_apic_id, InterruptTarget const& target)
{
    if (is_stopped()) return failure(Error::InputOutput);
    auto const requester = requester_of_io_apic(io_apic_id);
    if (!requester) return failure(requester.error());
    if (auto const written = write_entry(target, source_of({.id = *requester})); !written)
        return failure(written.error());
    return RemappablePin{}.with<RemappablePin::IsRemappable>(true).with<RemappablePin::Handle>(target.vector).raw();
}

}
