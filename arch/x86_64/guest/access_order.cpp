// SPDX-License-Identifier: MIT
/// In which order a vCPU's own page, its domain's devices, memory and nobody are asked.
#include "arch/x86_64/guest/access_order.hpp"

#include <array>
#include <cstring>
#include <span>

#include "arch/x86_64/guest/common_ports.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/lib/no_answer.hpp"

namespace hospes::arch {

namespace {

/// The local APIC's page answers aligned accesses of four bytes; wider ones see zeros in the rest.
class LocalApicPage final : public Device {
public:
    u64 read(Vcpu& vcpu, u64 address, unsigned) override
    {
        u64 const offset = offset_in_page(Gpa{address});
        u32 const value = vcpu.virtual_cpu().local_apic.read_page(static_cast<u32>(offset));
        return value >> 8 * (offset % sizeof value);
    }
    void write(Vcpu& vcpu, u64 address, unsigned, u64 value) override
    {
        constexpr u64 register_distance = 16;
        u64 const offset = offset_in_page(Gpa{address});
        if (offset % register_distance != 0) return;
        vcpu.virtual_cpu().local_apic.write_page(static_cast<u32>(offset), static_cast<u32>(value));
    }
};

/// What the domain has mapped there, for as long as the access takes. A page that may only be read takes no writes.
class MappedMemory final : public Device {
public:
    u64 read(Vcpu& vcpu, u64 address, unsigned bytes) override
    {
        auto const frame = vcpu.domain().physmap.reference(frame_of(Gpa{address}), false);
        if (!frame) return no_answer<>;
        u64 value = 0;
        std::memcpy(&value, static_cast<u8*>(reach(frame->frame())) + offset_in_page(Gpa{address}), bytes);
        return value;
    }
    void write(Vcpu& vcpu, u64 address, unsigned bytes, u64 value) override
    {
        auto const frame = vcpu.domain().physmap.reference(frame_of(Gpa{address}), true);
        if (frame) std::memcpy(static_cast<u8*>(reach(frame->frame())) + offset_in_page(Gpa{address}), &value, bytes);
    }
};

class Nobody final : public Device {
public:
    u64 read(Vcpu&, u64, unsigned) override { return no_answer<>; }
    void write(Vcpu&, u64, unsigned, u64) override {}
};

constinit LocalApicPage local_apic_page;
constinit MappedMemory memory;
constinit Nobody nobody;

Device* own_local_apic(VirtualCpu& cpu, u64 address)
{
    bool const is_there = round_down(address, page_size) == apic_page && cpu.local_apic.answers_in_page();
    return is_there ? &local_apic_page : nullptr;
}

Device* device_in_memory(VirtualCpu& cpu, u64 address) { return cpu.virtual_machine().memory.find(address); }
Device* device_at_port(VirtualCpu& cpu, u64 port) { return cpu.virtual_machine().ports.find(port); }
Device* common_device_at_port(VirtualCpu&, u64 port) { return common_port_device(static_cast<u16>(port)); }

/// Null: not here, ask the next one.
using Answerer = Device* (*)(VirtualCpu& cpu, u64 address);

// Behind them all: memory, and at ports nobody.
constexpr std::array<Answerer, 2> memory_order{own_local_apic, device_in_memory};
constexpr std::array<Answerer, 2> port_order{device_at_port, common_device_at_port};

Device* first_of(std::span<Answerer const> order, VirtualCpu& cpu, u64 address)
{
    for (Answerer const ask : order)
        if (Device* const device = ask(cpu, address)) return device;
    return nullptr;
}

}

Device* emulated_device(VirtualCpu& cpu, Gpa where) { return first_of(memory_order, cpu, where.raw()); }
Device& mapped_memory() { return memory; }

Device& answering_at(VirtualCpu& cpu, Gpa where)
{
    Device* const device = emulated_device(cpu, where);
    return device ? *device : memory;
}

Device& answering_at_port(VirtualCpu& cpu, u16 port)
{
    Device* const device = first_of(port_order, cpu, port);
    return device ? *device : nobody;
}

}
