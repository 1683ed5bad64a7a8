// SPDX-License-Identifier: MIT
/// One AMD-Vi unit's registers: the command ring and its completion, the event ring. (AMD 48882)
#include "drivers/iommu/amd_unit.hpp"

#include "drivers/iommu/requester.hpp"
#include "kernel/lib/no_answer.hpp"

namespace hospes::iommu {

using namespace amd;

namespace {

constexpr u32 entries = 256;
constexpr u32 entry_bytes = 16;
static_assert(u64{entries} * entry_bytes == page_size);

/// (section 2.5, table 43)
struct Reason {
    u8 code;
    std::string_view text;
};
constexpr std::array reasons{
    Reason{1, "its device entry is wrong"},        Reason{2, "not mapped"},
    Reason{3, "the device table cannot be read"},  Reason{4, "a page table cannot be read"},
    Reason{5, "the unit does not know a command"}, Reason{6, "the command buffer cannot be read"},
    Reason{7, "the device does not answer"},       Reason{8, "the device may not ask that"},
};

std::string_view text_of(u8 code)
{
    for (Reason const& reason : reasons)
        if (reason.code == code) return reason.text;
    return "unknown reason";
}

}

Verdict AmdUnit::examine(bool has_features)
{
    u64 const control = registers_.read64(at::control);
    if (control == no_answer<> || registers_.read64(at::status) == no_answer<>)
        return refuse("its registers are empty", control);
    features_ = ExtendedFeatures{has_features ? registers_.read64(at::extended_features) : 0};
    if (features_.raw() == no_answer<>) return refuse("its feature register is empty", features_.raw());
    return {};
}

void AmdUnit::use_buffers(void* memory, Hpa where)
{
    auto* const pages = static_cast<char*>(memory);
    commands_ = {reinterpret_cast<Command*>(pages), entries};
    events_ = reinterpret_cast<Event volatile*>(pages + page_size);
    done_ = reinterpret_cast<u64 volatile*>(pages + 2 * page_size);
    commands_at_ = where;
    events_at_ = where + page_size;
    done_at_ = where + 2 * page_size;
}

Control AmdUnit::wanted_control() const
{
    auto const has = [&](u8 flag) { return (flags_ & flag) != 0; };
    return Control{}
        .with<Control::Enabled>(true)
        .with<Control::LogsEvents>(true)
        .with<Control::AnnouncesEvents>(true)
        .with<Control::TakesCommands>(true)
        .with<Control::Coherent>(true)
        .with<Control::TranslatesTunnel>(has(acpi::IvrsUnit::tunnel_translation))
        .with<Control::PassesPostedWrites>(has(acpi::IvrsUnit::pass_posted_writes))
        .with<Control::ResponsesPassPostedWrites>(has(acpi::IvrsUnit::responses_pass_posted_writes))
        .with<Control::Isochronous>(has(acpi::IvrsUnit::isochronous));
}

/// (section 2.6.2) Firmware may have left it on, with events that nobody has read: new ones would not be announced.
bool AmdUnit::start(Hpa device_table, u64 device_table_bytes)
{
    registers_.write64(at::control, 0);
    registers_.write64(at::device_table, device_table.raw() | (device_table_bytes / page_size - 1));
    registers_.write64(at::command_buffer, commands_at_.raw() | one_page_of_entries);
    registers_.write64(at::event_log, events_at_.raw() | one_page_of_entries);
    registers_.write64(at::exclusion_base, 0);
    for (u32 const pointer : {at::command_head, at::command_tail, at::event_head, at::event_tail})
        registers_.write64(pointer, 0);
    registers_.write64(at::status, Status{}.with<Status::EventOverflow>(true).with<Status::EventInterrupt>(true).raw());
    tail_ = event_head_ = 0;
    // Switched on with the buffer running but untranslated for no moment: caches are empty, or emptied at once.
    registers_.write64(at::control, wanted_control().raw());
    Control const now{registers_.read64(at::control)};
    return now.get<Control::Enabled>() && flush_everything();
}

// --- commands ---

void AmdUnit::append(Command const& command)
{
    commands_[tail_] = command;
    tail_ = (tail_ + 1) % entries;
}

/// Everything submitted before has completed, so there is room.
bool AmdUnit::submit(std::span<Command const> commands)
{
    for (Command const& command : commands) append(command);
    append(Command::wait(++sequence_, done_at_));
    std::atomic_thread_fence(std::memory_order_seq_cst);
    registers_.write64(at::command_tail, u64{tail_} * entry_bytes);
    return wait_until(registers_, [&] { return *done_ == sequence_; });
}

bool AmdUnit::flush_translations()
{
    std::array const what{Command::all_pages_of(domain_of_dom0)};
    return submit(what);
}

/// Where there is no command for it, each device by itself.
bool AmdUnit::flush_everything()
{
    if (features_.get<ExtendedFeatures::HasInvalidateAll>()) {
        std::array const all{Command::everything()};
        return submit(all);
    }
    for (u32 id = 0; id < requester_count; ++id) {
        auto const requester = static_cast<u16>(id);
        std::array const both{Command::device_entry(requester), Command::interrupts_of(requester)};
        if (!submit(both)) return false;
    }
    return flush_translations();
}

bool AmdUnit::flush_device(u16 requester)
{
    std::array const what{Command::device_entry(requester), Command::all_pages_of(domain_of_dom0)};
    return submit(what);
}

bool AmdUnit::flush_interrupts(u16 requester)
{
    std::array const what{Command::device_entry(requester), Command::interrupts_of(requester)};
    return submit(what);
}

// --- events ---

void AmdUnit::begin_faults()
{
    Status const status{registers_.read64(at::status)};
    auto cleared = Status{}.with<Status::EventInterrupt>(true);
    if (status.get<Status::EventOverflow>()) {
        // The log has stopped: it starts again when it is switched off and on. (section 2.5.13)
        registers_.write64(at::control, wanted_control().with<Control::LogsEvents>(false).raw());
        cleared = cleared.with<Status::EventOverflow>(true);
    }
    registers_.write64(at::status, cleared.raw());
    registers_.write64(at::control, wanted_control().raw());
}

/// The tail can be ahead of what the unit has written: an entry is there when its code is. A read of one of its
/// registers lets writes arrive that it has sent before.
bool AmdUnit::has_arrived(Event const volatile& event) const
{
    constexpr unsigned looks = 100;
    for (unsigned i = 0; i < looks; ++i) {
        if (EventHeader{event.low}.get<EventHeader::Code>() != 0) return true;
        static_cast<void>(registers_.read64(at::status));
    }
    return false;
}

/// An entry that never comes says nothing about anybody; what is behind it is read when the next is announced.
std::optional<Fault> AmdUnit::next_fault()
{
    u64 const tail = registers_.read64(at::event_tail) / entry_bytes % entries;
    if (event_head_ == tail) return std::nullopt;
    Event volatile& event = events_[event_head_];
    bool const is_there = has_arrived(event);
    EventHeader const header{event.low};
    u64 const address = event.high;
    event.low = 0;
    event_head_ = (event_head_ + 1) % entries;
    registers_.write64(at::event_head, u64{event_head_} * entry_bytes);
    if (!is_there) return std::nullopt;
    return Fault{.requester = header.get<EventHeader::Requester>(),
                 .address = address,
                 .write = header.get<EventHeader::IsWrite>(),
                 .reason = header.get<EventHeader::IsInterrupt>() ? "this interrupt does not belong to the device"
                                                                  : text_of(header.get<EventHeader::Code>())};
}

}
