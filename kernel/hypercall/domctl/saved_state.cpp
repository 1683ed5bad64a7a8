// SPDX-License-Identifier: MIT
/// Writing and loading a vCPU's records, by one table of their kinds.
#include "kernel/hypercall/domctl/saved_state.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/log/log.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::control {

namespace {

using xen::HvmSaveCode;

using Payload = std::span<u8 const>;

// --- how each kind is saved ---

template <typename Record>
size_t size_of(Vcpu const&, xen::Release const&)
{
    return sizeof(Record);
}

template <typename Record>
void write(Record const& record, std::span<u8> out)
{
    std::memcpy(out.data(), &record, out.size());
}

template <typename Record, Record (*save)(Vcpu const&)>
void save_record(Vcpu const& vcpu, u64, std::span<u8> out)
{
    write(save(vcpu), out);
}

/// For kinds that are accepted and never written.
size_t never_written(Vcpu const&, xen::Release const&) { return 0; }
/// A vCPU that is down has no registers worth saving; on loading it stays down.
size_t size_of_cpu(Vcpu const& vcpu, xen::Release const&)
{
    return vcpu.waits_for(WaitReason::Down) ? 0 : sizeof(xen::HvmCpu);
}
size_t size_of_local_apic(Vcpu const&, xen::Release const& release) { return release.local_apic_bytes; }
size_t size_of_extended(Vcpu const& vcpu, xen::Release const&)
{
    size_t const bytes = arch::save_extended(vcpu, {});
    return bytes <= longest_record ? bytes : 0;
}

void save_cpu(Vcpu const& vcpu, u64 host_tsc, std::span<u8> out) { write(arch::save_cpu(vcpu, host_tsc), out); }
void save_extended(Vcpu const& vcpu, u64, std::span<u8> out) { static_cast<void>(arch::save_extended(vcpu, out)); }

// --- how each kind is loaded ---

/// Where a record goes.
struct Target {
    Vcpu& vcpu;
    u64 host_tsc; ///< StateTransfer
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

// --- all kinds ---

/// One kind of a vCPU's records. Who owns the state says in kernel/arch/virtual_cpu.hpp how it is saved and loaded.
struct Kind {
    HvmSaveCode code;
    size_t (*bytes)(Vcpu const&, xen::Release const&); ///< 0: this vCPU has none
    /// Fills `out`; what a release does not know comes last in its record.
    void (*save)(Vcpu const&, u64 host_tsc, std::span<u8> out);
    Expected<> (*load)(Target const&, Payload);
};

/// A record that is as long as its structure.
template <typename Record, Record (*save)(Vcpu const&), Expected<> (*load)(Vcpu&, Record const&)>
consteval Kind plain(HvmSaveCode code)
{
    return {code, size_of<Record>, save_record<Record, save>, load_record<Record, load>};
}

/// In the order in which they are written.
constexpr std::array kinds{
    Kind{HvmSaveCode::Cpu, size_of_cpu, save_cpu, load_cpu_and_start},
    Kind{HvmSaveCode::LocalApic, size_of_local_apic, save_record<xen::HvmLocalApic, arch::save_lapic>, load_local_apic},
    plain<xen::HvmLocalApicRegisters, arch::save_lapic_registers, arch::load_lapic_registers>(
        HvmSaveCode::LocalApicRegisters),
    plain<xen::HvmMtrr, arch::save_mtrr, arch::load_mtrr>(HvmSaveCode::Mtrr),
    Kind{HvmSaveCode::CpuXsave, size_of_extended, save_extended, load_extended},
    Kind{HvmSaveCode::VmceVcpu, never_written, nullptr, accept_if_all_zero},
    Kind{HvmSaveCode::TscAdjust, never_written, nullptr, accept_if_all_zero},
    Kind{HvmSaveCode::CpuMsr, never_written, nullptr, accept_if_all_zero},
};

// --- saving ---

/// Some records one after the other, before they go to the toolstack.
class Piece {
public:
    /// Room for a record, behind its descriptor.
    std::span<u8> append(HvmSaveCode code, u32 instance, size_t length)
    {
        xen::HvmSaveDescriptor const descriptor{.typecode = static_cast<u16>(code),
                                                .instance = static_cast<u16>(instance),
                                                .length = static_cast<u32>(length)};
        write(descriptor, room(sizeof descriptor));
        return room(length);
    }
    [[nodiscard]] Payload bytes() const { return std::span{bytes_}.first(used_); }

private:
    std::span<u8> room(size_t length)
    {
        used_ += length;
        return std::span{bytes_}.subspan(used_ - length, length);
    }

    /// Of one vCPU.
    static constexpr size_t most_bytes = kinds.size() * sizeof(xen::HvmSaveDescriptor) + sizeof(xen::HvmCpu) +
                                         sizeof(xen::HvmLocalApic) + sizeof(xen::HvmLocalApicRegisters) +
                                         sizeof(xen::HvmMtrr) + longest_record;
    std::array<u8, most_bytes> bytes_{};
    size_t used_ = 0;
};

void write_header(Piece& piece)
{
    xen::HvmSaveHeader const header{.magic = xen::hvm_file_magic,
                                    .version = xen::hvm_file_version,
                                    .changeset = 0,
                                    .cpuid = 0,
                                    .guest_tsc_khz = static_cast<u32>(clock::tsc_khz())};
    write(header, piece.append(HvmSaveCode::Header, 0, sizeof header));
}

void write_vcpu(Piece& piece, Vcpu& vcpu, u64 host_tsc, xen::Release const& release)
{
    arch::prepare_to_save(vcpu);
    for (Kind const& kind : kinds)
        if (size_t const bytes = kind.bytes(vcpu, release); bytes > 0)
            kind.save(vcpu, host_tsc, piece.append(kind.code, vcpu.id(), bytes));
}

// --- loading ---

Expected<> load_vcpu_record(Domain const& domain, xen::HvmSaveDescriptor const& descriptor, Payload payload,
                            u64 host_tsc)
{
    Vcpu* const vcpu = domain.vcpu(descriptor.instance);
    if (!vcpu) return failure(Error::Invalid);
    for (Kind const& kind : kinds)
        if (static_cast<u16>(kind.code) == descriptor.typecode) return kind.load({*vcpu, host_tsc}, payload);
    return failure(Error::Invalid);
}

Expected<> load_header(Domain const& domain, xen::HvmSaveDescriptor const& descriptor, Payload payload)
{
    if (descriptor.typecode != static_cast<u16>(HvmSaveCode::Header)) return failure(Error::NoData);
    auto const header = read<xen::HvmSaveHeader>(payload);
    if (!header || header->magic != xen::hvm_file_magic || header->version != xen::hvm_file_version)
        return failure(Error::Invalid);
    if (auto const valid = check_frequency(domain, header->guest_tsc_khz); !valid) return valid;
    for (auto const& vcpu : domain.vcpus()) vcpu->set_waiting(WaitReason::Down);
    return {};
}

}

Expected<> check_frequency(Domain const& domain, u32 guest_khz)
{
    if (guest_khz == 0 || is_same_frequency(guest_khz, clock::tsc_khz())) return {};
    log_warning("domain {}: refused, for its TSC runs at {} kHz and this machine's at {} kHz", domain.id(), guest_khz,
                clock::tsc_khz());
    return failure(Error::NotSupported);
}

// --- the toolstack's memory ---

Expected<> RecordBuffer::write(u32 position, std::span<u8 const> bytes) const
{
    if (!contains(position, bytes.size())) return failure(Error::NoSpace);
    auto const where = element_address(xen::GuestHandle<u8>{where_.raw()}, position);
    if (!where) return failure(where.error());
    return copy_to_guest(caller_, *where, bytes);
}

Expected<> RecordBuffer::read(u32 position, std::span<u8> bytes) const
{
    if (!contains(position, bytes.size())) return failure(Error::NoData);
    auto const where = element_address(xen::GuestHandle<u8>{where_.raw()}, position);
    if (!where) return failure(where.error());
    return copy_from_guest(caller_, bytes, *where);
}

// --- all of it ---

size_t saved_state_size(Domain const& domain, xen::Release const& release)
{
    constexpr size_t behind = sizeof(xen::HvmSaveDescriptor);
    size_t total = behind + sizeof(xen::HvmSaveHeader) + behind; // HEADER and END
    for (auto const& vcpu : domain.vcpus())
        for (Kind const& kind : kinds)
            if (size_t const bytes = kind.bytes(*vcpu, release); bytes > 0) total += behind + bytes;
    return total;
}

Expected<std::span<u8 const>> save_one(Domain const& domain, RecordName name, xen::Release const& release,
                                       std::array<u8, longest_record>& room)
{
    auto const kind = std::ranges::find(kinds, name.code, [](Kind const& row) { return static_cast<u32>(row.code); });
    if (kind == kinds.end() || kind->save == nullptr) return failure(Error::Invalid);
    Vcpu* const vcpu = domain.vcpu(name.vcpu);
    if (!vcpu) return failure(Error::NotFound);
    arch::prepare_to_save(*vcpu);
    size_t const bytes = kind->bytes(*vcpu, release);
    if (bytes == 0) return failure(Error::NotFound);
    auto const record = std::span{room}.first(bytes);
    kind->save(*vcpu, arch::read_tsc(), record);
    return record;
}

Expected<Moved> save_next(Domain const& domain, StateTransfer& transfer, xen::Release const& release,
                          RecordBuffer const& buffer)
{
    Piece piece;
    Moved moved = Moved::Part;
    if (transfer.bytes_done == 0) {
        write_header(piece);
    } else if (Vcpu* const vcpu = domain.vcpu(transfer.next_vcpu)) {
        write_vcpu(piece, *vcpu, transfer.host_tsc, release);
        ++transfer.next_vcpu;
    } else {
        piece.append(HvmSaveCode::End, 0, 0);
        moved = Moved::All;
    }
    if (auto const written = buffer.write(transfer.bytes_done, piece.bytes()); !written)
        return failure(written.error());
    transfer.bytes_done += static_cast<u32>(piece.bytes().size());
    return moved;
}

Expected<Moved> load_next(Domain const& domain, StateTransfer& transfer, RecordBuffer const& buffer)
{
    xen::HvmSaveDescriptor descriptor;
    if (auto const copied = buffer.read(transfer.bytes_done, {reinterpret_cast<u8*>(&descriptor), sizeof descriptor});
        !copied)
        return failure(copied.error());
    u32 const begin = transfer.bytes_done + static_cast<u32>(sizeof descriptor);
    if (!buffer.contains(begin, descriptor.length)) return failure(Error::NoData);
    if (descriptor.length > longest_record) return failure(Error::Invalid);
    std::array<u8, longest_record> bytes;
    auto const payload = std::span{bytes}.first(descriptor.length);
    if (auto const copied = buffer.read(begin, payload); !copied) return failure(copied.error());

    bool const is_first = transfer.bytes_done == 0;
    bool const is_end = descriptor.typecode == static_cast<u16>(HvmSaveCode::End);
    if (is_end && !is_first) return Moved::All;
    auto const loaded = is_first ? load_header(domain, descriptor, payload)
                                 : load_vcpu_record(domain, descriptor, payload, transfer.host_tsc);
    if (!loaded) return failure(loaded.error());
    transfer.bytes_done = begin + descriptor.length;
    return Moved::Part;
}

}
