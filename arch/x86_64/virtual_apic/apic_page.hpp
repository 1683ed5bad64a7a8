// SPDX-License-Identifier: MIT
/// The page that holds a virtual local APIC's registers, laid out like the xAPIC's own.
///
/// It is the one place of this state. A CPU that virtualizes the APIC works on it while the guest runs (VMX: the
/// virtual-APIC page, SDM vol. 3, 30.1; SVM: the AVIC backing page, APM vol. 2, 15.29.3), software does otherwise.
/// Only the CPU that runs the vCPU changes it; others at most look.
#pragma once

#include <array>
#include <atomic>

#include "arch/x86_64/virtual_apic/apic_registers.hpp"
#include "kernel/lib/address.hpp"

namespace hospes::arch {

class alignas(page_size) ApicPage {
public:
    [[nodiscard]] u32 get(size_t index) const { return slots_[index].value.load(std::memory_order_relaxed); }
    [[nodiscard]] u32 get(ApicRegister which) const { return get(std::to_underlying(which)); }
    void set(size_t index, u32 value) { slots_[index].value.store(value, std::memory_order_relaxed); }
    void set(ApicRegister which, u32 value) { set(std::to_underlying(which), value); }

private:
    struct alignas(apic_register_bytes) Slot {
        std::atomic<u32> value{0};
    };
    std::array<Slot, page_size / apic_register_bytes> slots_;
};
static_assert(sizeof(ApicPage) == page_size);

}
