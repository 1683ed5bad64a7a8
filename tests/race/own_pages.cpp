// SPDX-License-Identifier: MIT
/// A guest writes to its pages at any moment, where Hospes writes to them by itself, too: the time record, the areas
/// that a vCPU has registered, and the wall clock. Random hypercalls meet there about once in an hour.
#include "tests/race/own_pages.hpp"

#include <atomic>
#include <cstdio>
#include <thread>

#include "kernel/abi/xen/memory.hpp"
#include "kernel/domain/para_clock.hpp"
#include "kernel/sched/run_state.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/software/processor.hpp"

namespace hospes::race {

namespace {

constexpr u64 page_of_areas = 4; // of RAM
constexpr u64 run_state_offset = 1024, time_offset = 2048, second_info_offset = 3072;
/// One with a place in shared_info, whose content moves, and one without, whose new place is cleared.
constexpr u32 with_place = 0, without_place = sizeof(xen::SharedInfo::vcpu_info) / sizeof(xen::VcpuInfo);

bool map_shared_info(software::Processor const& guest)
{
    xen::AddToPhysmap request{xen::domid_self, 0, static_cast<u32>(xen::MapSpace::SharedInfo), 0,
                              software::shared_info_at};
    return guest.call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::AddToPhysmap, request) == 0;
}

bool register_all(software::Processor const& guest)
{
    using enum xen::VcpuCommand;
    u64 const page = page_of_areas << page_shift;
    return guest.vcpu_call(RegisterVcpuInfo, with_place, xen::VcpuRegisterVcpuInfo{page_of_areas, 0, 0}) == 0 &&
           guest.vcpu_call(RegisterVcpuInfo, without_place,
                           xen::VcpuRegisterVcpuInfo{page_of_areas, second_info_offset, 0}) == 0 &&
           guest.vcpu_call(RegisterRunstateMemoryArea, with_place,
                           xen::VcpuRegisterRunstateMemoryArea{{page + run_state_offset}}) == 0 &&
           guest.vcpu_call(RegisterVcpuTimeMemoryArea, with_place,
                           xen::VcpuRegisterTimeMemoryArea{{page + time_offset}}) == 0;
}

/// Every word of the page, again and again.
void rewrite(u8* page, std::atomic<bool> const& over)
{
    auto* const words = reinterpret_cast<u32*>(page);
    while (!over.load())
        for (size_t i = 0; i < page_size / sizeof(u32); ++i)
            std::atomic_ref{words[i]}.fetch_xor(1, std::memory_order_relaxed);
}

}

bool write_where_guests_do()
{
    fakes::TestDomain const domain{1, false, {.max_vcpus = without_place + 1}};
    software::Processor const guest{domain.vcpu(with_place)};
    domain.vcpu(without_place).set_waiting(WaitReason::Down); // so that another one may register for it
    bool good = map_shared_info(guest);
    std::atomic<bool> over{!good};
    std::thread areas{[&] { rewrite(domain.byte(page_of_areas << page_shift), over); }};
    std::thread shared{[&] { rewrite(domain.byte(software::shared_info_at << page_shift), over); }};
    good = good && register_all(guest);
    for (int i = 0; i < 1000; ++i) {
        para_clock::publish(domain.vcpu(with_place));
        run_state::publish(domain.vcpu(with_place));
        para_clock::publish_wall_clock(*domain);
        std::this_thread::yield();
    }
    over = true;
    areas.join();
    shared.join();
    if (!good) std::printf("race: a guest cannot register its areas\n");
    return good;
}

}
