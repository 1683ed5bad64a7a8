// SPDX-License-Identifier: MIT
/// A domain's ports: their records, found without a lock, and which numbers are taken.
#pragma once

#include <array>
#include <atomic>

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/hypercall_numbers.hpp"
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
    PortConnection connection;
};

class PortTable {
public:
    static constexpr u32 capacity = xen::event_two_level_channels;

    PortTable() { taken_.set(0); } // 0 is nobody's port
    /// What the records of ports up to `highest` need, in frames.
    [[nodiscard]] static constexpr u64 most_overhead(xen::EventPort highest)
    {
        return (highest / ports_per_bucket + 1) * pages_for(sizeof(Bucket));
    }
    PortTable(PortTable const&) = delete;
    PortTable& operator=(PortTable const&) = delete;
    ~PortTable()
    {
        for (auto& bucket : buckets_) delete bucket.load(std::memory_order_relaxed);
    }

    /// The record of a port, which may be free; null for a number near which none was ever taken. Needs no lock:
    /// records stay where they are for the domain's life.
    [[nodiscard]] Port* find(xen::EventPort port) const
    {
        if (port >= capacity) return nullptr;
        Bucket* const bucket = buckets_[port / ports_per_bucket].load(std::memory_order_acquire);
        return bucket ? &(*bucket)[port % ports_per_bucket] : nullptr;
    }

    using Numbers = Bitmap<capacity>;
    /// Under the domain's lock.
    [[nodiscard]] Numbers taken() const
    {
        Numbers numbers = taken_;
        numbers.clear(0);
        return numbers;
    }

    /// Takes the lowest free number that is not above `highest`; its record is charged to `quota`. NoSpace,
    /// OutOfMemory. Under the domain's lock.
    [[nodiscard]] Expected<xen::EventPort> take(xen::EventPort highest, Quota& quota)
    {
        auto const port = taken_.first_clear();
        if (!port || *port > highest) return failure(Error::NoSpace);
        auto& bucket = buckets_[*port / ports_per_bucket];
        if (!bucket.load(std::memory_order_relaxed)) {
            auto fresh = make_charged<Bucket>(quota);
            if (!fresh) return failure(fresh.error());
            bucket.store(fresh->release(), std::memory_order_release);
        }
        taken_.set(*port);
        return *port;
    }
    /// Under the domain's lock.
    void give_back(xen::EventPort port) { taken_.clear(port); }
    /// The lowest taken number at or above `from`. Under the domain's lock.
    [[nodiscard]] std::optional<xen::EventPort> next_taken(xen::EventPort from) const { return taken_.first_set(from); }

private:
    static constexpr u32 ports_per_bucket = 64;
    using Bucket = std::array<Port, ports_per_bucket>;

    Bitmap<capacity> taken_;
    std::array<std::atomic<Bucket*>, capacity / ports_per_bucket> buckets_{};
};

}
