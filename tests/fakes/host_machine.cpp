// SPDX-License-Identifier: MIT
#include "tests/fakes/host_machine.hpp"

#include <cstdlib>

#include "kernel/domain/burial.hpp"
#include "kernel/domain/machine_end.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes {

namespace {

constexpr Hfn first_frame{0x100};
constexpr u64 frame_count = 8192;
constexpr u64 memory_bytes = (first_frame.raw() + frame_count) * page_size;

u8* memory()
{
    static u8* const bytes = static_cast<u8*>(std::aligned_alloc(page_size, memory_bytes));
    return bytes;
}

}

namespace arch {

void* reach(Hpa where) { return memory() + where.raw(); }
Hpa physical_address(void const* pointer) { return Hpa{static_cast<u64>(static_cast<u8 const*>(pointer) - memory())}; }

}

void end_machine(xen::ShutdownReason) { std::abort(); }

namespace fakes {

void start_machine()
{
    static bool const started = [] {
        static std::vector<u8> table(frames::table_bytes(first_frame + frame_count));
        frames::adopt_table(table.data(), first_frame + frame_count);
        frames::add(first_frame, frame_count);
        frames::booting_is_over();
        return true;
    }();
    static_cast<void>(started);
}

Budget& no_hurry()
{
    thread_local Budget budget;
    budget = {};
    return budget;
}

TestDomain::TestDomain(DomainId id, bool is_control_domain, DomainConfiguration configuration)
{
    start_machine();
    auto const made = Domain::create(id, configuration, is_control_domain);
    if (!made || !domains::add(**made) || !(*made)->create_vcpus()) std::abort();
    domain_.emplace(**made);
    (*made)->quota.ram.set_limit(ram_frames);
    for (u64 i = 0; i < ram_frames; ++i) {
        auto const frame = frames::allocate_zeroed();
        if (!frame) std::abort();
        auto charge = Charge::take((*made)->quota, AccountKind::Ram, 1);
        if (!charge) std::abort();
        frames::give_to(**made, *frame, 0, *charge);
        if (!(*made)->physmap.add_ram(Gfn{i}, *frame, 0)) std::abort();
    }
    for (auto const& vcpu : (*made)->vcpus()) vcpu->clear_waiting(WaitReason::Down);
    static_cast<void>((*made)->unpause());
}

TestDomain::~TestDomain()
{
    if (domain_) destroy();
}

void TestDomain::destroy()
{
    for (;;) {
        Budget budget;
        if ((*domain_)->destroy_slice(budget)) break;
    }
    domain_.reset();
    Budget budget;
    while (!burial::go_on(budget)) {}
}

u8* TestDomain::byte(u64 address) const
{
    Mapping const mapping = (*domain_)->physmap.lookup(frame_of(Gpa{address}));
    if (mapping.type == MappingType::None) return nullptr;
    return static_cast<u8*>(arch::reach(mapping.frame)) + (address & page_mask);
}

s64 TestDomain::call(xen::Hypercall number, u64 a, u64 b, u64 c, u32 vcpu_id) const
{
    HypercallArguments arguments{{a, b, c}};
    for (;;) {
        auto const result = dispatch_hypercall(vcpu(vcpu_id), static_cast<u64>(number), arguments);
        if (!result.restart) return static_cast<s64>(result.value);
    }
}

}

}
