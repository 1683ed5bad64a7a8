// SPDX-License-Identifier: MIT
/// A machine for the real domain code on the host: some megabytes of memory from frame 0x100 on, one CPU, and vCPUs
/// that never run, unless SimulatedCpus run them. Linear addresses of guests are their physical addresses.
#pragma once

#include <cstring>
#include <vector>

#include "kernel/arch/memory.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/table.hpp"
#include "tests/fakes/host_virtual_cpu.hpp"

namespace hospes::fakes {

/// Sets the machine up, once for the process.
void start_machine();

/// A budget that has not begun, for what a test calls directly: time stands still unless there is a SlowClock.
[[nodiscard]] Budget& no_hurry();

/// A domain with RAM from guest frame 0 on. Destroyed at the end, with all the toolstack's steps.
class TestDomain {
public:
    static constexpr u64 ram_frames = 32;

    explicit TestDomain(DomainId id, bool is_control_domain = false, DomainConfiguration configuration = {});
    TestDomain(TestDomain const&) = delete;
    TestDomain& operator=(TestDomain const&) = delete;
    ~TestDomain();
    /// What the destructor does. The object may live on if others hold it.
    void destroy();

    Domain& operator*() const { return **domain_; }
    Domain* operator->() const { return &**domain_; }
    [[nodiscard]] Vcpu& vcpu(u32 id = 0) const { return *(*domain_)->vcpu(id); }
    [[nodiscard]] bool is_alive() const { return domain_.has_value(); }

    /// The byte at a guest-physical address; null where nothing is mapped.
    [[nodiscard]] u8* byte(u64 address) const;
    template <typename T>
    void put(u64 address, T const& value) const
    {
        std::memcpy(byte(address), &value, sizeof value);
    }
    template <typename T>
    [[nodiscard]] T get(u64 address) const
    {
        T value;
        std::memcpy(&value, byte(address), sizeof value);
        return value;
    }

    /// Makes a hypercall, and makes it again as often as it asks for that. Errors are negative.
    [[nodiscard]] s64 call(xen::Hypercall number, u64 a, u64 b, u64 c = 0, u32 vcpu = 0) const;
    /// The same with one structure, which goes through the guest's RAM and back: the last page for
    /// vCPU 0, the one before for vCPU 1, and so on.
    template <typename Command, typename T>
    [[nodiscard]] s64 call_with(xen::Hypercall number, Command command, T& value, u32 vcpu = 0) const
    {
        return call_with_array(number, command, std::span{&value, 1}, vcpu);
    }
    template <typename Command, typename T>
    [[nodiscard]] s64 call_with_array(xen::Hypercall number, Command command, std::span<T> values, u32 vcpu = 0) const
    {
        u64 const where = (ram_frames - 1 - vcpu) << page_shift;
        std::memcpy(byte(where), values.data(), values.size_bytes());
        s64 const result = call(number, static_cast<u64>(command), where, values.size(), vcpu);
        std::memcpy(values.data(), byte(where), values.size_bytes());
        return result;
    }

private:
    std::optional<DomainReference> domain_;
};

[[nodiscard]] constexpr s64 as_result(Error error) { return -static_cast<s64>(error); }

}
