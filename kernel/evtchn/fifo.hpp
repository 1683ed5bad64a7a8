// SPDX-License-Identifier: MIT
/// The FIFO event ABI: queues of events whose links lie in memory that the guest writes too. What is read there decides
/// only which of the guest's own words is written next; where a queue ends is remembered here.
/// (xen/include/public/event_channel.h; abi.md 4.4.)
///
///     event ─▶ its word: PENDING ─▶ unless MASKED or LINKED: LINKED ─▶ LINK of the queue's last event, if that is
///     still
///              LINKED; else the queue's head and `ready` ─▶ if that was clear: upcall
///
/// A vCPU has one queue for each priority. The guest takes `ready`, goes from head to head, clears LINKED and LINK of
/// an event and gets the next by it, and only then looks at PENDING. So whoever finds LINKED set after PENDING was set
/// has nothing more to do, and an event that waits in a queue stays there, whatever its vCPU and priority are by now.
///
/// Nobody waits for the guest: each step is one locked instruction that cannot fail. Linking an event that the guest
/// has masked meanwhile does no harm, because the guest passes it over and asks again when it unmasks. So the bit BUSY,
/// by which a hypervisor asks the guest to leave a word alone, is never set.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <span>
#include <utility>

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/sync/spinlock.hpp"

namespace hospes {

/// How shared words are accessed, and what a CPU waits at. Tests put a policy here that stops before every access.
struct FifoAccess {
    using QueueLock = Spinlock<LockRank::EventQueue>;
    using MoveLock = Spinlock<LockRank::EventMove>;
    static u32 load(u32& word) { return std::atomic_ref{word}.load(std::memory_order_seq_cst); }
    static void store(u32& word, u32 value) { std::atomic_ref{word}.store(value, std::memory_order_release); }
    static u32 set(u32& word, u32 bits) { return std::atomic_ref{word}.fetch_or(bits, std::memory_order_seq_cst); }
    static u32 clear(u32& word, u32 bits) { return std::atomic_ref{word}.fetch_and(~bits, std::memory_order_seq_cst); }
};

/// What a port's record has for this ABI. It outlives the port's connection: a closed port may still be linked.
template <typename Access = FifoAccess>
struct FifoPort {
    typename Access::MoveLock moving; ///< its event goes to another vCPU's queues than last time
    std::atomic<u8> priority{xen::event_fifo_priority_default};
    std::atomic<bool> waits{false}; ///< it is pending, and has no word yet
    std::atomic<u16> queue{0};      ///< where it was linked last: vCPU and priority
};

namespace event_word {
inline constexpr u32 pending = u32{1} << xen::event_fifo_pending_bit;
inline constexpr u32 masked = u32{1} << xen::event_fifo_masked_bit;
inline constexpr u32 linked = u32{1} << xen::event_fifo_linked_bit;
inline constexpr u32 link = xen::event_fifo_link_mask;
}

/// One vCPU's queues.
template <typename Access>
struct FifoVcpu {
    typename Access::QueueLock lock;
    /// Stands for the guest's until there is one, so that what comes before is not lost.
    xen::EventFifoControlBlock own_block{};
    xen::EventFifoControlBlock* block = &own_block;     ///< under `lock`
    std::array<u32, xen::event_fifo_max_queues> last{}; ///< the last event of each queue, or 0; under `lock`
};

template <typename Access = FifoAccess>
class FifoEvents {
public:
    static constexpr u32 words_per_page = 1024;
    static constexpr u32 most_pages = xen::event_fifo_channels / words_per_page;
    using Vcpus = std::span<FifoVcpu<Access>>;

    /// An event has happened. `target()` is the port's vCPU; `notify(vcpu)` is called if that must be given an upcall.
    /// False if the event was pending already.
    template <typename Target, typename Notify>
    bool raise(xen::EventPort number, FifoPort<Access>& port, Target target, Notify notify)
    {
        u32* word = find(number);
        if (!word) {
            // Who adds words looks for what waits only then; one of the two sees the other.
            if (port.waits.exchange(true, std::memory_order_seq_cst)) return false;
            word = find(number);
            if (!word || !port.waits.exchange(false, std::memory_order_seq_cst)) return true;
        }
        u32 const before = Access::set(*word, event_word::pending);
        if ((before & (event_word::masked | event_word::linked)) == 0) link(number, port, *word, target(), notify);
        return (before & event_word::pending) == 0;
    }
    template <typename Target, typename Notify>
    void unmask(xen::EventPort number, FifoPort<Access>& port, Target target, Notify notify)
    {
        u32* const word = find(number);
        if (!word) return;
        u32 const before = Access::clear(*word, event_word::masked);
        if ((before & event_word::pending) != 0 && (before & event_word::linked) == 0)
            link(number, port, *word, target(), notify);
    }
    void clear_pending(xen::EventPort number, FifoPort<Access>& port)
    {
        port.waits.store(false, std::memory_order_seq_cst);
        if (u32* const word = find(number)) Access::clear(*word, event_word::pending);
    }

    [[nodiscard]] bool is_pending(xen::EventPort number, FifoPort<Access> const& port) const
    {
        return port.waits.load(std::memory_order_seq_cst) || has(number, event_word::pending);
    }
    [[nodiscard]] bool is_masked(xen::EventPort number) const { return has(number, event_word::masked); }
    [[nodiscard]] bool is_linked(xen::EventPort number) const { return has(number, event_word::linked); }

    // --- set-up: one CPU at a time ---

    /// Before anything else: the domain's vCPUs. They outlive this.
    void have(Vcpus vcpus) { vcpus_ = vcpus; }
    [[nodiscard]] u32 page_count() const { return page_count_.load(std::memory_order_relaxed); }
    /// Words for the next ports. There are fewer than `most_pages`. The caller then looks for ports that wait.
    void add_page(u32* words)
    {
        u32 const index = page_count();
        pages_[index].store(words, std::memory_order_seq_cst);
        page_count_.store(index + 1, std::memory_order_relaxed);
    }
    [[nodiscard]] bool has_page(u32 const* words) const
    {
        return std::ranges::any_of(std::span{pages_}.first(page_count()),
                                   [=](auto const& page) { return page.load(std::memory_order_relaxed) == words; });
    }
    [[nodiscard]] bool has_block(u32 vcpu)
    {
        LockGuard const guard{vcpus_[vcpu].lock};
        return vcpus_[vcpu].block != &vcpus_[vcpu].own_block;
    }
    /// The guest's own control block takes over. True if the vCPU must be given an upcall.
    [[nodiscard]] bool set_block(u32 vcpu, xen::EventFifoControlBlock& block)
    {
        auto& mine = vcpus_[vcpu];
        LockGuard const guard{mine.lock};
        for (size_t queue = 0; queue != block.head.size(); ++queue)
            Access::store(block.head[queue], mine.own_block.head[queue]);
        Access::store(block.ready, mine.own_block.ready);
        mine.block = &block;
        return mine.own_block.ready != 0;
    }
    /// Forgets words and blocks. Nobody may raise events meanwhile.
    void clear()
    {
        for (auto& vcpu : vcpus_) {
            LockGuard const guard{vcpu.lock};
            vcpu.own_block = {};
            vcpu.block = &vcpu.own_block;
            vcpu.last = {};
        }
        for (auto& page : pages_) page.store(nullptr, std::memory_order_relaxed);
        page_count_.store(0, std::memory_order_relaxed);
    }

private:
    struct Queue {
        u32 vcpu, priority;
    };
    [[nodiscard]] static Queue queue_of(FifoPort<Access> const& port)
    {
        u32 const queue = port.queue.load(std::memory_order_relaxed);
        return {queue / xen::event_fifo_max_queues, queue % xen::event_fifo_max_queues};
    }
    static void set_queue(FifoPort<Access>& port, Queue queue)
    {
        port.queue.store(static_cast<u16>(queue.vcpu * xen::event_fifo_max_queues + queue.priority),
                         std::memory_order_relaxed);
    }

    [[nodiscard]] u32* find(xen::EventPort number) const
    {
        u32* const page = pages_[number / words_per_page].load(std::memory_order_seq_cst);
        return page ? &page[number % words_per_page] : nullptr;
    }
    [[nodiscard]] bool has(xen::EventPort number, u32 bits) const
    {
        u32* const word = find(number);
        return word && (Access::load(*word) & bits) != 0;
    }

    /// `port.queue` names another vCPU only after a change under `port.moving` and both vCPUs' locks.
    template <typename Notify>
    void link(xen::EventPort number, FifoPort<Access>& port, u32& word, u32 vcpu, Notify notify)
    {
        auto const tell = link_where_it_was(number, port, word, vcpu);
        if (tell ? *tell : link_elsewhere(number, port, word, vcpu)) notify(vcpu);
    }
    [[nodiscard]] std::optional<bool> link_where_it_was(xen::EventPort number, FifoPort<Access>& port, u32& word,
                                                        u32 vcpu)
    {
        LockGuard const guard{vcpus_[vcpu].lock};
        if (queue_of(port).vcpu != vcpu) return std::nullopt;
        return append(number, port, word, vcpu);
    }
    [[nodiscard]] bool link_elsewhere(xen::EventPort number, FifoPort<Access>& port, u32& word, u32 vcpu)
    {
        LockGuard const moving{port.moving};
        u32 const before = queue_of(port).vcpu;
        LockGuard const guard{vcpus_[std::min(before, vcpu)].lock};
        if (before == vcpu) return append(number, port, word, vcpu);
        LockGuard const second{vcpus_[std::max(before, vcpu)].lock};
        return append(number, port, word, vcpu);
    }

    /// With the locks of its old queue and its new one. True if the vCPU must be given an upcall.
    [[nodiscard]] bool append(xen::EventPort number, FifoPort<Access>& port, u32& word, u32 vcpu)
    {
        u32 const before = Access::load(word);
        if ((before & event_word::linked) != 0) return false;
        if ((before & event_word::link) != 0) Access::clear(word, event_word::link);
        Access::set(word, event_word::linked);

        // The guest has taken it from its old queue. If it was the last one there, nothing may be put behind it.
        Queue const old = queue_of(port);
        if (u32& last = vcpus_[old.vcpu].last[old.priority]; last == number) last = 0;
        Queue const queue{vcpu, port.priority.load(std::memory_order_relaxed)};
        set_queue(port, queue);

        u32 const last = std::exchange(vcpus_[vcpu].last[queue.priority], number);
        if (last != 0 && put_behind(last, number)) return false;
        return begin(vcpus_[vcpu], queue.priority, number);
    }
    /// False if the guest has taken `last` out already.
    [[nodiscard]] bool put_behind(xen::EventPort last, xen::EventPort number)
    {
        u32& word = *find(last);
        if ((Access::set(word, number) & event_word::linked) != 0) return true;
        Access::clear(word, event_word::link);
        return false;
    }
    [[nodiscard]] bool begin(FifoVcpu<Access>& vcpu, u32 priority, xen::EventPort number)
    {
        u32 const bit = u32{1} << priority;
        Access::store(vcpu.block->head[priority], number);
        bool const is_new = (Access::set(vcpu.block->ready, bit) & bit) == 0;
        return is_new && vcpu.block != &vcpu.own_block;
    }

    Vcpus vcpus_;
    std::array<std::atomic<u32*>, most_pages> pages_{};
    std::atomic<u32> page_count_{0};
};

}
