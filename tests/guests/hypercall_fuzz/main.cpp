// SPDX-License-Identifier: MIT
/// Rule: no sequence of hypercalls, from whichever vCPUs and domains at once, harms anybody but the domain that makes
/// them; and when those domains are gone, the machine is as it was (security.md).
/// Failure looks like a panic, a machine that answers no more, memory or domains that are missing at the end.
///
/// As dom0, each vCPU makes, watches, disturbs and destroys domains of several vCPUs, which draw their calls from one
/// grammar (grammar.hpp). seed=N on the command line sets what is drawn, calls=N how many calls are made in all.

#include <algorithm>
#include <atomic>
#include <optional>

#include "kernel/abi/xen/grant_table.hpp"
#include "kernel/abi/xen/multicall.hpp"
#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/foreign_pages.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/loaded_guest.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/per_cpu.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/smp.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/text.hpp"
#include "tests/guests/framework/toolstack.hpp"
#include "tests/guests/framework/traps.hpp"
#include "tests/guests/hypercall_fuzz/grammar.hpp"

namespace hospes::test {
namespace {

constexpr u32 vcpus_of_a_domain = 3;

// --- in the domains ---

/// Calls of a vCPU.
struct Made {
    u64 calls = 0;
    u64 good = 0; ///< of these, those that were not refused

    void count(s64 result)
    {
        ++calls;
        if (result >= 0) ++good;
    }
};

void make(Random& random, Made& made)
{
    Call call;
    draw(random, call);
    s64 const result = raw_hypercall(call.number, call.registers[0], call.registers[1], call.registers[2]);
    learn(random, call, result);
    made.count(result);
}

/// Several calls in one. Most calls are made so: a world switch costs the emulator as much as many of them.
void make_at_once(Random& random, Made& made)
{
    constexpr size_t most = 48;
    std::array<Call, most> calls;
    std::array<xen::MulticallEntry, most> entries{};
    size_t const count = 1 + random.below(most);
    for (size_t i = 0; i != count; ++i) {
        draw(random, calls[i]);
        entries[i].operation = calls[i].number;
        std::ranges::copy(calls[i].registers, entries[i].arguments.begin());
    }
    (void)hypercall(xen::Hypercall::Multicall, entries.data(), count);
    for (size_t i = 0; i != count; ++i) {
        auto const result = static_cast<s64>(entries[i].result);
        learn(random, calls[i], result);
        made.count(result);
    }
}

void make_calls(u32 cpu)
{
    Random random{argument("seed", 1) + cpu * 0x1000'0000'0000};
    Made made;
    for (u64 const wanted = argument("calls", 1000); made.calls < wanted;) {
        if (random.once_in(4))
            make_at_once(random, made);
        else
            make(random, made);
        result_for_dom0(cpu) = made.calls;
        result_for_dom0(vcpus_of_a_domain + cpu) = made.good;
    }
}

void be_a_domain()
{
    for (u32 vector = 32; vector != 256; ++vector) set_trap_handler(static_cast<u8>(vector), [](TrapFrame&) {});
    set_trap_handler(vector::nmi, [](TrapFrame&) {});
    enable_events();
    set_up_arguments();
    for (u32 cpu = 1; cpu != vcpus_of_a_domain; ++cpu)
        if (!start_cpu(cpu, make_calls)) abandon("no sign of life after SIPI");
    make_calls(0);
}

// --- dom0 ---

constexpr u32 domains_of_a_cpu = 2, grants_of_a_cpu = 4;
constexpr u64 calls_of_a_vcpu = 4'000;

constinit std::atomic<u64> calls_made{0}, calls_of_domains{0}, good_calls{0}, calls_wanted{0}, seed{0};
constinit std::atomic<u32> lives{0}, early_ends{0}, at_work{0};
constinit std::atomic<u16> newest{0};

/// Where a vCPU of dom0 maps its grants.
u64 grant_place(u32 cpu, u64 slot) { return unused_gfn(0x1800 + cpu * grants_of_a_cpu + slot) << page_shift; }

/// dom0's grant table, its list of mappings and the tables for their places are made once, and stay.
void map_everywhere_once(u32 cpus)
{
    u32 const reference = grants::grant(0, gfn_of(allocate_pages()));
    for (u32 cpu = 0; cpu != cpus; ++cpu)
        for (u64 slot = 0; slot != grants_of_a_cpu; ++slot) {
            u64 const where = grant_place(cpu, slot);
            auto const mapped = grants::map(where, xen::grant_map_flag::host_map, reference, 0);
            if (grants::unmap(where, mapped.handle).status != xen::GrantStatus::Okay)
                abandon("dom0 cannot map a grant");
        }
    report(grants::withdraw(reference), "dom0 is ready");
}

/// What one vCPU of dom0 does: it looks after some domains, and meddles with everybody's.
class Manager {
public:
    explicit Manager(u32 cpu) : random_{seed + cpu * 77'777'777}, cpu_{cpu} {}

    void work()
    {
        while (calls_made < calls_wanted) {
            for (auto& guest : guests_) look_after(guest);
            for (u32 i = 0; i != 2; ++i) meddle();
            (void)schedule::poll(nullptr, 0, now() + 2 * millisecond);
        }
        for (auto& guest : guests_) end(guest);
        release_grants();
    }

private:
    struct Watched {
        LoadedGuest guest;
        u32 turns;
    };

    void look_after(std::optional<Watched>& watched)
    {
        if (!watched) return begin(watched);
        if (--watched->turns == 0 || watched->guest.domain().shutdown_reason()) end(watched);
    }

    void begin(std::optional<Watched>& watched)
    {
        Text<96> line;
        line.add("seed=", random_.next() >> 2, " calls=", 1 + random_.below(calls_of_a_vcpu));
        auto guest = LoadedGuest::start(
            {.vcpus = vcpus_of_a_domain, .highest_port = 255, .table_bytes = mib, .spare_pages = 16}, line.view());
        if (!guest) {
            ++early_ends; // meddle() destroyed it half made
            return;
        }
        newest = guest->id();
        watched.emplace(std::move(*guest), 30 + static_cast<u32>(random_.below(60)));
        ++lives;
    }

    void end(std::optional<Watched>& watched)
    {
        if (!watched) return;
        count_calls(watched->guest.id());
        watched.reset();
    }

    /// Its results can be read until it is destroyed; others destroy it, too.
    void count_calls(u16 domain)
    {
        constexpr u64 result_page = 2;
        ForeignPages const page{domain, result_page, 1};
        if (!page.complete()) return;
        auto const* results = reinterpret_cast<u64 const*>(page.bytes());
        for (u32 cpu = 0; cpu != vcpus_of_a_domain; ++cpu) {
            u64 const made = std::min(results[cpu], 2 * calls_of_a_vcpu); // a domain can write anything there
            calls_made += made;
            calls_of_domains += made;
            good_calls += std::min(results[vcpus_of_a_domain + cpu], made);
        }
    }

    u16 somebody() { return static_cast<u16>(newest - random_.below(2 * domains_of_a_cpu + 1)); }

    /// One of the things that a toolstack does to a domain, at a moment when it suits nobody.
    void meddle()
    {
        constexpr std::array meddlings{
            &Manager::pause_and_go_on, &Manager::pause_and_go_on,   &Manager::ask,          &Manager::ask,
            &Manager::map_a_grant,     &Manager::map_a_grant,       &Manager::map_pages,    &Manager::exchange_events,
            &Manager::change_limits,   &Manager::change_its_memory, &Manager::change_state, &Manager::perhaps_destroy};
        (this->*random_.one_of(meddlings))(std::max<u16>(somebody(), 1));
        ++calls_made;
    }

    void ask(u16 domain)
    {
        using enum xen::DomctlCommand;
        (void)free_pages();
        xen::Domctl call{};
        call.u.get_vcpu_info.vcpu = static_cast<u32>(random_.below(4));
        (void)domctl(random_.once_in(2) ? GetVcpuInfo : GetDomainInfo, domain, call);
        xen::Domctl size_only{};
        (void)domctl(GetHvmContext, domain, size_only);
    }

    void change_limits(u16 domain)
    {
        xen::Domctl memory{}, vcpus{};
        memory.u.max_mem.max_memory_kib = (LoadedGuest::pages + random_.below(32)) * page_size / kib;
        (void)domctl(xen::DomctlCommand::MaxMem, domain, memory);
        vcpus.u.max_vcpus.max_vcpus = vcpus_of_a_domain;
        (void)domctl(xen::DomctlCommand::MaxVcpus, domain, vcpus);
    }

    void change_state(u16 domain)
    {
        xen::Domctl offset{}, log{};
        offset.u.set_time_offset.seconds = 1;
        (void)domctl(xen::DomctlCommand::SetTimeOffset, domain, offset);
        log.u.shadow_op.operation =
            static_cast<u32>(random_.once_in(2) ? xen::ShadowCommand::EnableLogDirty : xen::ShadowCommand::Off);
        (void)domctl(xen::DomctlCommand::ShadowOp, domain, log);
        (void)domctl(xen::DomctlCommand::ResumeDomain, domain);
    }

    void perhaps_destroy(u16 domain)
    {
        if (random_.once_in(64)) (void)domctl(xen::DomctlCommand::DestroyDomain, domain);
    }

    void pause_and_go_on(u16 domain)
    {
        if (domctl(xen::DomctlCommand::PauseDomain, domain) == 0)
            (void)domctl(xen::DomctlCommand::UnpauseDomain, domain);
    }

    /// Frames where the domain itself is busy, too.
    void change_its_memory(u16 domain)
    {
        u64 const gfn = 0x4'0000 + random_.below(64);
        if (memory_operation::populate_physmap(domain, &gfn, 1, 0) == 1 && random_.once_in(2))
            (void)memory_operation::decrease_reservation(domain, &gfn, 1, 0);
    }

    void map_pages(u16 domain) { ForeignPages const pages{domain, random_.below(16), 1 + random_.below(8)}; }

    void exchange_events(u16 domain)
    {
        auto const offered = event_channel::alloc_unbound(0, domain);
        auto const bound = event_channel::bind_interdomain(domain, static_cast<u32>(random_.below(32)));
        if (bound.result == 0) (void)event_channel::send(bound.port);
        if (bound.result == 0) (void)event_channel::close(bound.port);
        if (offered.result == 0) (void)event_channel::close(offered.port);
    }

    struct MappedGrant {
        u64 where;
        u32 handle;
    };

    /// Kept for some time, also beyond the granter's end.
    void map_a_grant(u16 domain)
    {
        auto& slot = grants_[random_.below(grants_of_a_cpu)];
        if (slot) (void)grants::unmap(slot->where, slot->handle);
        slot.reset();
        u64 const where = grant_place(cpu_, static_cast<u64>(&slot - grants_.data()));
        auto const mapped =
            grants::map(where, xen::grant_map_flag::host_map, static_cast<u32>(random_.below(64)), domain);
        if (mapped.status == xen::GrantStatus::Okay) slot.emplace(where, mapped.handle);
    }

    void release_grants()
    {
        for (auto& slot : grants_)
            if (slot)
                report(grants::is(grants::unmap(slot->where, slot->handle).status, xen::GrantStatus::Okay),
                       "dom0 unmaps a domain's page");
    }

    Random random_;
    u32 cpu_;
    std::array<std::optional<Watched>, domains_of_a_cpu> guests_{};
    std::array<std::optional<MappedGrant>, grants_of_a_cpu> grants_{};
};

void manage(u32 cpu)
{
    Manager{cpu}.work();
    --at_work;
}

/// All vCPUs of dom0 make `calls` in all.
void all_manage(u64 calls, u32 cpus)
{
    calls_made = calls_of_domains = good_calls = 0;
    calls_wanted = calls;
    at_work = cpus;
    for (u32 cpu = 1; cpu != cpus; ++cpu)
        if (!start_cpu(cpu, manage)) abandon("no sign of life after SIPI");
    manage(0);
    while (at_work != 0) (void)schedule::poll(nullptr, 0, now() + millisecond);
    for (u32 cpu = 1; cpu != cpus; ++cpu)
        while (vcpu_operation::is_up(cpu) != 0) (void)schedule::yield();
}

bool machine_is_as_before(u64 pages)
{
    for (u64 const end = now() + long_enough; now() < end; (void)schedule::poll(nullptr, 0, now() + millisecond))
        if (free_pages() == pages && domain_count() == 1) return true;
    print("  free pages ", pages, " -> ", free_pages(), ", domains ", domain_count(), "\n");
    return false;
}

void run()
{
    if (is_loaded()) return be_a_domain();
    apic::enable();
    seed = argument("seed", 1);
    // An emulator of each instruction makes a fiftieth of what QEMU does.
    u64 const calls = argument("calls", has_argument("bochs") ? 20'000 : 1'000'000);
    u32 const cpus = std::min<u32>(cpu_count(), 2);
    (void)memory_map();
    print("  seed=", seed.load(), " calls=", calls, ", ", cpus, " vCPUs of dom0\n");
    map_everywhere_once(cpus);
    all_manage(calls / 20, cpus);                             // what dom0 itself needs for this, it has from now on
    u32 const port = event_channel::alloc_unbound(0, 0).port; // dom0's first, perhaps, which takes a page for good
    (void)event_channel::close(port);
    u64 const pages = free_pages_at_rest();
    lives = 0;
    u64 const begin = now();
    all_manage(calls, cpus);
    u64 const milliseconds = std::max<u64>((now() - begin) / millisecond, 1);
    print("  seed=", seed.load(), ": ", calls_made.load(), " calls in ", milliseconds, " ms, ",
          calls_made * 1000 / milliseconds, " a second, ", lives.load(), " domains, ", early_ends.load(),
          " ended half made; ", good_calls * 100 / std::max<u64>(calls_of_domains, 1),
          " % of the domains' calls were not refused\n");
    report(calls_made >= calls, "so many calls were made");
    report(machine_is_as_before(pages), "every page and every domain is accounted for");
    report(equal(event_channel::alloc_unbound(0, 0).port, port), "dom0 has the event channels it had");
}

}

constinit Guest const this_guest{"hypercall_fuzz", run};

}
