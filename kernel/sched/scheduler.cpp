// SPDX-License-Identifier: MIT
///              wake()                    pick()
///   Nowhere ──────────▶ Ready ────────────────────────▶ OnCpu
///      ▲                  ▲ ▲                             │ │
///      │                  │ └── refill ── Parked ◀── cap ─┘ │
///      └── waits ─────────┴───────────── still runnable ────┘
///
/// A vCPU's place changes only under the lock of its home CPU's queue, which HomeQueue takes. Its home changes under
/// that same lock, and last of all that changes: whoever locks the new home's queue finds the vCPU where it is.
///
/// Each CPU has a load: the weights of the vCPUs that run or wait there. A vCPU looks for the CPU with the least
/// company when it wakes, and when others take its CPU at the end of its slice. Among equals the first stays where it
/// is, the second moves on, so that three on two CPUs take turns in sharing one and having one for themselves. A CPU
/// with nothing to run takes who waits elsewhere.
#include "kernel/sched/scheduler.hpp"

#include <algorithm>

#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/counters/happening.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/log/console.hpp"
#include "kernel/sched/policy.hpp"
#include "kernel/sched/run_state.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::scheduler {

namespace {

using ReadyQueue = policy::FairQueue<SchedulingState, &SchedulingState::queue, &SchedulingState::virtual_time>;

struct CpuState {
    Spinlock<LockRank::Scheduler> lock;
    ReadyQueue ready;                                      ///< under lock
    List<SchedulingState, &SchedulingState::queue> parked; ///< under lock: used up their domain's cap
    std::atomic<Vcpu*> current{nullptr};
    std::atomic<bool> reschedule{false};
    std::atomic<u64> load{0};       ///< weights of what runs and waits here
    std::atomic<u64> idle_since{0}; ///< ns; 0 while busy
    std::atomic<u64> idle_total{0}; ///< ns
    Timer slice_timer;
    Timer refill_timer;
};

PerCpu<CpuState> cpus;

/// The queue of a vCPU's home, locked: of the CPU that is its home by then.
class [[nodiscard]] HomeQueue {
public:
    explicit HomeQueue(SchedulingState const& state) : home_{lock_home(state)} {}
    HomeQueue(HomeQueue const&) = delete;
    HomeQueue& operator=(HomeQueue const&) = delete;
    ~HomeQueue() { queue().lock.unlock(); }

    [[nodiscard]] unsigned cpu() const { return home_; }
    [[nodiscard]] CpuState& queue() const { return cpus.of(home_); }

private:
    static unsigned lock_home(SchedulingState const& state)
    {
        for (;;) {
            unsigned const home = state.home_cpu.load(std::memory_order_acquire);
            cpus.of(home).lock.lock();
            if (state.home_cpu.load(std::memory_order_acquire) == home) return home;
            cpus.of(home).lock.unlock();
        }
    }

    unsigned const home_;
};

void ask_to_reschedule(unsigned cpu)
{
    cpus.of(cpu).reschedule.store(true, std::memory_order_seq_cst);
    arch::kick(cpu);
}

bool may_run_on(SchedulingState const& state, unsigned cpu)
{
    return state.hard_affinity.load(std::memory_order_relaxed).test(cpu);
}

u32 weight_of(Vcpu const& vcpu) { return vcpu.domain().share.weight.load(std::memory_order_relaxed); }

/// Virtual time of the running vCPU up to `now`, without charging it.
u64 live_virtual_time(SchedulingState const& state, u64 now)
{
    u64 const elapsed = now > state.started ? now - state.started : 0;
    return state.virtual_time + policy::virtual_time(elapsed, weight_of(*state.vcpu));
}

/// Books what the vCPU has run since it was last charged.
void charge(CpuState& here, SchedulingState& state, u64 now)
{
    u64 const elapsed = now > state.started ? now - state.started : 0;
    state.virtual_time += policy::virtual_time(elapsed, weight_of(*state.vcpu));
    state.started = now;
    Domain& domain = state.vcpu->domain();
    if (domain.share.cap_percent.load(std::memory_order_relaxed) != 0) domain.share.account.charge(elapsed);
    here.ready.advance(state.virtual_time);
}

/// Brings the queue's clock to `now`. A vCPU that runs alone is charged only when it stops, perhaps much later.
/// Until then the clock stands still, and a vCPU that joined the queue by it would count as waiting since then.
void advance_to(CpuState& queue, u64 now)
{
    if (Vcpu const* const running = queue.current.load(std::memory_order_acquire))
        queue.ready.advance(live_virtual_time(running->scheduling, now));
}

/// ns the vCPU may run under its domain's cap.
u64 allowance(Vcpu& vcpu, u64 now)
{
    Domain& domain = vcpu.domain();
    u32 const cap = domain.share.cap_percent.load(std::memory_order_relaxed);
    return cap == 0 ? ~u64{0} : domain.share.account.remaining(now, cap);
}

/// Counts the vCPU as `load` at its home.
void set_load(SchedulingState& state, u64 load)
{
    u64 const before = state.load.load(std::memory_order_relaxed);
    if (load == before) return;
    cpus.of(state.home_cpu.load(std::memory_order_relaxed)).load.fetch_add(load - before, std::memory_order_relaxed);
    state.load.store(load, std::memory_order_relaxed);
}

void set_place(SchedulingState& state, Place place)
{
    bool const counts = place == Place::Ready || place == Place::OnCpu;
    set_load(state, counts ? weight_of(*state.vcpu) : 0);
    state.place = place;
}

void make_ready(CpuState& queue, SchedulingState& state)
{
    set_place(state, Place::Ready);
    queue.ready.insert(state);
}

/// Takes a vCPU that does not run out of where it waits.
void leave(CpuState& queue, SchedulingState& state)
{
    if (state.place == Place::Ready) queue.ready.remove(state);
    if (state.place == Place::Parked) queue.parked.remove(state);
    set_place(state, Place::Nowhere);
}

void park(CpuState& queue, SchedulingState& state, u64 now)
{
    set_place(state, Place::Parked);
    queue.parked.push_back(state);
    // Not later for those that wait already.
    if (!timers::is_set(queue.refill_timer))
        timers::set(queue.refill_timer, state.home_cpu.load(), policy::CapAccount::next_refill(now));
}

/// Who was parked saves up no more virtual time than a sleeper.
void refill(Timer& timer)
{
    auto& queue = *static_cast<CpuState*>(timer.context);
    LockGuard const guard{queue.lock};
    advance_to(queue, clock::now());
    while (SchedulingState* const state = queue.parked.pop_front()) {
        state->virtual_time = policy::on_waking(state->virtual_time, queue.ready.clock());
        make_ready(queue, *state);
    }
    queue.reschedule.store(true, std::memory_order_relaxed);
}

void slice_over(Timer& timer)
{
    static_cast<CpuState*>(timer.context)->reschedule.store(true, std::memory_order_relaxed);
}

/// Ends the slice only when somebody else waits or a cap runs out; otherwise no timer is needed (design.md D15).
void arm_slice(CpuState& here, Vcpu& vcpu, u64 now)
{
    LockGuard const guard{here.lock}; // a vCPU that becomes ready meanwhile arms the timer itself, afterwards
    u64 span = allowance(vcpu, now);
    // Who becomes ready while a timer is set relies on it: so it is never further away than a slice.
    if (span != ~u64{0} || !here.ready.empty()) span = std::min(span, policy::slice);
    if (span != ~u64{0})
        timers::set(here.slice_timer, arch::this_cpu(), now + span);
    else if (timers::is_set(here.slice_timer))
        timers::cancel(here.slice_timer);
}

// --- choosing a CPU for a vCPU ---

/// The CPU where the vCPU has the least company; of equals one of its soft affinity, then the first from `first` on.
/// Without a lock: what changes meanwhile makes the choice a worse one, not a wrong one.
unsigned choose_cpu(SchedulingState const& state, unsigned first)
{
    CpuSet const hard = state.hard_affinity.load(std::memory_order_relaxed);
    CpuSet const soft = state.soft_affinity.load(std::memory_order_relaxed);
    unsigned const home = state.home_cpu.load(std::memory_order_relaxed);
    u64 const own = state.load.load(std::memory_order_relaxed);
    auto const company = [&](unsigned cpu) {
        u64 const load = cpus.of(cpu).load.load(std::memory_order_relaxed) - (cpu == home ? own : 0);
        return load * 2 + !soft.test(cpu);
    };
    auto const may_use = [&](unsigned cpu) { return hard.test(cpu); };
    return policy::least_loaded(first, arch::cpu_count(), may_use, company);
}

/// Called for the home that a vCPU is about to move to, so that its old and its new queue's clock tell the same time.
void advance_to(unsigned cpu, u64 now)
{
    CpuState& queue = cpus.of(cpu);
    LockGuard const guard{queue.lock};
    advance_to(queue, now);
}

/// Moves a vCPU that is in no queue to another home; its virtual time keeps its distance to the queue's clock.
/// Held: the lock of `from`, under which the vCPU is no longer touched afterwards. The load is atomic for that.
void move_home(SchedulingState& state, unsigned from, unsigned to, u64 now)
{
    CpuState& queue = cpus.of(from);
    advance_to(queue, now);
    state.virtual_time = policy::on_moving(state.virtual_time, queue.ready.clock(), cpus.of(to).ready.clock());
    u64 const load = state.load.load(std::memory_order_relaxed);
    queue.load.fetch_sub(load, std::memory_order_relaxed);
    cpus.of(to).load.fetch_add(load, std::memory_order_relaxed);
    state.home_cpu.store(to, std::memory_order_release);
}

/// A vCPU has become ready in the queue of `cpu`, whose lock is held: it takes the CPU at once, or when the slice of
/// the running one is over. A vCPU that runs alone has no end of slice, so it gets one now.
void preempt_or_wait(CpuState& queue, unsigned cpu, u64 woken_time, u64 now)
{
    Vcpu const* const running = queue.current.load(std::memory_order_acquire);
    if (!running || policy::preempts(woken_time, live_virtual_time(running->scheduling, now)))
        ask_to_reschedule(cpu);
    else if (!timers::is_set(queue.slice_timer))
        timers::set(queue.slice_timer, cpu, now + policy::slice);
}

/// Queues a vCPU that may run, and is not yet anywhere, on `cpu`. Any CPU may call.
void join(Vcpu& vcpu, unsigned cpu, u64 now)
{
    SchedulingState& state = vcpu.scheduling;
    if (state.home_cpu.load() != cpu) advance_to(cpu, now);
    for (;;) {
        HomeQueue const home{state};
        // On a CPU: its run loop looks again when the handler is done. In a queue already: nothing to do.
        if (state.place != Place::Nowhere || !vcpu.is_runnable()) return;
        if (!may_run_on(state, cpu)) cpu = choose_cpu(state, cpu); // the affinity has changed meanwhile
        if (home.cpu() != cpu) {
            move_home(state, home.cpu(), cpu, now);
            continue;
        }
        CpuState& queue = home.queue();
        advance_to(queue, now);
        state.virtual_time = policy::on_waking(state.virtual_time, queue.ready.clock());
        vcpu.run_state.change(RunState::Kind::Runnable, now);
        make_ready(queue, state);
        return preempt_or_wait(queue, cpu, state.virtual_time, now);
    }
}

// --- choosing a vCPU for a CPU ---

/// The best vCPU that may run here now; those whose cap is used up are parked on the way.
SchedulingState* take_best(CpuState& queue, u64 now)
{
    while (SchedulingState* const best = queue.ready.first()) {
        queue.ready.remove(*best);
        if (allowance(*best->vcpu, now) > 0) return best;
        park(queue, *best, now);
    }
    return nullptr;
}

/// Held: the lock of its home, from which `cpu` may be taking it this moment.
void start(SchedulingState& state, unsigned cpu, u64 now)
{
    set_place(state, Place::OnCpu);
    state.started = now;
    state.on_cpu.store(static_cast<s32>(cpu), std::memory_order_seq_cst);
    state.vcpu->run_state.change(RunState::Kind::Running, now);
}

/// Takes a waiting vCPU from another queue, the nearest first.
Vcpu* steal(unsigned thief, u64 now)
{
    for (unsigned distance = 1; distance < arch::cpu_count(); ++distance) {
        unsigned const victim = (thief + distance) % arch::cpu_count();
        CpuState& queue = cpus.of(victim);
        if (queue.ready.looks_empty()) continue; // being wrong costs only time
        LockGuard const guard{queue.lock};
        for (SchedulingState* state = queue.ready.first(); state; state = ReadyQueue::next(*state)) {
            if (!may_run_on(*state, thief) || allowance(*state->vcpu, now) == 0) continue;
            queue.ready.remove(*state);
            start(*state, thief, now);
            move_home(*state, victim, thief, now);
            return state->vcpu;
        }
    }
    return nullptr;
}

Vcpu* pick(unsigned cpu, u64 now)
{
    CpuState& here = cpus.of(cpu);
    {
        LockGuard const guard{here.lock};
        if (SchedulingState* const best = take_best(here, now)) {
            start(*best, cpu, now);
            return best->vcpu;
        }
    }
    return steal(cpu, now);
}

RunState::Kind waiting_kind(Vcpu const& vcpu)
{
    bool const offline = vcpu.waits_for(WaitReason::Down) || vcpu.waits_for(WaitReason::Paused) ||
                         vcpu.waits_for(WaitReason::DomainPaused);
    return offline ? RunState::Kind::Offline : RunState::Kind::Blocked;
}

/// Is the running vCPU still the one to run? Then it goes on without a switch.
bool keeps_cpu(CpuState& here, Vcpu& vcpu, u64 now)
{
    LockGuard const guard{here.lock};
    SchedulingState& state = vcpu.scheduling;
    charge(here, state, now);
    set_load(state, weight_of(vcpu)); // it may have changed
    unsigned const cpu = static_cast<unsigned>(state.on_cpu.load(std::memory_order_relaxed));
    if (!vcpu.is_runnable() || allowance(vcpu, now) == 0 || !may_run_on(state, cpu)) return false;
    SchedulingState const* const rival = here.ready.first();
    return !rival || rival->virtual_time > state.virtual_time;
}

/// Where the vCPU had best go on that leaves `cpu`. Without a lock, as choose_cpu().
unsigned next_cpu(CpuState const& here, unsigned cpu, Vcpu const& vcpu, u64 now)
{
    bool const slice_is_over = now >= vcpu.run_state.entered() + policy::slice;
    return slice_is_over && !here.ready.looks_empty() ? choose_cpu(vcpu.scheduling, cpu + 1) : cpu;
}

/// Puts the vCPU, whose registers are saved, where it belongs. Until it is there it counts as being on this CPU, so
/// nobody else moves it, and its domain does not end. Nothing of it is touched after that.
void put_back(CpuState& here, unsigned cpu, Vcpu& vcpu, u64 now)
{
    SchedulingState& state = vcpu.scheduling;
    // Who has used up its cap waits where it is: elsewhere it would displace the same one in each period.
    bool const goes_on = vcpu.is_runnable() && allowance(vcpu, now) != 0;
    unsigned goes_to = goes_on ? next_cpu(here, cpu, vcpu, now) : cpu;
    if (goes_to != cpu) advance_to(goes_to, now);
    for (;;) {
        HomeQueue const home{state};
        CpuState& queue = home.queue();
        if (!may_run_on(state, goes_to)) goes_to = choose_cpu(state, goes_to);
        if (home.cpu() != goes_to) {
            // However its queue's clock counts the slice it has had: there it starts behind those who wait.
            u64 const its_slice = policy::virtual_time(policy::slice, weight_of(vcpu));
            state.virtual_time = std::max(state.virtual_time, queue.ready.clock() + its_slice);
            move_home(state, home.cpu(), goes_to, now);
            continue;
        }
        // Before the last look, so that who makes it wait afterwards takes it out of the queue. Whoever sees the vCPU
        // off this CPU also sees its saved registers.
        state.on_cpu.store(-1, std::memory_order_seq_cst);
        bool const runnable = vcpu.is_runnable();
        vcpu.run_state.change(runnable ? RunState::Kind::Runnable : waiting_kind(vcpu), now);
        if (!runnable) return set_place(state, Place::Nowhere);
        if (allowance(vcpu, now) == 0) return park(queue, state, now);
        advance_to(queue, now);
        make_ready(queue, state);
        if (home.cpu() != cpu) preempt_or_wait(queue, home.cpu(), state.virtual_time, now);
        return;
    }
}

void idle(CpuState& here)
{
    u64 const since = clock::now();
    here.idle_since.store(since, std::memory_order_relaxed);
    bool const nothing_to_do = here.ready.looks_empty() && !here.reschedule.load(std::memory_order_seq_cst);
    if (nothing_to_do) arch::wait_for_interrupt();
    here.idle_total.fetch_add(clock::now() - since, std::memory_order_relaxed);
    here.idle_since.store(0, std::memory_order_relaxed);
}

/// Runs `vcpu` until something else has to run here.
void run_turns(CpuState& here, unsigned cpu, Vcpu& vcpu)
{
    here.current.store(&vcpu, std::memory_order_release);
    count(Happening::VcpuSwitchedIn);
    arch::switch_in(vcpu);
    run_state::publish(vcpu);
    do {
        arm_slice(here, vcpu, clock::now());
        arch::run(vcpu);
        here.reschedule.store(false, std::memory_order_seq_cst); // before the look, so that no request is lost
    } while (keeps_cpu(here, vcpu, clock::now()));
    arch::switch_out(vcpu);
    here.current.store(nullptr, std::memory_order_release);
    put_back(here, cpu, vcpu, clock::now());
}

}

void initialize()
{
    for (unsigned cpu = 0; cpu < arch::cpu_count(); ++cpu) {
        CpuState& state = cpus.of(cpu);
        state.slice_timer.function = slice_over;
        state.slice_timer.context = &state;
        state.refill_timer.function = refill;
        state.refill_timer.context = &state;
    }
}

void add(Vcpu& vcpu)
{
    SchedulingState& state = vcpu.scheduling;
    state.vcpu = &vcpu;
    CpuSet all;
    for (unsigned cpu = 0; cpu < arch::cpu_count(); ++cpu) all.set(cpu);
    state.hard_affinity = all;
    state.soft_affinity = all;
    state.home_cpu.store((vcpu.domain().id() + vcpu.id()) % arch::cpu_count(), std::memory_order_relaxed);
    vcpu.run_state.begin(clock::now());
}

void remove(Vcpu& vcpu)
{
    SchedulingState& state = vcpu.scheduling;
    HomeQueue const home{state};
    leave(home.queue(), state);
}

void wake(Vcpu& vcpu)
{
    SchedulingState const& state = vcpu.scheduling;
    join(vcpu, choose_cpu(state, state.home_cpu.load(std::memory_order_relaxed)), clock::now());
}

void reconsider(Vcpu const& vcpu)
{
    s32 const cpu = vcpu.scheduling.on_cpu.load(std::memory_order_seq_cst);
    if (cpu >= 0) ask_to_reschedule(static_cast<unsigned>(cpu));
}

void set_share(Domain& domain, u32 weight, u32 cap_percent)
{
    for (auto const& vcpu : domain.vcpus()) {
        SchedulingState& state = vcpu->scheduling;
        HomeQueue const home{state};
        if (state.place == Place::OnCpu) charge(home.queue(), state, clock::now());
    }
    domain.share.weight.store(weight);
    domain.share.cap_percent.store(cap_percent);
    for (auto const& vcpu : domain.vcpus()) reconsider(*vcpu);
}

void deschedule(Vcpu& vcpu)
{
    s32 const cpu = vcpu.scheduling.on_cpu.load(std::memory_order_seq_cst);
    if (cpu >= 0) return ask_to_reschedule(static_cast<unsigned>(cpu));
    SchedulingState& state = vcpu.scheduling;
    HomeQueue const home{state};
    // On a CPU by now: that CPU sees by itself that the vCPU waits.
    if (state.place != Place::OnCpu && !vcpu.is_runnable()) leave(home.queue(), state);
}

bool is_on_cpu(Vcpu const& vcpu) { return vcpu.scheduling.on_cpu.load(std::memory_order_seq_cst) >= 0; }

void yield(Vcpu& current_vcpu)
{
    CpuState& here = cpus.mine();
    if (here.ready.looks_empty()) return;
    LockGuard const guard{here.lock};
    SchedulingState& state = current_vcpu.scheduling;
    if (SchedulingState const* const next = here.ready.first())
        state.virtual_time = std::max(state.virtual_time, next->virtual_time);
    here.reschedule.store(true, std::memory_order_relaxed);
}

bool should_switch(Vcpu const& current_vcpu)
{
    return cpus.mine().reschedule.load(std::memory_order_relaxed) || !current_vcpu.is_runnable();
}

Vcpu* current() { return cpus.mine().current.load(std::memory_order_relaxed); }

void run()
{
    unsigned const cpu = arch::this_cpu();
    CpuState& here = cpus.mine();
    for (;;) {
        arch::service_interrupts();
        console::deliver_notices();
        here.reschedule.store(false, std::memory_order_seq_cst);
        if (Vcpu* const vcpu = pick(cpu, clock::now()))
            run_turns(here, cpu, *vcpu);
        else
            idle(here);
    }
}

Expected<> set_affinity(Vcpu& vcpu, CpuSet const& hard, CpuSet const& soft)
{
    CpuSet online;
    for (unsigned cpu = 0; cpu < arch::cpu_count(); ++cpu) online.set(cpu);
    bool usable = false;
    for (unsigned cpu = 0; cpu < arch::cpu_count(); ++cpu) usable = usable || hard.test(cpu);
    if (!usable) return failure(Error::Invalid);
    SchedulingState& state = vcpu.scheduling;
    bool queued = false;
    {
        HomeQueue const home{state};
        state.hard_affinity = hard;
        state.soft_affinity = soft;
        bool const waits_for_cpu = state.place == Place::Ready || state.place == Place::Parked;
        queued = waits_for_cpu && !hard.test(home.cpu());
        if (queued) leave(home.queue(), state);
    }
    if (queued) wake(vcpu);
    s32 const cpu = state.on_cpu.load();
    if (cpu >= 0 && !hard.test(static_cast<unsigned>(cpu))) ask_to_reschedule(static_cast<unsigned>(cpu));
    return {};
}

u64 running_time(Vcpu const& vcpu)
{
    return vcpu.run_state.read(clock::now()).time[static_cast<u32>(RunState::Kind::Running)];
}

u64 idle_time(unsigned cpu)
{
    CpuState const& state = cpus.of(cpu);
    u64 const since = state.idle_since.load(std::memory_order_relaxed);
    u64 const now = clock::now();
    return state.idle_total.load(std::memory_order_relaxed) + (since != 0 && now > since ? now - since : 0);
}

}
