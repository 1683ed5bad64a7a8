// SPDX-License-Identifier: MIT
/// The guest's pages for the FIFO event ABI come and go.
#include "kernel/evtchn/fifo_pages.hpp"

#include <utility>

#include "kernel/arch/memory.hpp"
#include "kernel/domain/domain.hpp"

namespace hospes {

Expected<> FifoPages::have_vcpus(u32 count, Quota& quota)
{
    static_assert(most_vcpus == max_vcpus_per_domain);
    static_assert(most_vcpus * xen::event_fifo_max_queues <= u32{1} << 16, "FifoPort::queue has room for them");
    if (vcpus_) return {};
    auto made = make_charged_array<FifoVcpu<FifoAccess>>(quota, count);
    if (!made) return failure(made.error());
    vcpus_ = std::move(*made);
    events.have({vcpus_.get(), count});
    return {};
}

bool FifoPages::has_words(Hfn frame) const { return events.has_page(arch::reach_as<u32>(address_of(frame))); }

Expected<> FifoPages::add_words(OwnRam& page, Hfn frame)
{
    if (events.page_count() == FifoEvents<>::most_pages) return failure(Error::NoSpace);
    xen::EventPort const first = events.page_count() * FifoEvents<>::words_per_page;
    revival = {first, first + FifoEvents<>::words_per_page};
    events.add_page(arch::reach_as<u32>(address_of(frame)));
    keep(page);
    return {};
}

Expected<bool> FifoPages::add_block(u32 vcpu, OwnRam& page, u32 offset)
{
    if (events.has_block(vcpu)) return failure(Error::Invalid);
    u8* const place = arch::reach_as<u8>(address_of(page.frame())) + offset;
    bool const tell = events.set_block(vcpu, *reinterpret_cast<xen::EventFifoControlBlock*>(place));
    keep(page);
    return tell;
}

void FifoPages::forget()
{
    events.clear();
    revival = {};
}

std::optional<OwnRam> FifoPages::take_page()
{
    if (count_ == 0) return std::nullopt;
    return std::exchange(pages_[--count_], std::nullopt);
}

}
