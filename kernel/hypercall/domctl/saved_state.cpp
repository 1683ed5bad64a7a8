// SPDX-License-Identifier: MIT
/// Writing all records of a domain, and loading them by a table of record codes.
#include "kernel/hypercall/domctl/saved_state.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/log/log.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::control {

namespace {

using xen::HvmSaveCode;

/// Appends records, or only counts their bytes when there is no room at all.
class Writer {
public:
    Writer(std::span<u8> out, xen::Release const& release) : release{release}, out_{out} {}

    /// The first `length` bytes: what a release does not know comes last in its record.
    template <typename Record>
    void put(HvmSaveCode code, u32 instance, Record const& record, size_t length = sizeof(Record))
    {
        put_bytes(code, instance, {reinterpret_cast<u8 const*>(&record), length});
    }
    void put_bytes(HvmSaveCode code, u32 instance, std::span<u8 const> payload)
    {
        xen::HvmSaveDescriptor const descriptor{.typecode = static_cast<u16>(code),
                                                .instance = static_cast<u16>(instance),
                                                .length = static_cast<u32>(payload.size())};
        append({reinterpret_cast<u8 const*>(&descriptor), sizeof descriptor});
        append(payload);
    }
    [[nodiscard]] size_t used() const { return used_; }

    xen::Release const& release; ///< whose records they are

private:
    void append(std::span<u8 const> bytes)
    {
        if (used_ + bytes.size() <= out_.size() && !bytes.empty())
            std::memcpy(&out_[used_], bytes.data(), bytes.size());
        used_ += bytes.size();
    }
    std::span<u8> out_;
    size_t used_ = 0;
};

void write_vcpu(Writer& writer, Vcpu& vcpu, u64 host_tsc)
{
    arch::prepare_to_save(vcpu);
    // A vCPU that is down has no registers worth saving; on loading it stays down.
    if (!vcpu.waits_for(WaitReason::Down)) writer.put(HvmSaveCode::Cpu, vcpu.id(), arch::save_cpu(vcpu, host_tsc));
    writer.put(HvmSaveCode::LocalApic, vcpu.id(), arch::save_lapic(vcpu), writer.release.local_apic_bytes);
    writer.put(HvmSaveCode::LocalApicRegisters, vcpu.id(), arch::save_lapic_registers(vcpu));
    writer.put(HvmSaveCode::Mtrr, vcpu.id(), arch::save_mtrr(vcpu));
    std::array<u8, 4096> extended{};
    if (size_t const bytes = arch::save_extended(vcpu, extended); bytes > 0 && bytes <= extended.size())
        writer.put_bytes(HvmSaveCode::CpuXsave, vcpu.id(), std::span{extended}.first(bytes));
}

void write_all(Writer& writer, Domain const& domain)
{
    writer.put(HvmSaveCode::Header, 0,
               xen::HvmSaveHeader{.magic = xen::hvm_file_magic,
                                  .version = xen::hvm_file_version,
                                  .changeset = 0,
                                  .cpuid = 0,
                                  .guest_tsc_khz = static_cast<u32>(clock::tsc_khz())});
    u64 const host_tsc = arch::read_tsc();
    for (auto const& vcpu : domain.vcpus()) write_vcpu(writer, *vcpu, host_tsc);
    writer.put_bytes(HvmSaveCode::End, 0, {});
}

// --- loading ---

using Payload = std::span<u8 const>;

/// Where a record goes.
struct Target {
    Vcpu& vcpu;
    u64 host_tsc; ///< read once for the whole domain
};

template <typename Record>
Expected<Record> read(Payload payload)
{
    if (payload.size() != sizeof(Record)) return failure(Error::Invalid);
    Record record;
    std::memcpy(&record, payload.data(), sizeof record);
    return record;
}

template <typename Record, Expected<> (*load)(Vcpu&, Record const&)>
Expected<> load_record(Target const& target, Payload payload)
{
    auto const record = read<Record>(payload);
    if (!record) return failure(record.error());
    return load(target.vcpu, *record);
}

/// As any release writes it; what it leaves out is zero.
Expected<> load_local_apic(Target const& target, Payload payload)
{
    if (!std::ranges::contains(xen::releases, payload.size(), &xen::Release::local_apic_bytes))
        return failure(Error::Invalid);
    xen::HvmLocalApic record{};
    std::memcpy(&record, payload.data(), payload.size());
    return arch::load_lapic(target.vcpu, record);
}

Expected<> load_cpu_and_start(Target const& target, Payload payload)
{
    auto const record = read<xen::HvmCpu>(payload);
    if (!record) return failure(record.error());
    if (auto const loaded = arch::load_cpu(target.vcpu, *record, target.host_tsc); !loaded) return loaded;
    target.vcpu.clear_waiting(WaitReason::Down);
    return {};
}

Expected<> load_extended(Target const& target, Payload payload) { return arch::load_extended(target.vcpu, payload); }

/// Machine-check banks, TSC adjustment and extra MSRs are not kept per domain here: only what a new guest has is
/// accepted.
Expected<> accept_if_all_zero(Target const&, Payload payload)
{
    for (u8 byte : payload)
        if (byte != 0) return failure(Error::NotSupported);
    return {};
}

struct Row {
    HvmSaveCode code;
    Expected<> (*load)(Target const&, Payload);
};

constexpr std::array rows{
    Row{HvmSaveCode::Cpu, load_cpu_and_start},
    Row{HvmSaveCode::LocalApic, load_local_apic},
    Row{HvmSaveCode::LocalApicRegisters, load_record<xen::HvmLocalApicRegisters, arch::load_lapic_registers>},
    Row{HvmSaveCode::Mtrr, load_record<xen::HvmMtrr, arch::load_mtrr>},
    Row{HvmSaveCode::CpuXsave, load_extended},
    Row{HvmSaveCode::VmceVcpu, accept_if_all_zero},
    Row{HvmSaveCode::TscAdjust, accept_if_all_zero},
    Row{HvmSaveCode::CpuMsr, accept_if_all_zero},
};

Expected<> check_header(Domain const& domain, Payload payload)
{
    auto const header = read<xen::HvmSaveHeader>(payload);
    if (!header || header->magic != xen::hvm_file_magic || header->version != xen::hvm_file_version)
        return failure(Error::Invalid);
    return check_frequency(domain, header->guest_tsc_khz);
}

Expected<> load_one(Domain& domain, xen::HvmSaveDescriptor const& descriptor, Payload payload, u64 host_tsc)
{
    Vcpu* const vcpu = domain.vcpu(descriptor.instance);
    if (!vcpu) return failure(Error::Invalid);
    for (Row const& row : rows)
        if (static_cast<u16>(row.code) == descriptor.typecode) return row.load({*vcpu, host_tsc}, payload);
    return failure(Error::Invalid);
}

}

Expected<> check_frequency(Domain const& domain, u32 guest_khz)
{
    if (guest_khz == 0 || is_same_frequency(guest_khz, clock::tsc_khz())) return {};
    log_warning("domain {}: refused, for its TSC runs at {} kHz and this machine's at {} kHz", domain.id(), guest_khz,
                clock::tsc_khz());
    return failure(Error::NotSupported);
}

size_t saved_state_size(Domain const& domain, xen::Release const& release)
{
    Writer counter{{}, release};
    write_all(counter, domain);
    return counter.used();
}

size_t save_state(Domain const& domain, xen::Release const& release, std::span<u8> out)
{
    Writer writer{out, release};
    write_all(writer, domain);
    return writer.used();
}

Expected<> load_state(Domain& domain, std::span<u8 const> records)
{
    u64 const host_tsc = arch::read_tsc();
    bool seen_header = false;
    for (;;) {
        if (records.size() < sizeof(xen::HvmSaveDescriptor)) return failure(Error::NoData);
        xen::HvmSaveDescriptor descriptor;
        std::memcpy(&descriptor, records.data(), sizeof descriptor);
        records = records.subspan(sizeof descriptor);
        if (descriptor.length > records.size()) return failure(Error::NoData);
        Payload const payload = records.first(descriptor.length);
        records = records.subspan(descriptor.length);

        auto const code = static_cast<HvmSaveCode>(descriptor.typecode);
        if (!seen_header) {
            if (code != HvmSaveCode::Header) return failure(Error::NoData);
            if (auto const valid = check_header(domain, payload); !valid) return valid;
            seen_header = true;
            for (auto const& vcpu : domain.vcpus()) vcpu->set_waiting(WaitReason::Down);
        } else if (code == HvmSaveCode::End) {
            return {};
        } else if (auto const loaded = load_one(domain, descriptor, payload, host_tsc); !loaded) {
            return loaded;
        }
    }
}

}
