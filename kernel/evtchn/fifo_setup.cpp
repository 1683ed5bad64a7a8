// SPDX-License-Identifier: MIT
/// A domain takes up the FIFO ABI, gives it memory, and leaves it.
#include "kernel/domain/domain.hpp"
#include "kernel/evtchn/event_channel.hpp"
#include "kernel/evtchn/fifo_pages.hpp"
#include "kernel/evtchn/two_level.hpp"

namespace hospes {

/// Under the domain's lock. It is not the domain's ABI yet.
Expected<FifoPages*> EventChannels::fifo_for_use()
{
    if (closed_) return failure(Error::Invalid);
    if (FifoPages* const fifo = fifo_.load(std::memory_order_relaxed)) return fifo;
    if (!fifo_pages_) {
        auto made = make_charged<FifoPages>(domain_.quota);
        if (!made) return failure(made.error());
        fifo_pages_ = std::move(*made);
    }
    if (auto const had = fifo_pages_->have_vcpus(domain_.configuration().max_vcpus, domain_.quota); !had)
        return failure(had.error());
    if (!fifo_pages_->is_empty()) return failure(Error::Busy);
    return fifo_pages_.get();
}

Expected<> EventChannels::init_control(u32 vcpu, OwnRam page, u32 offset)
{
    if (offset > page_size - sizeof(xen::EventFifoControlBlock) || offset % sizeof(u64) != 0)
        return failure(Error::Invalid);
    if (!domain_.vcpu(vcpu)) return failure(Error::NotFound);
    LockGuard const guard{lock_};
    auto const fifo = fifo_for_use();
    if (!fifo) return failure(fifo.error());
    auto const tell = (*fifo)->add_block(vcpu, page, offset);
    if (!tell) return failure(tell.error());
    fifo_.store(*fifo, std::memory_order_seq_cst);
    if (*tell) give_upcall(vcpu);
    return {};
}

/// An event may have come while the port had no word, or while the ABI was the other one.
void EventChannels::revive_one(FifoPages& fifo)
{
    xen::EventPort const number = fifo.revival.next++;
    Port* const port = ports_.find(number);
    if (!port) return;
    bool was_pending = port->fifo.waits.exchange(false, std::memory_order_seq_cst);
    if (number < xen::event_two_level_channels) {
        auto events = shared_events();
        if (events.is_pending(number)) {
            events.clear_pending(number);
            was_pending = true;
        }
    }
    if (!was_pending || port->connection.state == PortState::Free) return;
    // Nobody who polled saw it since the ABI changed.
    if (raise_fifo(fifo, number, *port)) wake_pollers(number);
}

/// Sixteen ports cost less than a look at the clock and the rest of a call.
void EventChannels::revive_some(FifoPages& fifo)
{
    constexpr u32 at_once = 16;
    for (u32 count = 0; count != at_once && !fifo.revival.is_over(); ++count) revive_one(fifo);
}

/// A page that has words already is that of the same call made again, which has nothing more to do than to wait until
/// what its vCPU, or another one, has begun is over. Between two steps others have the domain's lock.
Expected<EventChannels::Expansion> EventChannels::expand_step(OwnRam& page, Hfn frame)
{
    LockGuard const guard{lock_};
    FifoPages* const fifo = fifo_.load(std::memory_order_relaxed);
    if (!fifo) return failure(Error::NotSupported);
    if (!fifo->revival.is_over()) {
        revive_some(*fifo);
        return Expansion::Begun;
    }
    if (fifo->has_words(frame)) return Expansion::Done;
    if (auto const added = fifo->add_words(page, frame); !added) return failure(added.error());
    return Expansion::Begun;
}

Expected<> EventChannels::expand_array(OwnRam page, Budget& budget)
{
    Hfn const frame = page.frame();
    for (;;) {
        auto const step = expand_step(page, frame);
        if (!step) return failure(step.error());
        if (*step == Expansion::Done) return {};
        if (budget.is_spent()) return failure(Error::Restart);
    }
}

Expected<> EventChannels::set_priority(xen::EventPort number, u32 priority)
{
    LockGuard const guard{lock_};
    Port* const port = ports_.find(number);
    if (!port) return failure(Error::Invalid);
    if (!uses_fifo()) return failure(Error::NotImplemented);
    if (priority > xen::event_fifo_priority_min) return failure(Error::Invalid);
    port->fifo.priority.store(static_cast<u8>(priority), std::memory_order_relaxed);
    return {};
}

/// False if ports are in use.
bool EventChannels::end_fifo()
{
    LockGuard const guard{lock_};
    if (ports_.count() != 0) return false;
    if (fifo_.load(std::memory_order_relaxed)) fifo_pages_->forget();
    fifo_.store(nullptr, std::memory_order_relaxed);
    return true;
}

/// A page that nobody uses any more, to be let go without the lock.
std::optional<OwnRam> EventChannels::take_left_page()
{
    LockGuard const guard{lock_};
    if (!fifo_pages_ || fifo_.load(std::memory_order_relaxed)) return std::nullopt;
    return fifo_pages_->take_page();
}

bool EventChannels::leave_fifo(Budget& budget)
{
    if (!end_fifo()) return false;
    while (take_left_page())
        if (budget.is_spent()) return false;
    return true;
}

u32 EventChannels::fifo_words() const
{
    FifoPages const* const fifo = fifo_.load(std::memory_order_acquire);
    return fifo ? fifo->events.page_count() * FifoEvents<>::words_per_page : 0;
}

std::optional<EventChannels::FifoState> EventChannels::fifo_state(xen::EventPort number)
{
    LockGuard const guard{lock_};
    FifoPages const* const fifo = fifo_.load(std::memory_order_relaxed);
    Port const* const port = ports_.find(number);
    if (!fifo || !port) return std::nullopt;
    return FifoState{fifo->events.is_linked(number), port->fifo.priority.load(std::memory_order_relaxed)};
}

}
