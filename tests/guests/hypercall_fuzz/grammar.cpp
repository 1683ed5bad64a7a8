// SPDX-License-Identifier: MIT
/// The table of calls. What the vCPUs of a domain learn, they share.

#include "tests/guests/hypercall_fuzz/grammar.hpp"

#include <atomic>

#include "kernel/abi/xen/cpuid.hpp"
#include "kernel/abi/xen/grant_table.hpp"
#include "kernel/abi/xen/hvm_op.hpp"
#include "kernel/abi/xen/vcpu.hpp"
#include "kernel/lib/address.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/memory.hpp"

namespace hospes::test {
namespace {

using enum xen::Hypercall;

constexpr u64 page_count = 48, hole_count = 64;
constexpr u32 grant_count = 64;

constinit u8* pages = nullptr;
constinit u64 first_hole = 0;
constinit u16 own = 0;
constinit std::array<std::atomic<u32>, 32> ports{};

/// A grant mapping: its frame in the upper half of a word, its handle in the lower.
struct Mapped {
    u64 both;
    [[nodiscard]] u64 place() const { return both >> 32; }
    [[nodiscard]] u32 handle() const { return static_cast<u32>(both); }
};
constinit std::array<std::atomic<u64>, 32> mappings{};

/// Arguments, each of a kind. None of them is the image or the stack, so that a guest lives long enough.
class Arguments {
public:
    explicit Arguments(Random& random) : random_{random} {}

    u64 wild()
    {
        static constexpr std::array<u64, 8> edges{0,           1,       ~u64{0},    ~u64{0} >> 1, u64{1} << 47,
                                                  0xffff'ffff, 1 << 20, 0x7fff'ffff};
        return random_.once_in(2) ? random_.one_of(edges) : random_.next() >> random_.below(64);
    }
    bool is_wild() { return random_.once_in(24); }
    u64 small(u64 end) { return is_wild() ? wild() : random_.below(end); }

    u32 port()
    {
        if (is_wild()) return static_cast<u32>(wild());
        return random_.once_in(4) ? static_cast<u32>(random_.below(64)) : random_.one_of(ports).load();
    }
    u16 domain()
    {
        if (is_wild()) return static_cast<u16>(wild());
        if (random_.once_in(3)) return own;
        if (random_.once_in(8)) return 0;
        return random_.once_in(2) ? xen::domid_self : static_cast<u16>(own + random_.below(7) - 3);
    }
    u32 vcpu() { return static_cast<u32>(small(4)); }
    u64 page() { return gfn_of(pages) + random_.below(page_count); }
    u64 place() { return first_hole + random_.below(hole_count); }
    u64 gfn() { return is_wild() ? wild() : random_.once_in(3) ? place() : page(); }
    u64 linear() { return (gfn() << page_shift) + (random_.once_in(4) ? random_.below(page_size) : 0); }
    u32 reference() { return static_cast<u32>(is_wild() ? wild() : random_.below(grant_count)); }
    Mapped mapped() { return {random_.one_of(mappings).load()}; }
    u32 word() { return static_cast<u32>(wild()); }
    u64 time() { return random_.once_in(3) ? wild() : random_.below(u64{1} << 40); }
    u64 operator()(u64 end) { return random_.below(end); }

    /// A list of frames for a memory call, in a page that only this one may read.
    u64 frame_list()
    {
        static constinit std::array<std::array<u64, 8>, 16> lists{};
        auto& list = lists[random_.below(lists.size())];
        for (u64& frame : list) frame = gfn();
        return is_wild() ? wild() : address(list.data());
    }

private:
    Random& random_;
};

/// Gives a page of ours to somebody, or takes an entry back, in the table itself.
void change_an_entry(Arguments& any)
{
    auto& entry = grants::entry(static_cast<u32>(any(grant_count)));
    entry.domain = any.domain();
    entry.frame = static_cast<u32>(any.gfn());
    std::atomic_ref<u16>{entry.flags}.store(static_cast<u16>(any(4) == 0 ? any(0x200) : any(2) * 4 + 1));
}

xen::MemoryReservation reservation(Arguments& any)
{
    return {.extent_start = {any.frame_list()},
            .nr_extents = any.small(9),
            .extent_order = static_cast<u32>(any(3) == 0 ? any.small(4) : 0),
            .mem_flags = 0,
            .domain = any(4) == 0 ? any.domain() : xen::domid_self,
            .pad = {}};
}

// Rows have one form each: what the registers hold after the command.
struct Rule {
    xen::Hypercall number;
    u32 command;
    void (*fill)(Call&, Arguments&);
};

template <typename Command>
constexpr Rule rule(xen::Hypercall number, Command command, void (*fill)(Call&, Arguments&))
{
    return {number, static_cast<u32>(command), fill};
}

constexpr Rule event(xen::EventChannelCommand command, void (*fill)(Call&, Arguments&))
{
    return rule(EventChannelOp, command, fill);
}
constexpr Rule vcpu(xen::VcpuCommand command, void (*fill)(Call&, Arguments&)) { return rule(VcpuOp, command, fill); }
constexpr Rule memory(xen::MemoryCommand command, void (*fill)(Call&, Arguments&))
{
    return rule(MemoryOp, command, fill);
}
constexpr Rule grant(xen::GrantTableCommand command, void (*fill)(Call&, Arguments&))
{
    return rule(GrantTableOp, command, fill);
}

void learns(Call& call, Learns what, size_t offset)
{
    call.learns = what;
    call.learnt_at = offset;
}

void names_a_vcpu(Call& call, Arguments& any) { call.registers[1] = any.vcpu(); }

/// One operation of a batch; now and then the batch is longer than what is there.
template <typename Operation>
void batch(Call& call, Arguments& any, Operation const& operation)
{
    call.point_to(1, operation);
    call.registers[2] = any(16) == 0 ? any.small(4) : 1;
}

/// Where it was mapped, as a rule.
void unmap(Call& call, Arguments& any)
{
    Mapped const mapped = any.mapped();
    u64 const where = any(8) == 0 ? any.place() : mapped.place();
    batch(call, any, xen::GrantUnmap{where << page_shift, 0, any(16) == 0 ? any.word() : mapped.handle(), {}, 0});
}

using E = xen::EventChannelCommand;
using V = xen::VcpuCommand;
using M = xen::MemoryCommand;
using G = xen::GrantTableCommand;

constexpr std::array rules{
    event(E::AllocUnbound,
          [](Call& call, Arguments& any) {
              call.point_to(1, xen::EventAllocUnbound{any(4) == 0 ? any.domain() : xen::domid_self, any.domain(), 0});
              learns(call, Learns::Port, offsetof(xen::EventAllocUnbound, port));
          }),
    event(E::BindInterdomain,
          [](Call& call, Arguments& any) {
              call.point_to(1, xen::EventBindInterdomain{any.domain(), 0, any.port(), 0});
              learns(call, Learns::Port, offsetof(xen::EventBindInterdomain, local_port));
          }),
    event(E::BindInterdomain,
          [](Call& call, Arguments& any) {
              call.point_to(1, xen::EventBindInterdomain{any.domain(), 0, static_cast<u32>(any(40)), 0});
              learns(call, Learns::Port, offsetof(xen::EventBindInterdomain, local_port));
          }),
    event(E::BindVirq,
          [](Call& call, Arguments& any) {
              call.point_to(1, xen::EventBindVirq{static_cast<u32>(any.small(24)), any.vcpu(), 0});
              learns(call, Learns::Port, offsetof(xen::EventBindVirq, port));
          }),
    event(E::BindIpi,
          [](Call& call, Arguments& any) {
              call.point_to(1, xen::EventBindIpi{any.vcpu(), 0});
              learns(call, Learns::Port, offsetof(xen::EventBindIpi, port));
          }),
    event(E::BindVcpu,
          [](Call& call, Arguments& any) { call.point_to(1, xen::EventBindVcpu{any.port(), any.vcpu()}); }),
    event(E::Close, [](Call& call, Arguments& any) { call.point_to(1, xen::EventClose{any.port()}); }),
    event(E::Close, [](Call& call, Arguments& any) { call.point_to(1, xen::EventClose{any.port()}); }),
    event(E::Send, [](Call& call, Arguments& any) { call.point_to(1, xen::EventSend{any.port()}); }),
    event(E::Send, [](Call& call, Arguments& any) { call.point_to(1, xen::EventSend{any.port()}); }),
    event(E::Unmask, [](Call& call, Arguments& any) { call.point_to(1, xen::EventUnmask{any.port()}); }),
    event(E::Status,
          [](Call& call, Arguments& any) {
              xen::EventStatus request{};
              request.domain = any.domain();
              request.port = any.port();
              call.point_to(1, request);
          }),
    event(E::Reset,
          [](Call& call, Arguments& any) {
              call.point_to(1, xen::EventReset{any(8) == 0 ? xen::domid_self : static_cast<u16>(any.wild())});
          }),
    event(E::InitControl,
          [](Call& call, Arguments& any) {
              u32 const offset = static_cast<u32>(any.small(512)) * 8 + (any(8) == 0 ? 4 : 0);
              call.point_to(1, xen::EventInitControl{any.gfn(), offset, any.vcpu(), 0, {}});
          }),
    event(E::ExpandArray, [](Call& call, Arguments& any) { call.point_to(1, xen::EventExpandArray{any.gfn()}); }),
    event(E::ExpandArray, [](Call& call, Arguments& any) { call.point_to(1, xen::EventExpandArray{any.gfn()}); }),
    event(E::SetPriority,
          [](Call& call, Arguments& any) {
              call.point_to(1, xen::EventSetPriority{any.port(), static_cast<u32>(any.small(17))});
          }),
    vcpu(V::Up, names_a_vcpu),
    vcpu(V::Up, names_a_vcpu),
    vcpu(V::Up, names_a_vcpu),
    vcpu(V::Down, // seldom one of ours: when all are down, the domain has ended
         [](Call& call, Arguments& any) { call.registers[1] = any(16) == 0 ? any.vcpu() : any.wild(); }),
    vcpu(V::IsUp, names_a_vcpu),
    vcpu(V::StopSingleshotTimer, names_a_vcpu),
    vcpu(V::StopPeriodicTimer, names_a_vcpu),
    vcpu(V::SendNmi, names_a_vcpu),
    vcpu(V::GetRunstateInfo,
         [](Call& call, Arguments& any) {
             names_a_vcpu(call, any);
             call.registers[2] = any.linear();
         }),
    vcpu(V::RegisterRunstateMemoryArea,
         [](Call& call, Arguments& any) {
             names_a_vcpu(call, any);
             call.point_to(2, any.linear());
         }),
    vcpu(V::RegisterVcpuTimeMemoryArea,
         [](Call& call, Arguments& any) {
             names_a_vcpu(call, any);
             call.point_to(2, any.linear());
         }),
    vcpu(V::RegisterVcpuInfo,
         [](Call& call, Arguments& any) {
             names_a_vcpu(call, any);
             call.point_to(2, xen::VcpuRegisterVcpuInfo{any.gfn(), static_cast<u32>(any.small(64) * 64), 0});
         }),
    vcpu(V::SetSingleshotTimer,
         [](Call& call, Arguments& any) {
             names_a_vcpu(call, any);
             call.point_to(2, xen::VcpuSetSingleshotTimer{any.time(), static_cast<u32>(any.small(2)), 0});
         }),
    rule(SchedOp, xen::SchedCommand::Yield, [](Call&, Arguments&) {}),
    rule(SchedOp, xen::SchedCommand::Poll,
         [](Call& call, Arguments& any) {
             xen::SchedPoll request{};
             request.ports = {any.linear()};
             request.nr_ports = static_cast<u32>(any.small(8));
             request.timeout = 1 + any(1 << 20); // has passed
             call.point_to(1, request);
         }),
    rule(SchedOp, xen::SchedCommand::Watchdog,
         [](Call& call, Arguments& any) {
             u32 const id = static_cast<u32>(any.small(4));
             bool const arms = id == 0 || any(2) == 0; // a new one that is to expire at once ends the domain
             call.point_to(1, xen::SchedWatchdog{id, arms ? 10'000U : 0U});
         }),
    memory(M::AddToPhysmap,
           [](Call& call, Arguments& any) {
               u32 const space = static_cast<u32>(any(8) == 0 ? any.small(8) : any(2));
               call.point_to(1, xen::AddToPhysmap{xen::domid_self, 0, space, any.small(4), any.gfn()});
           }),
    memory(M::AddToPhysmap,
           [](Call& call, Arguments& any) {
               call.point_to(1,
                             xen::AddToPhysmap{any.domain(), 0, static_cast<u32>(any(2)), any.small(4), any.place()});
           }),
    memory(
        M::RemoveFromPhysmap,
        [](Call& call, Arguments& any) { call.point_to(1, xen::RemoveFromPhysmap{xen::domid_self, {}, any.gfn()}); }),
    memory(M::DecreaseReservation, [](Call& call, Arguments& any) { call.point_to(1, reservation(any)); }),
    memory(M::PopulatePhysmap, [](Call& call, Arguments& any) { call.point_to(1, reservation(any)); }),
    memory(M::PopulatePhysmap, [](Call& call, Arguments& any) { call.point_to(1, reservation(any)); }),
    memory(M::Exchange, [](Call& call, Arguments& any) { call.point_to(1, reservation(any)); }),
    memory(M::CurrentReservation,
           [](Call& call, Arguments& any) { call.point_to(1, xen::MemoryDomain{any.domain()}); }),
    memory(M::MaximumGpfn, [](Call& call, Arguments& any) { call.point_to(1, xen::MemoryDomain{any.domain()}); }),
    grant(G::MapGrantRef,
          [](Call& call, Arguments& any) {
              xen::GrantMap request{};
              request.host_address = (any(8) == 0 ? any.gfn() : any.place()) << page_shift;
              request.flags = any(8) == 0 ? static_cast<u32>(any.wild()) : 2 + 4 * static_cast<u32>(any(2));
              request.reference = any.reference();
              request.domain = any.domain();
              batch(call, any, request);
              learns(call, Learns::Handle, offsetof(xen::GrantMap, handle));
          }),
    grant(G::MapGrantRef,
          [](Call& call, Arguments& any) {
              change_an_entry(any);
              xen::GrantMap request{};
              request.host_address = any.place() << page_shift;
              request.flags = xen::grant_map_flag::host_map;
              request.reference = any.reference();
              request.domain = own;
              batch(call, any, request);
              learns(call, Learns::Handle, offsetof(xen::GrantMap, handle));
          }),
    grant(G::UnmapGrantRef, unmap),
    grant(G::UnmapGrantRef, unmap),
    grant(G::Copy,
          [](Call& call, Arguments& any) {
              xen::GrantCopy request{};
              request.source.domain = any.domain();
              request.source.u.gfn = any(2) == 0 ? any.reference() : any.gfn();
              request.source.offset = static_cast<u16>(any.small(4096));
              request.destination.domain = any.domain();
              request.destination.u.gfn = any(2) == 0 ? any.reference() : any.page();
              request.destination.offset = static_cast<u16>(any.small(4096));
              request.length = static_cast<u16>(any.small(4096));
              request.flags = static_cast<u16>(any(4));
              batch(call, any, request);
          }),
    grant(G::QuerySize,
          [](Call& call, Arguments& any) {
              xen::GrantQuerySize request{};
              request.domain = any.domain();
              batch(call, any, request);
          }),
    grant(G::SetupTable,
          [](Call& call, Arguments& any) {
              xen::GrantSetupTable request{};
              request.domain = any.domain();
              request.nr_frames = static_cast<u32>(any.small(5));
              request.frame_list = {any.linear()};
              batch(call, any, request);
          }),
    grant(
        G::SwapGrantRef,
        [](Call& call, Arguments& any) { batch(call, any, xen::GrantSwap{any.reference(), any.reference(), {}, 0}); }),
    grant(G::SetVersion,
          [](Call& call, Arguments& any) { batch(call, any, xen::GrantSetVersion{static_cast<u32>(any.small(4))}); }),
    rule(HvmOp, xen::HvmCommand::SetParam,
         [](Call& call, Arguments& any) {
             call.point_to(1, xen::HvmParam{any.domain(), 0, static_cast<u32>(any.small(40)), any.wild()});
         }),
    rule(HvmOp, xen::HvmCommand::GetParam,
         [](Call& call, Arguments& any) {
             call.point_to(1, xen::HvmParam{any.domain(), 0, static_cast<u32>(any.small(40)), 0});
         }),
    rule(HvmOp, xen::HvmCommand::SetEventUpcallVector,
         [](Call& call, Arguments& any) {
             call.point_to(1, xen::HvmEventUpcallVector{any.vcpu(), static_cast<u8>(any(256)), {}});
         }),
    rule(HvmOp, xen::HvmCommand::GetMemType,
         [](Call& call, Arguments& any) { call.point_to(1, xen::HvmGetMemType{any.domain(), 0, {}, any.gfn()}); }),
    rule(VmAssist, 0u, [](Call& call, Arguments& any) { call.registers[1] = any.small(8); }),
    rule(XenVersion, 6u, [](Call& call, Arguments& any) { call.registers[1] = any.linear(); }),
    rule(SetTimerOp, 0u, [](Call& call, Arguments& any) { call.registers[0] = any.time(); }),
};

/// Anything at all, but for the one number that would end the domain.
void draw_nonsense(Arguments& any, Call& call)
{
    call.number = any(64);
    for (u64& value : call.registers) value = any(2) == 0 ? any.wild() : any.linear();
    if (call.number == static_cast<u64>(SchedOp)) call.registers[0] = any(2) * 100;
}

}

void set_up_arguments()
{
    pages = allocate_pages(page_count);
    first_hole = unused_gfn();
    own = static_cast<u16>(cpuid(xen::cpuid_first_leaf + 4).ecx);
    for (u32 i = 0; i != grant_count; ++i) (void)grants::entry(i);
}

void draw(Random& random, Call& call)
{
    Arguments any{random};
    call.learns = Learns::Nothing;
    call.registers = {};
    if (random.once_in(32)) return draw_nonsense(any, call);
    Rule const& chosen = random.one_of(rules);
    call.number = static_cast<u64>(chosen.number);
    call.registers[0] = chosen.command;
    chosen.fill(call, any);
    if (random.once_in(64)) call.registers[random.below(3)] = any.wild();
    if (random.once_in(64)) call.structure[random.below(32)] = static_cast<u8>(random.next());
}

void learn(Random& random, Call const& call, s64 result)
{
    if (result != 0 || call.learns == Learns::Nothing) return;
    u64 const learnt = call.word_at(call.learnt_at);
    if (call.learns == Learns::Port)
        ports[random.below(ports.size())] = static_cast<u32>(learnt);
    else
        mappings[random.below(mappings.size())] = call.first_address() >> page_shift << 32 | learnt;
}

}
