// SPDX-License-Identifier: MIT
/// The guest's memory as an emulated instruction sees it: RAM, emulated devices, nothing.
#pragma once

#include "arch/x86_64/emulator/execute.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"

namespace hospes::arch {

class GuestMemory final : public emulator::Memory {
public:
    explicit GuestMemory(VirtualCpu& cpu) : virtual_cpu_{cpu} {}
    /// With the rights of the vCPU's code: BadAddress if the linear address is not mapped, not writable, or not for it.
    [[nodiscard]] Expected<u64> read(Gva linear, unsigned bytes) override;
    [[nodiscard]] Expected<> write(Gva linear, u64 value, unsigned bytes) override;

    /// Raises in the guest what a CPU raises where the last BadAddress was.
    void raise_fault() const;

private:
    [[nodiscard]] Expected<Gpa> translate(Gva linear, bool write);
    template <typename Piece>
    [[nodiscard]] Expected<> for_each_page(Gva linear, unsigned bytes, bool write, Piece piece);
    [[nodiscard]] u64 read_physical(Gpa where, unsigned bytes);
    void write_physical(Gpa where, u64 value, unsigned bytes);
    VirtualCpu& virtual_cpu_;
    Gva refused_{}; ///< of the last BadAddress
    bool refused_write_ = false;
};

class GuestPorts final : public emulator::Ports {
public:
    explicit GuestPorts(VirtualCpu& cpu) : virtual_cpu_{cpu} {}
    [[nodiscard]] Expected<u64> in(u16 port, unsigned bytes) override;
    [[nodiscard]] Expected<> out(u16 port, u64 value, unsigned bytes) override;

private:
    VirtualCpu& virtual_cpu_;
};

/// Where the vCPU's access to `linear` goes, with the rights of the code it runs: its CPL, and SMAP. BadAddress if that
/// is nowhere. For the vCPU that this CPU runs.
[[nodiscard]] Expected<Gpa> translate_own(VirtualCpu& cpu, Gva linear, bool write);

/// Is `where` answered by an emulated device of this vCPU's domain?
[[nodiscard]] bool is_emulated(VirtualCpu& cpu, Gpa where);

}
