// SPDX-License-Identifier: MIT
/// The guest's memory and ports as an emulated instruction sees them.
#pragma once

#include "arch/x86_64/emulator/execute.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/access/device.hpp"

namespace hospes::arch {

/// Who answers where the exit says that the access goes.
struct KnownAnswer {
    Gpa where{};
    Device* device = nullptr; ///< null: not known
};

class GuestMemory final : public emulator::Memory {
public:
    explicit GuestMemory(VirtualCpu& cpu, KnownAnswer const& known = {}) : virtual_cpu_{cpu}, known_{known} {}
    /// With the rights of the vCPU's code: BadAddress if the linear address is not mapped, not writable, or not for it.
    [[nodiscard]] Expected<u64> read(Gva linear, unsigned bytes) override;
    [[nodiscard]] Expected<> write(Gva linear, u64 value, unsigned bytes) override;

    /// Raises in the guest what a CPU raises where the last BadAddress was.
    void raise_fault() const;

private:
    [[nodiscard]] Expected<Gpa> translate(Gva linear, bool write);
    template <typename Piece>
    [[nodiscard]] Expected<> for_each_piece(Gva linear, unsigned bytes, bool write, Piece piece);
    [[nodiscard]] Device& device_at(Gpa where) const;

    VirtualCpu& virtual_cpu_;
    KnownAnswer known_;
    Gva refused_{}; ///< of the last BadAddress
    bool refused_write_ = false;
};

/// One port: a string instruction moves to or from the same for all its elements.
class GuestPort final : public emulator::Ports {
public:
    GuestPort(VirtualCpu& cpu, Device& device) : virtual_cpu_{cpu}, device_{device} {}
    [[nodiscard]] Expected<u64> in(u16 port, unsigned bytes) override;
    [[nodiscard]] Expected<> out(u16 port, u64 value, unsigned bytes) override;

private:
    VirtualCpu& virtual_cpu_;
    Device& device_;
};

}
