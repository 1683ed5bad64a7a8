// SPDX-License-Identifier: MIT
/// Building, questioning and destroying domains.
#include "tests/bench/stretches/toolstack.hpp"

#include <array>
#include <cstring>

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/grant_table.hpp"
#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/abi/xen/sysctl.hpp"
#include "tests/bench/stretches/stopwatch.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/other_domain.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/toolstack.hpp"

namespace hospes::test {
namespace {

constexpr u32 most_vcpus = 128;
constexpr u32 most_grant_frames = 4096;
constexpr u64 table_pages = 36 * mib / page_size; ///< what xl gives a guest of 4 GiB
constexpr u64 gigabyte_at = u64{4} << 18;         ///< guest frame
constexpr u64 scattered_at = u64{1} << 24;        ///< guest frame: one page in each 2 MiB from here on
constexpr u64 foreign_window = 0x1000;            ///< into the hole that unused_gfn() knows

bool create(u16& id)
{
    xen::Domctl call{};
    auto& wanted = call.u.create_domain;
    wanted.flags = xen::create_flag::hvm | xen::create_flag::hap;
    wanted.max_vcpus = most_vcpus;
    wanted.max_event_port = 1023;
    wanted.max_grant_frames = most_grant_frames;
    wanted.max_maptrack_frames = -1;
    wanted.grant_options = 1;
    wanted.arch.emulation_flags = xen::emulation_flag::local_apic;
    bool const good = domctl(xen::DomctlCommand::CreateDomain, xen::domid_invalid, call) == 0;
    id = call.domain;
    return good;
}

bool create_vcpus(u16 id)
{
    xen::Domctl call{};
    call.u.max_vcpus.max_vcpus = most_vcpus;
    return domctl(xen::DomctlCommand::MaxVcpus, id, call) == 0;
}

void set_limits(u16 id)
{
    xen::Domctl memory{}, tables{};
    memory.u.max_mem.max_memory_kib = 2 * gib / kib;
    tables.u.paging_mempool.size = table_pages * page_size;
    report(domctl(xen::DomctlCommand::MaxMem, id, memory) == 0, "memory limit");
    report(domctl(xen::DomctlCommand::SetPagingMempoolSize, id, tables) == 0, "table pool");
}

bool setup_grant_table(u16 id)
{
    static std::array<u64, most_grant_frames> frames;
    xen::GrantSetupTable request{};
    request.domain = id;
    request.nr_frames = most_grant_frames;
    request.frame_list = {address(frames.data())};
    return grants::operation(xen::GrantTableCommand::SetupTable, &request) == 0 &&
           request.status == xen::GrantStatus::Okay;
}

bool map_foreign(u16 id, u16 count)
{
    static std::array<u64, 1024> indexes, gfns;
    static std::array<s32, 1024> errors;
    for (u64 i = 0; i != count; ++i) {
        indexes[i] = gigabyte_at + i;
        gfns[i] = unused_gfn(foreign_window + i);
    }
    xen::AddToPhysmapBatch request{};
    request.domain = xen::domid_self;
    request.space = static_cast<u16>(xen::MapSpace::GmfnForeign);
    request.size = count;
    request.foreign_domain = id;
    request.indexes = {address(indexes.data())};
    request.gfns = {address(gfns.data())};
    request.errors = {address(errors.data())};
    bool good = hypercall(xen::Hypercall::MemoryOp, xen::MemoryCommand::AddToPhysmapBatch, &request) == 0;
    for (u64 i = 0; i != count; ++i) good &= errors[i] == 0;
    return good;
}

void unmap_foreign(u16 count)
{
    for (u64 i = 0; i != count; ++i)
        (void)memory_operation::remove_from_physmap(xen::domid_self, unused_gfn(foreign_window + i));
}

bool ask_frame_types(u16 id)
{
    static std::array<u64, 1024> frames;
    for (u64 i = 0; i != frames.size(); ++i) frames[i] = gigabyte_at + i;
    xen::Domctl call{};
    call.u.get_page_frame_info3.nr_frames = frames.size();
    call.u.get_page_frame_info3.array = {address(frames.data())};
    return domctl(xen::DomctlCommand::GetPageFrameInfo3, id, call) == 0;
}

// --- saved state ---

constinit std::array<u8, mib + mib / 2> state{}; ///< records, as gethvmcontext and sethvmcontext have them
constexpr u32 most_state = mib;                  ///< that sethvmcontext takes

/// Puts records into `state`, from its begin on.
class Stream {
public:
    Stream()
    {
        put(xen::HvmSaveCode::Header, 0,
            xen::HvmSaveHeader{.magic = xen::hvm_file_magic,
                               .version = xen::hvm_file_version,
                               .changeset = 0,
                               .cpuid = 0,
                               .guest_tsc_khz = 0});
    }
    template <typename Record>
    void put(xen::HvmSaveCode code, u32 instance, Record const& record)
    {
        describe(code, instance, sizeof record);
        append(&record, sizeof record);
    }
    void describe(xen::HvmSaveCode code, u32 instance, size_t length)
    {
        xen::HvmSaveDescriptor const descriptor{.typecode = static_cast<u16>(code),
                                                .instance = static_cast<u16>(instance),
                                                .length = static_cast<u32>(length)};
        append(&descriptor, sizeof descriptor);
    }
    /// END, and what sethvmcontext says.
    [[nodiscard]] s64 load(u16 id)
    {
        describe(xen::HvmSaveCode::End, 0, 0);
        return load_state(id, size_);
    }
    [[nodiscard]] u32 size() const { return size_; }

    static s64 load_state(u16 id, u32 size)
    {
        xen::Domctl call{};
        call.u.hvm_context.size = size;
        call.u.hvm_context.buffer = {address(state.data())};
        return domctl(xen::DomctlCommand::SetHvmContext, id, call);
    }

private:
    void append(void const* bytes, u32 length)
    {
        std::memcpy(&state[size_], bytes, length);
        size_ += length;
    }
    u32 size_ = 0;
};

/// Then each of them has registers that are saved.
bool bring_up_vcpus(u16 id)
{
    Stream stream;
    for (u32 vcpu = 0; vcpu != most_vcpus; ++vcpu) stream.put(xen::HvmSaveCode::Cpu, vcpu, flat_registers());
    return stream.load(id) == 0;
}

bool take_down_vcpus(u16 id) { return Stream{}.load(id) == 0; }

/// How many bytes; none if it failed.
u32 save_registers(u16 id)
{
    xen::Domctl call{};
    call.u.hvm_context.size = state.size();
    call.u.hvm_context.buffer = {address(state.data())};
    return domctl(xen::DomctlCommand::GetHvmContext, id, call) == 0 ? call.u.hvm_context.size : 0;
}

u32 size_of_state(u16 id)
{
    xen::Domctl call{};
    return domctl(xen::DomctlCommand::GetHvmContext, id, call) == 0 ? call.u.hvm_context.size : 0;
}

/// As many records as there can be, for one vCPU.
bool load_short_records(u16 id)
{
    Stream stream;
    while (stream.size() + 2 * sizeof(xen::HvmSaveDescriptor) <= most_state)
        stream.describe(xen::HvmSaveCode::TscAdjust, 0, 0);
    return stream.load(id) == 0;
}

void measure_saved_state(u16 id)
{
    report(bring_up_vcpus(id), "registers of 128 vCPUs");
    u32 size = 0;
    Stopwatch::measure("gethvmcontext, size of 128 vCPUs", [&] { return size_of_state(id) > most_vcpus * 1024; });
    Stopwatch::measure("gethvmcontext, 128 vCPUs", [&] { return (size = save_registers(id)) > most_vcpus * 1024; });
    Stopwatch::measure("sethvmcontext, 128 vCPUs", [&] { return Stream::load_state(id, size) == 0; });
    Stopwatch::measure("sethvmcontext, 1 MiB of empty records", [&] { return load_short_records(id); });
    report(take_down_vcpus(id), "all vCPUs down");
}

s64 shadow(u16 id, xen::ShadowCommand command, u64 pages, u8* bitmap, u32 mode)
{
    xen::Domctl call{};
    call.u.shadow_op.operation = static_cast<u32>(command);
    call.u.shadow_op.mode = mode;
    call.u.shadow_op.pages = pages;
    call.u.shadow_op.dirty_bitmap = {address(bitmap)};
    return domctl(xen::DomctlCommand::ShadowOp, id, call);
}

bool read_dirty_log(u16 id)
{
    static std::array<u8, (gigabyte_at + (u64{1} << 18)) / 8> bitmap;
    return shadow(id, xen::ShadowCommand::Clean, bitmap.size() * 8, bitmap.data(),
                  xen::shadow_mode_flag::log_dirty_final) == 0;
}

/// Moves the domain's shared info page along until no table is left, so that all tables but the last are empty.
u64 scatter_tables(u16 id)
{
    u64 made = 0;
    while (made <= table_pages &&
           memory_operation::add_to_physmap(id, xen::MapSpace::SharedInfo, 0, scattered_at + made * 512) == 0)
        ++made;
    return made;
}

void destroy(u16 id) { (void)domctl(xen::DomctlCommand::DestroyDomain, id); }

}

void measure_domains()
{
    u16 id = 0;
    Stopwatch::measure("createdomain", [&] { return create(id); });
    Stopwatch::measure("max_vcpus, 128", [&] { return create_vcpus(id); });
    set_limits(id);
    u64 const where = gigabyte_at;
    Stopwatch::measure("populate, 1 GiB", [&] { return memory_operation::populate_physmap(id, &where, 1, 18) == 1; });
    Stopwatch::measure("grant table of 4,096 frames", [&] { return setup_grant_table(id); });
    Stopwatch::measure("map 1,024 foreign pages", [&] { return map_foreign(id, 1024); });
    unmap_foreign(1024);
    Stopwatch::measure("getpageframeinfo3, 1,024 frames", [&] { return ask_frame_types(id); });
    measure_saved_state(id);
    (void)shadow(id, xen::ShadowCommand::EnableLogDirty, 0, nullptr, 0);
    Stopwatch::measure("shadow_op clean, 5 GiB", [&] { return read_dirty_log(id); });
    Stopwatch::measure("unpause, 128 vCPUs", [&] { return domctl(xen::DomctlCommand::UnpauseDomain, id) == 0; });
    Stopwatch::measure("pause, 128 vCPUs", [&] { return domctl(xen::DomctlCommand::PauseDomain, id) == 0; });
    u64 const tables = scatter_tables(id);
    report(!on_hospes() || tables > table_pages / 2, "a pool full of tables");
    Stopwatch::measure("destroydomain", [&] { return domctl(xen::DomctlCommand::DestroyDomain, id) == 0; });
}

// --- the whole machine ---

namespace {

constexpr u32 many_domains = 24;

bool list_domains()
{
    static std::array<xen::DomctlGetDomainInfo, 1024> list;
    xen::Sysctl call{};
    call.u.get_domain_info_list.max_domains = list.size();
    call.u.get_domain_info_list.buffer = {address(list.data())};
    return sysctl(xen::SysctlCommand::GetDomainInfoList, call) == 0 &&
           call.u.get_domain_info_list.nr_domains > many_domains;
}

bool read_console()
{
    static std::array<char, mib> text;
    xen::Sysctl call{};
    call.u.read_console.buffer = {address(text.data())};
    call.u.read_console.count = text.size();
    return sysctl(xen::SysctlCommand::ReadConsole, call) == 0 && call.u.read_console.count > 0;
}

bool read_counters()
{
    static std::array<xen::PerfcDescription, 512> descriptions;
    static std::array<u32, 8192> values;
    xen::Sysctl call{};
    call.u.perfc_op.command = static_cast<u32>(xen::PerfcCommand::Query);
    call.u.perfc_op.descriptions = {address(descriptions.data())};
    call.u.perfc_op.values = {address(values.data())};
    return sysctl(xen::SysctlCommand::PerfcOp, call) == 0 || !on_hospes();
}

bool press(std::string_view keys)
{
    xen::Sysctl call{};
    call.u.debug_keys.keys = {address(keys.data())};
    call.u.debug_keys.nr_keys = static_cast<u32>(keys.size());
    return sysctl(xen::SysctlCommand::DebugKeys, call) == 0;
}

}

void measure_ports(std::string_view name)
{
    Stopwatch::measure(name, [] { return press("e"); });
}

void measure_machine()
{
    static std::array<u16, many_domains> ids;
    bool made = true;
    for (u16& id : ids) made &= create(id) && create_vcpus(id);
    report(made, "many domains");
    Stopwatch::measure("getdomaininfolist, 24 domains of 128 vCPUs", list_domains);
    Stopwatch::measure("perfc_op query", read_counters);
    Stopwatch::measure("debug keys c, m, r", [] { return press("cmr"); });
    Stopwatch::measure("debug key q, 24 domains of 128 vCPUs", [] { return press("q"); });
    Stopwatch::measure("debug key d, 24 domains of 128 vCPUs", [] { return press("d"); });
    Stopwatch::measure("readconsole, all of it", read_console);
    for (u16 const id : ids) destroy(id);
}

}
