// SPDX-License-Identifier: MIT
/// Finds the function that an access is for, makes it when it is first asked for, and keeps track of moving tables.
#include "kernel/vpci/virtual_pci.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

#include "kernel/lib/aligned_piece.hpp"
#include "kernel/lib/no_answer.hpp"
#include "kernel/log/log.hpp"
#include "kernel/vpci/base_addresses.hpp"

namespace hospes::vpci {

namespace {

std::atomic<VirtualPci*> the_pci{nullptr};

constexpr u64 ones(unsigned bytes) { return bytes >= 8 ? no_answer<> : (u64{1} << (8 * bytes)) - 1; }

constexpr unsigned largest_config_access = 4;

}

VirtualPci* control_domain_pci() { return the_pci.load(std::memory_order_acquire); }
void set_control_domain_pci(VirtualPci* pci) { the_pci.store(pci, std::memory_order_release); }

VirtualPci::~VirtualPci()
{
    auto held = functions_.lock();
    for (Bucket& bucket : held->buckets)
        while (Function* const function = bucket.pop_front()) delete function;
}

Expected<> VirtualPci::hide(pci::FunctionAddress function)
{
    if (!hidden_.push_back(function)) return failure(Error::NoSpace);
    return {};
}

bool VirtualPci::is_hidden(pci::FunctionAddress address) const { return std::ranges::contains(hidden_, address); }

// --- which functions there are ---

VirtualPci::Bucket& VirtualPci::bucket_of(Functions& functions, pci::FunctionAddress address)
{
    return functions.buckets[(address.devfn ^ address.bus * 5U) % bucket_count];
}

Function* VirtualPci::find(Functions& functions, pci::FunctionAddress address)
{
    Function* function = bucket_of(functions, address).first();
    while (function && function->address() != address) function = Bucket::next(*function);
    return function;
}

Expected<Function*> VirtualPci::find_or_create(Functions& functions, pci::FunctionAddress address)
{
    if (Function* const known = find(functions, address)) return known;
    if (functions.count == max_functions) return failure(Error::NoSpace);
    auto created = Function::create(address, platform_, find_virtual(functions, address));
    if (!created) return failure(created.error());
    Function* const function = created->release();
    bucket_of(functions, address).push_back(*function);
    ++functions.count;
    return function;
}

std::optional<VirtualPlace> VirtualPci::find_virtual(Functions& functions, pci::FunctionAddress address)
{
    for (Bucket& bucket : functions.buckets)
        for (Function* function = bucket.first(); function; function = Bucket::next(*function))
            if (auto const* const made = function->virtual_functions())
                if (auto const place = made->find(address)) return place;
    return std::nullopt;
}

/// With the virtual functions that it has made.
void VirtualPci::forget(Functions& functions, Function& function)
{
    if (function.virtual_functions()) forget_virtual(functions, function.address(), false);
    bucket_of(functions, function.address()).remove(function);
    --functions.count;
    delete &function;
}

void VirtualPci::forget_virtual(Functions& functions, pci::FunctionAddress physical, bool only_gone)
{
    for (Bucket& bucket : functions.buckets)
        for (Function* function = bucket.first(); function;) {
            Function& candidate = *std::exchange(function, Bucket::next(*function));
            auto const& place = candidate.virtual_place();
            if (place && place->physical == physical && (!only_gone || candidate.is_gone()))
                forget(functions, candidate);
        }
}

Expected<> VirtualPci::add(pci::FunctionAddress function)
{
    if (is_hidden(function)) return failure(Error::NoSuchDevice);
    if (auto const known = find_or_create(*functions_.lock(), function); !known) return failure(known.error());
    trap_table(function);
    return {};
}

Expected<> VirtualPci::remove(pci::FunctionAddress function)
{
    auto held = functions_.lock();
    Function* const known = find(*held, function);
    if (!known) return failure(Error::NoSuchDevice);
    forget(*held, *known);
    return {};
}

// --- configuration space ---

u64 VirtualPci::read_config(pci::FunctionAddress function, u16 offset, unsigned bytes)
{
    if (is_hidden(function) || offset + bytes > pci::extended_space_bytes) return no_answer<>;
    u64 value = 0;
    for (unsigned done = 0; done < bytes;) {
        unsigned const piece = aligned_piece(offset + done, bytes - done, largest_config_access);
        value |= u64{read_part(function, static_cast<u16>(offset + done), piece)} << (8 * done);
        done += piece;
    }
    return value;
}

void VirtualPci::write_config(pci::FunctionAddress function, u16 offset, unsigned bytes, u64 value)
{
    if (is_hidden(function) || offset + bytes > pci::extended_space_bytes) return;
    for (unsigned done = 0; done < bytes;) {
        unsigned const piece = aligned_piece(offset + done, bytes - done, largest_config_access);
        write_part(function, static_cast<u16>(offset + done), piece,
                   static_cast<u32>(value >> (8 * done) & ones(piece)));
        done += piece;
    }
    if (may_move_memory(offset, bytes)) trap_table(function);
    if (offset >= pci::conventional_space_bytes) follow_virtual(function, offset, bytes);
}

u32 VirtualPci::read_part(pci::FunctionAddress address, u16 offset, unsigned bytes)
{
    bool is_new = false;
    u32 value = 0;
    {
        auto held = functions_.lock();
        is_new = find(*held, address) == nullptr;
        auto const function = find_or_create(*held, address);
        if (!function) return static_cast<u32>(ones(bytes));
        value = (*function)->space().read(offset, bytes);
        // If it comes back, it has forgotten all it was told.
        if (offset == pci::header::vendor && (*function)->is_gone()) forget(*held, **function);
    }
    if (is_new) trap_table(address);
    return value;
}

void VirtualPci::write_part(pci::FunctionAddress address, u16 offset, unsigned bytes, u32 value)
{
    bool const is_known = find(*functions_.lock(), address) != nullptr;
    if (!is_known && !add(address)) return;
    auto held = functions_.lock();
    if (Function* const function = find(*held, address)) function->space().write(offset, bytes, value);
}

// --- MSI-X tables ---

/// Follows the table to where it is now. Between the two locks the guest may move it again: then the one who moved it
/// comes here too, and a place that is no longer true is not recorded.
void VirtualPci::trap_table(pci::FunctionAddress address)
{
    auto const msix_of = [&](Functions& functions) {
        Function const* const function = find(functions, address);
        return function ? function->msix() : nullptr;
    };
    std::optional<MemoryRange> wanted;
    {
        auto held = functions_.lock();
        Msix* const msix = msix_of(*held);
        if (!msix) return;
        wanted = msix->find_table();
        if (wanted == msix->table()) return;
        msix->set_table(std::nullopt);
    }
    if (!wanted) return;
    if (auto const trapped = platform_.trap(wanted->start, wanted->bytes); !trapped) {
        log_warning("PCI {:x}:{:x}.{}: its MSI-X table at {:x} cannot be virtualised (error {})", address.bus,
                    address.device(), address.function(), wanted->start, trapped.error());
        return;
    }
    auto held = functions_.lock();
    if (Msix* const msix = msix_of(*held); msix && msix->find_table() == wanted) msix->set_table(wanted);
}

/// A physical function's capability was written: virtual functions may have gone, or their memory may have moved.
void VirtualPci::follow_virtual(pci::FunctionAddress physical, u16 offset, unsigned bytes)
{
    {
        auto held = functions_.lock();
        Function* const function = find(*held, physical);
        if (!function || !function->virtual_functions() || !function->virtual_functions()->decides(offset, bytes))
            return;
        forget_virtual(*held, physical, true);
    }
    for (u16 index = 0; index < max_functions; ++index) {
        std::optional<pci::FunctionAddress> address;
        {
            auto held = functions_.lock();
            Function* const function = find(*held, physical);
            auto* const made = function ? function->virtual_functions() : nullptr;
            address = made ? made->address_of(index) : std::nullopt;
        }
        if (!address) return;
        trap_table(*address);
    }
}

Msix* VirtualPci::table_at(Functions& functions, Gpa where)
{
    for (Bucket& bucket : functions.buckets)
        for (Function* function = bucket.first(); function; function = Bucket::next(*function))
            if (Msix* const msix = function->msix(); msix && msix->table_covers(where)) return msix;
    return nullptr;
}

/// A register is read and written whole: other accesses would be several on a bus, and reach what is beside it.
static bool is_aligned(Gpa where, unsigned bytes) { return std::has_single_bit(bytes) && where.raw() % bytes == 0; }

u64 VirtualPci::read_memory(Gpa where, unsigned bytes)
{
    if (auto held = functions_.lock(); Msix* const msix = table_at(*held, where)) return msix->read_table(where, bytes);
    return is_aligned(where, bytes) ? platform_.read_device(where, bytes) : no_answer<>;
}

void VirtualPci::write_memory(Gpa where, unsigned bytes, u64 value)
{
    if (auto held = functions_.lock(); Msix* const msix = table_at(*held, where))
        return msix->write_table(where, bytes, value);
    if (is_aligned(where, bytes)) platform_.write_device(where, bytes, value);
}

}
