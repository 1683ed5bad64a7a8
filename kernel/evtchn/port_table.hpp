// SPDX-License-Identifier: MIT
/// A domain's ports: their records, found without a lock, and which numbers are taken.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/hypercall_numbers.hpp"
#include "kernel/evtchn/fifo.hpp"
#include "kernel/lib/bitmap.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/mm/charged.hpp"
#include "kernel/sync/spinlock.hpp"

namespace hospes {

class Domain;

enum class PortState : u8 { Free, Unbound, Interdomain, Virq, Ipi };

/// What a port is connected to. Which members speak depends on the state.
struct PortConnection {
    PortState state = PortState::Free;
    xen::DomainId remote_domain = 0; ///< Unbound: who may bind to it
    xen::EventPort remote_port = 0;  ///< Interdomain
    Domain* remote = nullptr;        ///< Interdomain: alive, since its end closes ours before it goes
    xen::VirtualInterrupt line{};    ///< Virq
};

/// Reading `connection` takes the domain's lock or the port's; changing it takes both. A sender thus needs only the
/// lock of the port it sends through, and no change is complete while somebody still sends through the old connection.
struct Port {
    Spinlock<LockRank::EventPort> lock;
    std::atomic<u32> vcpu{0}; ///< who is told
    FifoPort<> fifo;
    PortConnection connection;
};

/// Most domains never have more ports than the first group has room for.
class PortTable {
public:
    static constexpr u32 capacity = xen::event_fifo_channels;

    PortTable()
    {
        first_.taken.set(0); // 0 is nobody's port
        groups_[0].store(&first_, std::memory_order_relaxed);
    }
    /// What the records of ports up to `highest` need, in frames.
    [[nodiscard]] static constexpr u64 most_overhead(xen::EventPort highest)
    {
        return (highest / ports_per_bucket + 1) * pages_for(sizeof(Bucket)) +
               highest / ports_per_group * pages_for(sizeof(Group));
    }
    PortTable(PortTable const&) = delete;
    PortTable& operator=(PortTable const&) = delete;
    ~PortTable()
    {
        static_cast<void>(free_records([] { return false; }));
    }
    /// Frees records until `must_stop()`; true when none is left. The table is not used any more.
    template <typename MustStop>
    [[nodiscard]] bool free_records(MustStop must_stop)
    {
        for (auto& slot : groups_) {
            Group* const group = slot.load(std::memory_order_relaxed);
            if (!group) continue;
            for (auto& bucket : group->buckets) {
                if (!bucket.load(std::memory_order_relaxed)) continue;
                delete bucket.exchange(nullptr, std::memory_order_relaxed);
                if (must_stop()) return false;
            }
            slot.store(nullptr, std::memory_order_relaxed);
            if (group != &first_) delete group;
        }
        return true;
    }

    /// The record of a port, which may be free; null for a number near which none was ever taken. Needs no lock:
    /// records stay where they are for the domain's life.
    [[nodiscard]] Port* find(xen::EventPort port) const
    {
        if (port >= capacity) return nullptr;
        Group* const group = group_of(port);
        if (!group) return nullptr;
        Bucket* const bucket =
            group->buckets[port % ports_per_group / ports_per_bucket].load(std::memory_order_acquire);
        return bucket ? &(*bucket)[port % ports_per_bucket] : nullptr;
    }

    /// How many are taken. Under the domain's lock.
    [[nodiscard]] u32 count() const { return count_; }

    /// Takes the lowest free number that is not above `highest` and not `is_busy(number)`; its record is charged to
    /// `quota`. NoSpace, OutOfMemory. Under the domain's lock.
    template <typename IsBusy>
    [[nodiscard]] Expected<xen::EventPort> take(xen::EventPort highest, Quota& quota, IsBusy is_busy)
    {
        auto port = first_free(0);
        for (u32 passed = 0; port && *port <= highest && is_busy(*port); port = first_free(*port + 1))
            if (++passed == most_busy) return failure(Error::NoSpace);
        if (!port || *port > highest) return failure(Error::NoSpace);
        if (auto const made = make_record(*port, quota); !made) return failure(made.error());
        group_of(*port)->taken.set(*port % ports_per_group);
        ++count_;
        return *port;
    }
    /// Under the domain's lock.
    void give_back(xen::EventPort port)
    {
        group_of(port)->taken.clear(port % ports_per_group);
        --count_;
    }
    /// The lowest taken number at or above `from`. Under the domain's lock.
    [[nodiscard]] std::optional<xen::EventPort> next_taken(xen::EventPort from) const
    {
        for (u32 index = from / ports_per_group; index < groups_.size(); ++index) {
            Group const* const group = groups_[index].load(std::memory_order_relaxed);
            if (!group) continue;
            u32 const start = std::max({from, index * ports_per_group, xen::EventPort{1}}) - index * ports_per_group;
            if (auto const found = group->taken.first_set(start)) return index * ports_per_group + *found;
        }
        return std::nullopt;
    }

private:
    static constexpr u32 ports_per_bucket = 64;
    static constexpr u32 ports_per_group = xen::event_two_level_channels;
    /// A guest that calls all its free ports busy has none soon: to pass over one takes some 45 instructions, under the
    /// domain's lock.
    static constexpr u32 most_busy = 256;
    using Bucket = std::array<Port, ports_per_bucket>;
    struct Group {
        Bitmap<ports_per_group> taken;
        std::array<std::atomic<Bucket*>, ports_per_group / ports_per_bucket> buckets{};
    };

    [[nodiscard]] Group* group_of(xen::EventPort port) const
    {
        return groups_[port / ports_per_group].load(std::memory_order_acquire);
    }
    /// What was never needed is free.
    [[nodiscard]] std::optional<xen::EventPort> first_free(xen::EventPort from) const
    {
        for (; from < capacity; from = (from / ports_per_group + 1) * ports_per_group) {
            Group const* const group = group_of(from);
            if (!group) return from;
            if (auto const found = group->taken.first_clear(from % ports_per_group))
                return from / ports_per_group * ports_per_group + *found;
        }
        return std::nullopt;
    }
    [[nodiscard]] Expected<> make_record(xen::EventPort port, Quota& quota)
    {
        auto& slot = groups_[port / ports_per_group];
        if (auto const made = make(slot, quota); !made) return made;
        return make(slot.load(std::memory_order_relaxed)->buckets[port % ports_per_group / ports_per_bucket], quota);
    }
    /// If it is not there.
    template <typename T>
    [[nodiscard]] static Expected<> make(std::atomic<T*>& slot, Quota& quota)
    {
        if (slot.load(std::memory_order_relaxed)) return {};
        auto fresh = make_charged<T>(quota);
        if (!fresh) return failure(fresh.error());
        slot.store(fresh->release(), std::memory_order_release);
        return {};
    }

    Group first_;
    std::array<std::atomic<Group*>, capacity / ports_per_group> groups_{};
    u32 count_ = 0;
};

}
