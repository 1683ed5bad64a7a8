// SPDX-License-Identifier: MIT
/// The machine behind the control domain's virtual PCI: configuration space, device memory that traps, interrupts.
#pragma once

#include <atomic>

#include "arch/x86_64/guest/virtual_machine.hpp"
#include "arch/x86_64/virtual_apic/interrupt_sink.hpp"
#include "kernel/vpci/config_window.hpp"

namespace hospes::arch {

class PciPlatform final : public vpci::Platform {
public:
    PciPlatform(VirtualMachine& virtual_machine, InterruptSink& sink)
        : virtual_machine_{virtual_machine}, sink_{sink}, tables_{*this}
    {}

    [[nodiscard]] vpci::VirtualPci& pci() { return pci_; }
    /// Answers the guest's accesses to a window that is excluded from its memory already.
    [[nodiscard]] Expected<> answer_window(vpci::WindowPlace const& place);

    [[nodiscard]] u32 read_config(pci::FunctionAddress function, u16 offset, unsigned bytes) override;
    void write_config(pci::FunctionAddress function, u16 offset, unsigned bytes, u32 value) override;
    [[nodiscard]] Expected<std::unique_ptr<vpci::MessageInterrupt>>
    create_interrupt(pci::FunctionAddress function) override;
    [[nodiscard]] Expected<> trap(Gpa where, u64 bytes) override;
    [[nodiscard]] u64 read_device(Gpa where, unsigned bytes) override;
    void write_device(Gpa where, unsigned bytes, u64 value) override;
    [[nodiscard]] Expected<> add_window(vpci::WindowPlace const& place) override;

private:
    /// The guest's accesses to pages that hold, or held, an MSI-X table.
    class TablePages final : public Device {
    public:
        explicit TablePages(PciPlatform& platform) : platform_{platform} {}
        u64 read(Vcpu&, u64 address, unsigned bytes) override
        {
            return platform_.pci_.read_memory(Gpa{address}, bytes);
        }
        void write(Vcpu&, u64 address, unsigned bytes, u64 value) override
        {
            platform_.pci_.write_memory(Gpa{address}, bytes, value);
        }

    private:
        PciPlatform& platform_;
    };

    /// Pages that trap, and stay so: what is there when a table has moved away is forwarded.
    struct TrappedRun {
        Gpa start{};
        u64 bytes = 0;
        u8 volatile* registers = nullptr;
        [[nodiscard]] bool covers(Gpa where) const { return where >= start && where - start < bytes; }
    };
    [[nodiscard]] TrappedRun const* run_at(Gpa where) const;
    [[nodiscard]] Expected<> trap_run(Gpa start, u64 bytes);
    [[nodiscard]] u8 volatile* device_register(Gpa where, unsigned bytes) const;

    static constexpr size_t max_runs = 160; // VirtualMachine::memory has room for these, windows and I/O APICs
    VirtualMachine& virtual_machine_;
    InterruptSink& sink_;
    TablePages tables_;
    vpci::VirtualPci pci_{*this};
    Spinlock<LockRank::PciConfig> runs_lock_; ///< for adding; runs below `run_count_` do not change
    std::array<TrappedRun, max_runs> runs_{};
    std::atomic<size_t> run_count_{0};
};

}
