// SPDX-License-Identifier: MIT
/// Changes to guest-physical memory: mapped in the largest leaves, unmapped and flushed before anything is released.
#include "kernel/domain/physmap.hpp"

#include <algorithm>

#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/guest_presence.hpp"
#include "kernel/mm/map_run.hpp"

namespace hospes {

namespace {

constexpr std::array<Access, 7> access_by_type{
    Access{},           // None
    read_write_execute, // Ram
    read_write_execute, // Foreign
    read_write,         // GrantWritable
    read_only,          // GrantReadOnly
    read_write,         // Special
    read_write_execute, // Device
};

/// For the end of a domain, when its grant mappings have been ended one by one.
constexpr MappingTypes every_type{MappingType::Ram,           MappingType::Foreign, MappingType::GrantWritable,
                                  MappingType::GrantReadOnly, MappingType::Special, MappingType::Device};

/// What a domain's devices may read and write: not what the hypervisor shares with it, nor other devices.
constexpr bool reaches_devices(MappingType type) { return is_counted(type) && type != MappingType::Special; }

}

void Retired::add(Mapping const& mapping, unsigned order)
{
    add_without_references(mapping);
    if (!is_counted(mapping.type)) return;
    blocks_[count_++] = {.first = mapping.frame, .order = static_cast<u8>(order), .counted = true};
    frames_ += u64{1} << order;
}

void Retired::add_without_references(Mapping const& mapping)
{
    must_flush_ = true;
    must_flush_devices_ |= reaches_devices(mapping.type);
}

bool Retired::finish()
{
    if (std::exchange(must_flush_, false)) GuestPresence::flush(domain_);
    bool const must_flush_devices = std::exchange(must_flush_devices_, false) && domain_.physmap.devices_;
    bool const flushed = !must_flush_devices || domain_.physmap.devices_->flush();
    frames_ = 0;
    size_t const count = std::exchange(count_, 0);
    for (size_t i = 0; i < count && flushed; ++i) frames::drop_references(blocks_[i].first, blocks_[i].order);
    return flushed;
}

Physmap::~Physmap() = default;

Expected<> Physmap::initialize()
{
    auto const stage = arch::create_second_stage();
    if (!stage) return failure(stage.error());
    stage_.reset(*stage);
    return {};
}

/// All of them or none. Held: the lock.
Expected<> Physmap::map(MappedRun const& run, LeafAttributes const& leaf)
{
    return map_run(*stage_, run, leaf, stage_->largest_order(), [this] { GuestPresence::flush(domain_); });
}

Expected<> Physmap::add_ram(Gfn where, Hfn first, unsigned order)
{
    LockGuard const guard{lock_};
    if (is_closed_) return failure(Error::Invalid);
    MappedRun const run{where, first, u64{1} << order};
    if (auto const mapped = map(run, {read_write_execute, MemoryType::WriteBack, MappingType::Ram}); !mapped)
        return mapped;
    Mapping const whole{.frame = first, .type = MappingType::Ram, .access = read_write_execute, .order = order};
    if (auto const shown = show_to_devices(where, whole, order); !shown) {
        unmap_run(*stage_, where, run.count);
        GuestPresence::flush(domain_);
        return shown;
    }
    return {};
}

Expected<> Physmap::add(Gfn where, FrameReference&& frame, MappingType type)
{
    LockGuard const guard{lock_};
    return map_one(where, std::move(frame), type);
}

Expected<> Physmap::replace(Gfn where, FrameReference&& frame, MappingType type, MappingTypes replaced,
                            Retired& retired)
{
    if (retired.full()) retired.finish();
    LockGuard const guard{lock_};
    if (auto const removed = retire(where, 0, replaced, retired); !removed) return failure(removed.error());
    return map_one(where, std::move(frame), type);
}

/// Held: the lock.
Expected<> Physmap::map_one(Gfn where, FrameReference&& frame, MappingType type)
{
    if (is_closed_) return failure(Error::Invalid);
    Access const access = access_by_type[static_cast<u8>(type)];
    if (auto const mapped = stage_->map(where, frame.frame(), 0, access, MemoryType::WriteBack, type); !mapped)
        return failure(mapped.error());
    if (auto const shown = show_to_devices(where, {.frame = frame.frame(), .type = type, .access = access}, 0);
        !shown) {
        static_cast<void>(stage_->unmap(where, 0));
        GuestPresence::flush(domain_);
        return shown;
    }
    static_cast<void>(frame.give_up());
    return {};
}

Expected<> Physmap::add_device(Gfn where, Hfn first, u64 count, MemoryType memory, Access access)
{
    LockGuard const guard{lock_};
    if (is_closed_) return failure(Error::Invalid);
    return map({where, first, count}, {access, memory, MappingType::Device});
}

Expected<> Physmap::attach(iommu::DmaSpace& devices)
{
    LockGuard const guard{lock_};
    devices_ = &devices;
    for (std::optional<Gfn> from{Gfn{}}; from;) {
        auto const step = stage_->next_leaf(*from);
        if (auto const shown = show_to_devices(step.where, step.leaf, step.leaf.order); !shown) return shown;
        from = step.next;
    }
    return {};
}

Expected<> Physmap::show_to_devices(Gfn where, Mapping const& mapping, unsigned order)
{
    if (!devices_ || !reaches_devices(mapping.type)) return {};
    return devices_->map(where, mapping.frame, order, mapping.access.write);
}

/// From the devices first: splitting a large mapping of theirs may fail, and then nothing has changed.
Expected<Mapping> Physmap::unmap(Gfn where, unsigned order)
{
    Mapping const now = stage_->lookup(where);
    bool const is_shown = devices_ && reaches_devices(now.type) && now.order >= order;
    if (is_shown)
        if (auto const hidden = devices_->unmap(where, order); !hidden) return failure(hidden.error());
    auto removed = stage_->unmap(where, order);
    // If it cannot be shown again either, the devices have lost it: that is on the safe side.
    if (is_shown && !removed) static_cast<void>(show_to_devices(where, now, order));
    return removed;
}

Expected<Mapping> Physmap::remove(Gfn where, unsigned order, MappingTypes expected, Retired& retired)
{
    if (retired.full()) retired.finish();
    LockGuard const guard{lock_};
    return retire(where, order, expected, retired);
}

/// Looks and takes out in one step. Held: the lock.
Expected<Mapping> Physmap::retire(Gfn where, unsigned order, MappingTypes expected, Retired& retired)
{
    MappingType const type = stage_->lookup(where).type;
    if (type == MappingType::None) return Mapping{};
    if (!expected.has(type)) return failure(Error::Invalid);
    auto const removed = unmap(where, order);
    if (removed && removed->type != MappingType::None) retired.add(*removed, order);
    return removed;
}

Expected<> Physmap::remove_exactly(Gfn where, Hfn expected_frame, MappingType expected_type, Retired& retired)
{
    if (retired.full()) retired.finish();
    LockGuard const guard{lock_};
    Mapping const now = stage_->lookup(where);
    if (now.frame != expected_frame || now.type != expected_type) return failure(Error::NotFound);
    auto const removed = unmap(where, 0);
    if (!removed) return failure(removed.error());
    retired.add(*removed, 0);
    return {};
}

Expected<FrameReference> Physmap::reference(Gfn where, bool for_writing) const
{
    // The entry may change between reading it and referencing its frame; then look again, but not for ever.
    for (int attempt = 0; attempt < 16; ++attempt) {
        Mapping const mapping = stage_->lookup(where);
        if (!is_counted(mapping.type) || (for_writing && !mapping.access.write)) break;
        auto reference = FrameReference::to(mapping.frame);
        if (!reference) continue;
        Mapping const again = stage_->lookup(where);
        if (again.frame == mapping.frame && again.type == mapping.type) return std::move(*reference);
    }
    return failure(Error::BadAddress);
}

Expected<OwnRam> Physmap::reference_own(Gfn where) const
{
    if (stage_->lookup(where).type != MappingType::Ram) return failure(Error::Invalid);
    auto reference_to_ram = reference(where, true);
    // Between the two looks something else may have come there: the frame itself says whose it is, and what for.
    if (!reference_to_ram || !frames::is_ram_of(domain_, reference_to_ram->frame())) return failure(Error::Invalid);
    return OwnRam{std::move(*reference_to_ram)};
}

void Physmap::close()
{
    LockGuard const guard{lock_};
    is_closed_ = true;
}

/// Takes a leaf out whole: split, it would need tables, and there may be none left. Its frames go afterwards, bit by
/// bit. False if it is not that leaf any more: the toolstack may have taken a page out of it from another CPU.
bool Physmap::tear_down_large(Gfn where, Mapping const& mapping)
{
    u64 const count = u64{1} << mapping.order;
    Retired retired{domain_};
    {
        LockGuard const guard{lock_};
        auto const removed = unmap(where, mapping.order);
        if (!removed) return removed.error() != Error::Invalid;
        if (removed->type == MappingType::None) return false;
        retired.add_without_references(*removed);
    }
    if (!retired.finish() || !is_counted(mapping.type)) return true;
    rest_ = mapping.frame;
    rest_frames_ = count;
    return true;
}

bool Physmap::drop_rest(Budget& budget)
{
    constexpr unsigned piece = 6;
    while (rest_frames_ > 0) {
        frames::drop_references(rest_, piece);
        rest_ += u64{1} << piece;
        rest_frames_ -= u64{1} << piece;
        if (budget.is_spent()) return false;
    }
    return true;
}

bool Physmap::tear_down(Budget& budget)
{
    if (!stage_) return true;
    close();
    Retired retired{domain_};
    for (std::optional<Gfn> from{tear_down_position_}; from;) {
        if (!drop_rest(budget)) return false;
        auto const step = stage_->next_leaf(*from);
        bool is_done = true;
        if (step.leaf.order > 0)
            is_done = tear_down_large(step.where, step.leaf);
        else if (step.leaf.type != MappingType::None)
            static_cast<void>(remove(step.where, 0, every_type, retired));
        from = is_done ? step.next : step.where;
        tear_down_position_ = from.value_or(stage_->end());
        if (budget.is_spent()) return false;
    }
    return drop_rest(budget);
}

}
