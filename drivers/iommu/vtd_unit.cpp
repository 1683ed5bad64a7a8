// SPDX-License-Identifier: MIT
/// One VT-d unit's registers: the invalidation queue and its completion, the fault records.
#include "drivers/iommu/vtd_unit.hpp"

#include "kernel/lib/no_answer.hpp"

namespace hospes::iommu {

using namespace vtd;

namespace {

constexpr u32 descriptors_per_queue = page_size / sizeof(Descriptor);

/// (appendix A, tables 33 and 34)
struct Reason {
    u8 code;
    std::string_view text;
};
constexpr std::array reasons{
    Reason{0x01, "its bus is unknown"},
    Reason{0x02, "the device is blocked"},
    Reason{0x03, "its context entry is wrong"},
    Reason{0x04, "the address is too large"},
    Reason{0x05, "not mapped for writing"},
    Reason{0x06, "not mapped"},
    Reason{0x07, "a page table cannot be read"},
    Reason{0x08, "the root table cannot be read"},
    Reason{0x09, "the context table cannot be read"},
    Reason{0x0c, "a page table entry is wrong"},
    Reason{0x0d, "the device may not translate addresses itself"},
    Reason{0x20, "interrupt: malformed request"},
    Reason{0x21, "interrupt: no such entry"},
    Reason{0x22, "interrupt: entry not in use"},
    Reason{0x23, "interrupt: the table cannot be read"},
    Reason{0x24, "interrupt: entry malformed"},
    Reason{0x25, "interrupt: not remappable"},
    Reason{0x26, "interrupt: belongs to another device"},
};

std::string_view text_of(u8 code)
{
    for (Reason const& reason : reasons)
        if (reason.code == code) return reason.text;
    return "unknown reason";
}

}

Verdict VtdUnit::examine()
{
    u32 const version = registers_.read32(at::version);
    capability_ = Capability{registers_.read64(at::capability)};
    extended_ = ExtendedCapability{registers_.read64(at::extended_capability)};
    if (version == 0 || version == no_answer<u32>) return refuse("its version register is empty", version);
    for (u64 const value : {capability_.raw(), extended_.raw()})
        if (value == 0 || value == no_answer<>) return refuse("its capability registers are empty", value);
    if (!capability_.get<Capability::Has3Levels>() && !capability_.get<Capability::Has4Levels>())
        return refuse("its page tables have neither three nor four levels", capability_.raw());
    unsigned const bits = capability_.get<Capability::HighestAddressBit>() + 1;
    if (!acpi::is_address_width(bits)) return refuse("it has an impossible address width", bits);
    constexpr u64 most_register_bytes = 4 * page_size * 4;
    if (register_bytes() > most_register_bytes) return refuse("its registers reach too far", register_bytes());
    return {};
}

u64 VtdUnit::register_bytes() const
{
    u64 const faults = capability_.get<Capability::FaultOffset>() * u64{16} +
                       (capability_.get<Capability::LastFaultRegister>() + u64{1}) * fault_record_bytes;
    u64 const iotlb = extended_.get<ExtendedCapability::IotlbOffset>() * u64{16} + 16;
    return round_up(std::max({faults, iotlb, page_size}), page_size);
}

void VtdUnit::use_queue(void* queue, Hpa where)
{
    queue_ = {static_cast<Descriptor*>(queue), descriptors_per_queue};
    queue_at_ = where;
    done_ = reinterpret_cast<u32 volatile*>(static_cast<char*>(queue) + page_size);
    done_at_ = where + page_size;
}

// --- commands ---

bool VtdUnit::set(u32 state, bool on)
{
    u32 const states = registers_.read32(at::global_status) & ~global::orders;
    registers_.write32(at::global_command, on ? states | state : states & ~state);
    return wait_until(registers_, [&] { return ((registers_.read32(at::global_status) & state) != 0) == on; });
}

bool VtdUnit::order(u32 what)
{
    u32 const states = registers_.read32(at::global_status) & ~global::orders;
    registers_.write32(at::global_command, states | what);
    return wait_until(registers_, [&] { return (registers_.read32(at::global_status) & what) != 0; });
}

bool VtdUnit::flush_write_buffer()
{
    if (!capability_.get<Capability::NeedsWriteBufferFlush>()) return true;
    u32 const states = registers_.read32(at::global_status) & ~global::orders;
    registers_.write32(at::global_command, states | global::flush_write_buffer);
    return wait_until(registers_,
                      [&] { return (registers_.read32(at::global_status) & global::flush_write_buffer) == 0; });
}

/// Firmware may have left it on.
bool VtdUnit::switch_off()
{
    for (u32 const state : {global::interrupt_remapping, global::queue, global::translation})
        if ((registers_.read32(at::global_status) & state) != 0 && !set(state, false)) return false;
    return true;
}

/// While there are some, new ones are not announced; and errors of an old queue would be taken for those of ours.
/// (sections 7.3 and 11.4.7.1)
void VtdUnit::forget_old_faults()
{
    u32 const count = capability_.get<Capability::LastFaultRegister>() + 1;
    for (u32 i = 0; i < count && next_fault(); ++i) {}
    auto const errors = FaultStatus{}
                            .with<FaultStatus::Overflow>(true)
                            .with<FaultStatus::QueueError>(true)
                            .with<FaultStatus::CompletionError>(true)
                            .with<FaultStatus::TimeOut>(true);
    registers_.write32(at::fault_status, errors.raw());
}

/// The regions that a firmware protects from DMA until somebody translates. (section 11.4.8)
bool VtdUnit::lift_firmware_protection()
{
    if (!capability_.get<Capability::HasLowProtectedRegion>() && !capability_.get<Capability::HasHighProtectedRegion>())
        return true;
    u32 const enabled = registers_.read32(at::protected_memory);
    if ((enabled & (protection_enabled | protection_active)) == 0) return true;
    registers_.write32(at::protected_memory, enabled & ~protection_enabled);
    return wait_until(registers_, [&] { return (registers_.read32(at::protected_memory) & protection_active) == 0; });
}

/// (sections 6.5.2, 5.1.3, 6.6: root table, then invalidate, then enable; the same for interrupts)
bool VtdUnit::start(Tables const& tables)
{
    if (!switch_off() || !flush_write_buffer()) return false;
    forget_old_faults();
    if (!queue_.empty()) {
        registers_.write64(at::queue_tail, 0);
        registers_.write64(at::queue_address, queue_at_.raw());
        tail_ = 0;
        if (!set(global::queue, true)) return false;
    }
    registers_.write64(at::root_table, tables.root.raw());
    if (!order(global::set_root_table) || !flush_everything()) return false;
    if (tables.interrupts != Hpa{}) {
        constexpr unsigned log_entries = 8;
        auto const address = InterruptTableAddress{tables.interrupts.raw()}
                                 .with<InterruptTableAddress::LogEntriesLessOne>(log_entries - 1)
                                 .with<InterruptTableAddress::Extended>(tables.extended_interrupts);
        registers_.write64(at::interrupt_table, address.raw());
        std::array const all{Descriptor::all_interrupts()};
        if (!order(global::set_interrupt_table) || !submit(all)) return false;
        if ((registers_.read32(at::global_status) & global::compatibility_interrupts) != 0 &&
            !set(global::compatibility_interrupts, false))
            return false;
        if (!set(global::interrupt_remapping, true)) return false;
    }
    return set(global::translation, true) && lift_firmware_protection();
}

// --- invalidation ---

void VtdUnit::append(Descriptor const& descriptor)
{
    queue_[tail_] = descriptor;
    tail_ = (tail_ + 1) % descriptors_per_queue;
}

/// Everything submitted before has completed, so there is room.
bool VtdUnit::submit(std::span<Descriptor const> descriptors)
{
    for (Descriptor const& descriptor : descriptors) append(descriptor);
    append(Descriptor::wait(++sequence_, done_at_));
    std::atomic_thread_fence(std::memory_order_seq_cst);
    registers_.write64(at::queue_tail, u64{tail_} * sizeof(Descriptor));
    bool const done = wait_until(registers_, [&] {
        return *done_ == sequence_ || FaultStatus{registers_.read32(at::fault_status)}.invalidation_failed();
    });
    return done && *done_ == sequence_;
}

/// Old units have no queue, and are the ones that have write buffers to flush. (section 6.8)
bool VtdUnit::invalidate_by_registers()
{
    registers_.write64(at::context_command, invalidate_contexts);
    bool const contexts =
        wait_until(registers_, [&] { return (registers_.read64(at::context_command) & invalidate_in_progress) == 0; });
    u32 const iotlb = extended_.get<ExtendedCapability::IotlbOffset>() * 16 + 8;
    registers_.write64(iotlb, invalidate_iotlb);
    return contexts && wait_until(registers_, [&] { return (registers_.read64(iotlb) & invalidate_in_progress) == 0; });
}

bool VtdUnit::flush_translations()
{
    if (!flush_write_buffer()) return false;
    if (queue_.empty()) return invalidate_by_registers();
    std::array const what{Descriptor::iotlb_of(domain_of_dom0)};
    return submit(what);
}

bool VtdUnit::flush_everything()
{
    if (!flush_write_buffer()) return false;
    if (queue_.empty()) return invalidate_by_registers();
    std::array const what{Descriptor::all_contexts(), Descriptor::whole_iotlb()};
    return submit(what);
}

bool VtdUnit::flush_interrupt(u8 index)
{
    std::array const what{Descriptor::interrupt(index)};
    return submit(what);
}

// --- faults ---

void VtdUnit::announce_faults(u64 address, u32 data)
{
    registers_.write32(at::fault_data, data);
    registers_.write32(at::fault_address, static_cast<u32>(address));
    registers_.write32(at::fault_upper_address, static_cast<u32>(address >> 32));
    registers_.write32(at::fault_control, 0); // not masked
}

std::optional<Fault> VtdUnit::next_fault()
{
    FaultStatus const status{registers_.read32(at::fault_status)};
    if (!status.get<FaultStatus::Pending>()) return std::nullopt;
    u32 const first = capability_.get<Capability::FaultOffset>() * 16;
    u32 const count = capability_.get<Capability::LastFaultRegister>() + 1;
    for (u32 i = 0; i < count; ++i) {
        u32 const number = (next_record_ + i) % count;
        u32 const at = first + number * fault_record_bytes;
        FaultRecord const record{registers_.read64(at + 8)};
        if (!record.get<FaultRecord::IsValid>()) continue;
        u64 const address = registers_.read64(at);
        registers_.write32(at + 12, clear_fault_record);
        next_record_ = number + 1;
        return Fault{.requester = record.get<FaultRecord::Source>(),
                     .address = address,
                     .write = !record.get<FaultRecord::IsRead>(),
                     .reason = text_of(record.get<FaultRecord::Reason>())};
    }
    return std::nullopt;
}

void VtdUnit::end_faults()
{
    registers_.write32(at::fault_status, FaultStatus{}.with<FaultStatus::Overflow>(true).raw());
}

}
