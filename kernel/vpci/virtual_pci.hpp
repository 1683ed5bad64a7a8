// SPDX-License-Identifier: MIT
/// The control domain's PCI: every configuration space access, and every access to an MSI-X table, comes here.
///
/// A function is known from its first access, or from when the control domain reports it, until it is reported gone or
/// answers no more. All of it is under one lock: configuration is rare.
#pragma once

#include <array>

#include "kernel/lib/static_vector.hpp"
#include "kernel/sync/guarded.hpp"
#include "kernel/vpci/function.hpp"

namespace hospes::vpci {

class VirtualPci {
public:
    explicit VirtualPci(Platform& platform) : platform_{platform} {}
    VirtualPci(VirtualPci const&) = delete;
    VirtualPci& operator=(VirtualPci const&) = delete;
    ~VirtualPci();

    /// The guest does not see this function. Before it runs. NoSpace.
    [[nodiscard]] Expected<> hide(pci::FunctionAddress function);

    /// The guest's accesses, of 1, 2, 4 or 8 bytes at any place. What is not there reads as ones.
    [[nodiscard]] u64 read_config(pci::FunctionAddress function, u16 offset, unsigned bytes);
    void write_config(pci::FunctionAddress function, u16 offset, unsigned bytes, u64 value);

    /// The guest's accesses to pages that Platform::trap() was asked for.
    [[nodiscard]] u64 read_memory(Gpa where, unsigned bytes);
    void write_memory(Gpa where, unsigned bytes, u64 value);

    /// The control domain has found a function / is done with it. NoSuchDevice, OutOfMemory, NoSpace.
    [[nodiscard]] Expected<> add(pci::FunctionAddress function);
    [[nodiscard]] Expected<> remove(pci::FunctionAddress function);
    [[nodiscard]] Expected<> add_window(WindowPlace const& place) { return platform_.add_window(place); }

private:
    static constexpr size_t bucket_count = 64;
    static constexpr size_t max_functions = 4096;
    using Bucket = List<Function, &Function::bucket>;
    struct Functions {
        std::array<Bucket, bucket_count> buckets;
        size_t count = 0;
    };

    [[nodiscard]] static Bucket& bucket_of(Functions& functions, pci::FunctionAddress address);
    [[nodiscard]] static Function* find(Functions& functions, pci::FunctionAddress address);
    [[nodiscard]] static Msix* table_at(Functions& functions, Gpa where);
    [[nodiscard]] Expected<Function*> find_or_create(Functions& functions, pci::FunctionAddress address);
    [[nodiscard]] static std::optional<VirtualPlace> find_virtual(Functions& functions, pci::FunctionAddress address);
    static void forget(Functions& functions, Function& function);
    static void forget_virtual(Functions& functions, pci::FunctionAddress physical, bool only_gone);

    [[nodiscard]] u32 read_part(pci::FunctionAddress address, u16 offset, unsigned bytes);
    void write_part(pci::FunctionAddress address, u16 offset, unsigned bytes, u32 value);
    void trap_table(pci::FunctionAddress address);
    void follow_virtual(pci::FunctionAddress physical, u16 offset, unsigned bytes);
    [[nodiscard]] bool is_hidden(pci::FunctionAddress address) const;

    Platform& platform_;
    StaticVector<pci::FunctionAddress, 16> hidden_;
    Guarded<Functions, LockRank::VirtualInterrupts> functions_;
};

/// The one that exists, for hypercalls; null before the control domain has been built.
[[nodiscard]] VirtualPci* control_domain_pci();
void set_control_domain_pci(VirtualPci* pci);

}
