// SPDX-License-Identifier: MIT
/// One hypercall family after the other, from 32-bit code: what it asks for it gets, in its own layout and not a byte
/// more; what it must not, it does not get. A failure would be a structure that is read or written as 64-bit code has
/// it.
#include "tests/guests/narrow/narrow.hpp"

namespace hospes::test {

namespace {

constexpr Number guard = 0x5a5a'5a5a;
constexpr Number last_word = 0xffff'fffc; // the last that a pointer can name
constexpr Number hole = 0x8'0000;         // a guest frame that is no memory: at 2 GiB

/// A structure with words around it that nobody may change.
template <typename T>
struct Guarded {
    Number before = guard;
    T value{};
    Number behind = guard;
    bool holds() const { return before == guard && behind == guard; }
};

alignas(page_bytes) std::array<std::array<Number, 1024>, 8> pages;
Number frame_of(void const* address) { return reinterpret_cast<Number>(address) / page_bytes; }

template <typename T>
int memory(Number command, T& structure)
{
    return hypercall(__HYPERVISOR_memory_op, command, &structure);
}

void versions()
{
    report(hypercall(__HYPERVISOR_xen_version, XENVER_version, 0) >> 16 == 4, "xen_version: the major one is 4");
    Guarded<xen_platform_parameters> parameters;
    report(hypercall(__HYPERVISOR_xen_version, XENVER_platform_parameters, &parameters.value) == 0 &&
               parameters.holds(),
           "xen_version: platform parameters are one word");
    Guarded<xen_feature_info> features;
    report(hypercall(__HYPERVISOR_xen_version, XENVER_get_features, &features.value) == 0 && features.holds() &&
               (features.value.submap & 1u << XENFEAT_auto_translated_physmap) != 0,
           "xen_version: features");
    report(hypercall(__HYPERVISOR_xen_version, 99) == -ENOSYS, "xen_version: a command that is none is ENOSYS");
    report(hypercall(__HYPERVISOR_xen_version, XENVER_platform_parameters, last_word + 2) == -EFAULT,
           "xen_version: a pointer that wraps is EFAULT");
}

void registers_stay()
{
    Registers before{XENVER_version, 0xffff'fff1, 0xffff'fff2, 0xffff'fff3, 0xffff'fff4};
    Registers after = before;
    (void)call_page(__HYPERVISOR_xen_version, &after);
    report(after == before, "arguments stay in their registers");
}

void memory_calls()
{
    std::array<std::uint8_t, 20 * 64> map{};
    Guarded<xen_memory_map> question;
    question.value.nr_entries = 64;
    question.value.buffer.p = map.data();
    report(memory(XENMEM_memory_map, question.value) == 0 && question.holds(), "memory_map");
    report(question.value.nr_entries > 0 && question.value.buffer.p == map.data(),
           "memory_map: entries, and the pointer");
    Guarded<domid_t> self{.value = DOMID_SELF};
    report(memory(XENMEM_current_reservation, self.value) > 0, "current_reservation");

    std::array<xen_pfn_t, 4> frames{frame_of(&pages[0]), frame_of(&pages[1]), frame_of(&pages[2]), guard};
    Guarded<xen_memory_reservation> some;
    some.value.extent_start.p = frames.data();
    some.value.nr_extents = 3;
    some.value.domid = DOMID_SELF;
    report(memory(XENMEM_decrease_reservation, some.value) == 3, "decrease_reservation");
    report(memory(XENMEM_populate_physmap, some.value) == 3 && some.holds(), "populate_physmap");
    pages[1][7] = 12;
    report(pages[1][7] == 12 && pages[2][0] == 0, "what was populated is memory, and zero");
    some.value.nr_extents = 1u << 26;
    report(memory(XENMEM_decrease_reservation, some.value) == 0, "more extents than a register counts are none");
    some.value.nr_extents = 2;
    some.value.extent_start.p = reinterpret_cast<xen_pfn_t*>(last_word);
    report(memory(XENMEM_populate_physmap, some.value) >= 0, "an array that wraps: as many as it has");

    report(hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, last_word) == -EFAULT,
           "a structure that wraps is EFAULT");
    report(hypercall(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &some.value) == -ENOSYS,
           "acquire_resource is the toolstack's: ENOSYS");
}

shared_info& map_shared_info()
{
    Guarded<xen_add_to_physmap> request;
    request.value.domid = DOMID_SELF;
    request.value.space = XENMAPSPACE_shared_info;
    request.value.gpfn = frame_of(&pages[3]);
    report(memory(XENMEM_add_to_physmap, request.value) == 0 && request.holds(), "add_to_physmap: shared info");
    return *reinterpret_cast<shared_info*>(&pages[3]);
}

bool is_set(xen_ulong_t const (&words)[sizeof(xen_ulong_t) * 8], Number bit)
{
    return (words[bit / 32] >> bit % 32 & 1) != 0;
}

/// Ports above 32 show how large words are, and where the mask is.
void events(shared_info volatile& live)
{
    auto& shared = const_cast<shared_info&>(live);
    xen_hvm_param callback{.domid = DOMID_SELF, .pad = 0, .index = HVM_PARAM_CALLBACK_IRQ, .value = 0};
    report(hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, &callback) == 0, "hvm_op: the call-back says who we are");
    evtchn_bind_ipi last{};
    do {
        last = {};
        if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &last) != 0) break;
    } while (last.port < 40);
    report(last.port == 40, "event channels: forty ports");
    shared.vcpu_info[0].evtchn_upcall_pending = 0;
    shared.vcpu_info[0].evtchn_pending_sel = 0;
    evtchn_send const send{last.port};
    report(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send) == 0 && is_set(shared.evtchn_pending, 40),
           "event channels: the port's bit");
    report(shared.vcpu_info[0].evtchn_pending_sel == 2 && shared.vcpu_info[0].evtchn_upcall_pending == 1,
           "event channels: the selector has a bit for 32 ports");
    shared.vcpu_info[0].evtchn_upcall_pending = 0;
    shared.vcpu_info[0].evtchn_pending_sel = 0;
    shared.evtchn_pending[1] = 0;
    shared.evtchn_mask[1] = 1u << 8;
    report(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send) == 0 && is_set(shared.evtchn_pending, 40) &&
               shared.vcpu_info[0].evtchn_pending_sel == 0,
           "event channels: what is masked is not told");
    evtchn_unmask const unmask{last.port};
    report(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, &unmask) == 0 &&
               shared.vcpu_info[0].evtchn_pending_sel == 2 && shared.evtchn_mask[1] == 0,
           "event channels: until it is unmasked");
    Guarded<evtchn_status> status{.value = {.dom = DOMID_SELF, .port = last.port}};
    report(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status.value) == 0 && status.holds() &&
               status.value.status == EVTCHNSTAT_ipi,
           "event channels: status");

    evtchn_port_t port = last.port;
    Guarded<sched_poll> poll{.value = {.nr_ports = 1, .timeout = 0}};
    poll.value.ports.p = &port;
    report(hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll.value) == 0, "sched_poll: a port that is pending");
    port = 1024;
    report(hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll.value) == -EINVAL, "sched_poll: there are 1,024 ports");
    shared.vcpu_info[0].evtchn_upcall_pending = 0;
    shared.evtchn_pending[1] = 0;
    port = last.port;
    poll.value.timeout = 1;
    report(hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll.value) == 0, "sched_poll: a time that has passed");
    report(shared.wc_version != 0 && shared.wc_version % 2 == 0, "the wall clock is where 32-bit code looks");
    report(hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0) == 0, "sched_op: yield");
    Guarded<sched_watchdog_t> watchdog{.value = {.id = 0, .timeout = 10'000}};
    int const taken = hypercall(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &watchdog.value);
    watchdog.value = {.id = 1, .timeout = 0};
    report(taken == 1 && watchdog.holds() && hypercall(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &watchdog.value) == 0,
           "sched_op: a watchdog is taken and given back");
}

void grants()
{
    Guarded<gnttab_query_size> size{.value = {.dom = DOMID_SELF}};
    report(hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, &size.value, 1) == 0 && size.holds() &&
               size.value.status == GNTST_okay && size.value.nr_frames > 0,
           "grants: query_size");
    Guarded<gnttab_setup_table> setup{.value = {.dom = DOMID_SELF, .nr_frames = 1}};
    setup.value.frame_list.p = reinterpret_cast<xen_pfn_t*>(guard);
    report(hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, &setup.value, 1) == 0 && setup.holds() &&
               setup.value.status == GNTST_okay && argument(setup.value.frame_list.p) == guard,
           "grants: setup_table");
    Guarded<std::array<gnttab_copy, 40>> copies;
    for (Number i = 0; i < copies.value.size(); ++i) {
        pages[4][i] = 1000 + i;
        gnttab_copy& copy = copies.value[i];
        copy.source.u.gmfn = frame_of(&pages[4]);
        copy.source.domid = copy.dest.domid = DOMID_SELF;
        copy.source.offset = static_cast<std::uint16_t>(4 * i);
        copy.dest.u.gmfn = frame_of(&pages[5]);
        copy.dest.offset = static_cast<std::uint16_t>(4 * i + 4);
        copy.len = 4;
        copy.status = 99;
    }
    bool all = hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, copies.value.data(), copies.value.size()) == 0;
    for (Number i = 0; i < copies.value.size(); ++i)
        all = all && copies.value[i].status == GNTST_okay && pages[5][i + 1] == 1000 + i;
    report(all && copies.holds(), "grants: forty copies in one call");
    Guarded<gnttab_map_grant_ref> map{
        .value = {
            .host_addr = std::uint64_t{hole} * page_bytes, .flags = GNTMAP_host_map, .ref = 400, .dom = DOMID_SELF}};
    report(hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &map.value, 1) == 0 && map.holds() &&
               map.value.status < 0,
           "grants: mapping what is not granted");
    report(hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, last_word - 20, 2) == -EFAULT,
           "grants: an array that wraps is EFAULT");
}

void vcpu_calls()
{
    report(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 0, 0) == 1, "vcpu_op: we are up");
    report(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 4000, 0) == -ENOENT, "vcpu_op: nobody else is");
    Guarded<vcpu_runstate_info> asked;
    report(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, &asked.value) == 0 && asked.holds() &&
               asked.value.state == RUNSTATE_running && asked.value.time[RUNSTATE_running] > 0,
           "vcpu_op: run states");
    static Guarded<vcpu_runstate_info> area;
    Guarded<vcpu_register_runstate_memory_area> where;
    where.value.addr.p = std::uint64_t{guard} << 32; // above a pointer there is nothing that matters
    where.value.addr.v = &area.value;
    report(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, &where.value) == 0 &&
               area.holds() && area.value.state == RUNSTATE_running && area.value.state_entry_time != 0,
           "vcpu_op: the run-state area");
    where.value.addr.v = nullptr;
    report(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, &where.value) == 0,
           "vcpu_op: and none");
    Guarded<vcpu_set_singleshot_timer> timer{.value = {.timeout_abs_ns = 1, .flags = VCPU_SSHOTTMR_future}};
    report(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, &timer.value) == -ETIME,
           "vcpu_op: a timer that would be late");
    report(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0) == 0, "vcpu_op: no timer");
    vcpu_register_vcpu_info info{.mfn = frame_of(&pages[6]), .offset = 64, .rsvd = 0};
    report(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, &info) == 0, "vcpu_op: vcpu_info elsewhere");
    auto const& moved = *reinterpret_cast<vcpu_info*>(&pages[6][16]);
    report(moved.evtchn_pending_sel == ~xen_ulong_t{0} && moved.evtchn_upcall_pending == 1 && moved.arch.cr2 == 0 &&
               moved.time.tsc_to_system_mul != 0,
           "vcpu_op: all its words are to be looked at");
    report(hypercall(__HYPERVISOR_set_timer_op, 0xffff'ffff, 0x0fff'ffff) == 0,
           "set_timer_op: a deadline in two halves");
    report(hypercall(__HYPERVISOR_set_timer_op, 0, 0) == 0, "set_timer_op: none");
}

void parameters()
{
    Guarded<xen_hvm_param> value{
        .value = {.domid = DOMID_SELF, .pad = 0, .index = HVM_PARAM_STORE_EVTCHN, .value = ~0ull}};
    report(hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, &value.value) == 0, "hvm_op: set_param");
    value.value.value = 0;
    report(hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, &value.value) == 0 && value.holds() &&
               value.value.value == ~0ull,
           "hvm_op: get_param, all 64 bits");
}

void multicalls()
{
    static std::array<xen_pfn_t, 64> frames;
    static xen_memory_reservation some;
    frames.fill(frame_of(&pages[7]));
    some.extent_start.p = frames.data();
    some.nr_extents = 1;
    some.domid = DOMID_SELF;
    static Guarded<std::array<multicall_entry, 256>> calls;
    for (Number i = 0; i < calls.value.size(); ++i) {
        Number const command = i % 2 == 0 ? XENMEM_decrease_reservation : XENMEM_populate_physmap;
        calls.value[i] = {.op = __HYPERVISOR_memory_op, .result = 77, .args = {command, argument(&some)}};
    }
    bool all = hypercall(__HYPERVISOR_multicall, calls.value.data(), calls.value.size()) == 0;
    for (multicall_entry const& entry : calls.value) all = all && entry.result == 1;
    report(all && calls.holds(), "multicall: 256 calls, each with its result");
    calls.value[0] = {.op = __HYPERVISOR_multicall, .result = 0, .args = {argument(&calls.value[1]), 1}};
    calls.value[1] = {.op = __HYPERVISOR_domctl, .result = 0, .args = {}};
    calls.value[2] = {.op = __HYPERVISOR_xen_version, .result = 0, .args = {XENVER_platform_parameters, last_word + 2}};
    report(hypercall(__HYPERVISOR_multicall, calls.value.data(), 3) == 0, "multicall: what is in it may fail");
    report(static_cast<int>(calls.value[0].result) == -ENOSYS && static_cast<int>(calls.value[1].result) == -ENOSYS &&
               static_cast<int>(calls.value[2].result) == -EFAULT,
           "multicall: none in another, no domctl, no wrapped pointer");
    report(hypercall(__HYPERVISOR_multicall, last_word - 28, 2) == -EFAULT, "multicall: entries that wrap are EFAULT");
}

void refused()
{
    for (int const number : {__HYPERVISOR_domctl, __HYPERVISOR_sysctl, __HYPERVISOR_platform_op,
                             __HYPERVISOR_physdev_op, __HYPERVISOR_mmu_update, 63})
        report(hypercall(argument(number), &pages[0], 1, 0, 0) == -ENOSYS,
               "a call that is not for 32-bit code: ENOSYS");
}

}

void call_all()
{
    versions();
    registers_stay();
    memory_calls();
    shared_info& shared = map_shared_info();
    report(shared.wc_version != 0, "the hypercall page has said who we are: the wall clock is where 32-bit code looks");
    events(shared);
    grants();
    vcpu_calls();
    parameters();
    multicalls();
    refused();
}

}
