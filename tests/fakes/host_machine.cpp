// SPDX-License-Identifier: MIT
#include "tests/fakes/host_machine.hpp"

#include <cstdlib>

#include "arch/x86_64/mm/npt_format.hpp"
#include "kernel/domain/machine_end.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/mm/page_table.hpp"
#include "kernel/mm/table_pool.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/time/clock.hpp"

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

class VirtualCpu {
public:
    std::atomic<u32> upcalls{0};
};

void* reach(Hpa where) { return memory() + where.raw(); }
Hpa physical_address(void const* pointer) { return Hpa{static_cast<u64>(static_cast<u8 const*>(pointer) - memory())}; }

Expected<VirtualCpu*> create_virtual_cpu(Vcpu&) { return new VirtualCpu; }
void destroy_virtual_cpu(VirtualCpu* machine) { delete machine; }
void raise_upcall(Vcpu& vcpu)
{
    ++vcpu.machine().upcalls;
    vcpu.notice_event();
}
u64 tsc_offset(Vcpu const&) { return 0; }
Expected<Gpa> translate(GuestLook const&, Gva where, AccessKind) { return Gpa{where.raw()}; }

Expected<SecondStage*> create_second_stage()
{
    using Table = PageTable<NptFormat, TablePool>;
    auto table = std::make_unique<Table>(TablePool{64});
    if (auto const made = table->initialize(); !made) return failure(made.error());
    return table.release();
}

struct DomainMachine {};
DomainState::~DomainState() = default;
Expected<> DomainState::initialize(Domain&) { return {}; }

}

namespace clock {

TickScale scale() { return {}; }
u64 base_tsc() { return 0; }
bool tsc_is_synchronised() { return true; }
WallClock wallclock() { return {}; }

}

void end_machine(xen::ShutdownReason) { std::abort(); }

// The handlers that a test does not link are not there.
namespace {
Expected<u64> absent() { return failure(Error::NotImplemented); }
}
[[gnu::weak]] Expected<u64> platform_op(Vcpu&, HypercallArguments&) { return absent(); }
[[gnu::weak]] Expected<u64> set_timer_op(Vcpu&, HypercallArguments&) { return absent(); }
[[gnu::weak]] Expected<u64> xen_version(Vcpu&, HypercallArguments&) { return absent(); }
[[gnu::weak]] Expected<u64> console_io(Vcpu&, HypercallArguments&) { return absent(); }
[[gnu::weak]] Expected<u64> vm_assist(Vcpu&, HypercallArguments&) { return absent(); }
[[gnu::weak]] Expected<u64> vcpu_op(Vcpu&, HypercallArguments&) { return absent(); }
[[gnu::weak]] Expected<u64> sched_op(Vcpu&, HypercallArguments&) { return absent(); }
[[gnu::weak]] Expected<u64> physdev_op(Vcpu&, HypercallArguments&) { return absent(); }
[[gnu::weak]] Expected<u64> hvm_op(Vcpu&, HypercallArguments&) { return absent(); }
[[gnu::weak]] Expected<u64> sysctl(Vcpu&, HypercallArguments&) { return absent(); }
[[gnu::weak]] Expected<u64> domctl(Vcpu&, HypercallArguments&) { return absent(); }

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

u32 upcalls(Vcpu const& vcpu) { return vcpu.machine().upcalls; }

TestDomain::TestDomain(DomainId id, bool is_control_domain, DomainConfiguration configuration)
{
    start_machine();
    auto const made = Domain::create(id, configuration, is_control_domain);
    if (!made || !domains::add(**made) || !(*made)->create_vcpus()) std::abort();
    domain_.emplace(**made);
    for (u64 i = 0; i < ram_frames; ++i) {
        auto const frame = frames::allocate_zeroed();
        if (!frame) std::abort();
        frames::give_to(**made, *frame);
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
    while (!(*domain_)->destroy_slice()) {}
    domain_.reset();
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
