// SPDX-License-Identifier: MIT
/// A domain's virtual machine: its CPU policy, and who answers at which port and address.
#pragma once

#include <atomic>

#include "arch/x86_64/cpuid/cpuid_policy.hpp"
#include "kernel/access/access_map.hpp"
#include "kernel/arch/domain_state.hpp"
#include "kernel/lib/address.hpp"

namespace hospes::arch {

/// Told when a vCPU of the domain ends a level-triggered interrupt (virtual IOAPIC).
class EndOfInterruptListener {
public:
    virtual void end_of_interrupt(Vcpu& vcpu, u8 vector) = 0;

protected:
    ~EndOfInterruptListener() = default;
};

struct VirtualMachine {
    explicit VirtualMachine(Domain& owner) : domain{owner} {}
    VirtualMachine(VirtualMachine const&) = delete;
    VirtualMachine& operator=(VirtualMachine const&) = delete;
    ~VirtualMachine();
    [[nodiscard]] Expected<> initialize();

    /// The guest uses these ports of the machine itself. Control domain only; before it runs.
    void allow_ports(u16 first, u16 last);
    /// From now on they trap again. Takes effect when a vCPU enters next.
    void keep_ports(u16 first, u16 last);
    [[nodiscard]] Hpa port_bitmap() const { return port_bitmap_; }

    /// At most a few lines for each domain: a guest must not fill the log.
    [[nodiscard]] bool may_complain() { return complaints_.fetch_add(1, std::memory_order_relaxed) < complaint_limit; }

    Domain& domain;
    CpuidPolicy policy; ///< changes only before the domain runs
    AccessMap<64> ports;
    AccessMap<256> memory;
    std::atomic<u8> callback_vector{0}; ///< HVM_PARAM_CALLBACK_IRQ of type 2
    std::atomic<EndOfInterruptListener*> end_of_interrupt_listener{nullptr};

private:
    static constexpr u32 complaint_limit = 16;
    Hpa port_bitmap_{};
    u8* own_bitmap_ = nullptr;
    std::atomic<u32> complaints_{0};
};

}
