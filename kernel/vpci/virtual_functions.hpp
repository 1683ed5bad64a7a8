// SPDX-License-Identifier: MIT
/// SR-IOV: functions that a physical function makes when it is told to, each with a requester id of its own.
///
/// Virtual functions are no complete functions: they have no vendor, and no base addresses. Whether one exists, and
/// where its memory is, says the physical function's capability:
///
///     memory of VF 0's region 0 | of VF 1's | of VF 2's ...    starting at the capability's base address 0
///
/// (Single Root I/O Virtualization and Sharing Specification 1.1, chapters 2 and 3)
#pragma once

#include <optional>

#include "kernel/vpci/config_space.hpp"

namespace hospes::vpci {

/// Bytes of each region of one virtual function; 0 where there is none.
using RegionSizes = std::array<u64, pci::sriov::region_count>;

/// Which virtual function this is, and of whom.
struct VirtualPlace {
    pci::FunctionAddress physical;
    u16 capability = 0; ///< of the physical function
    u16 index = 0;
    RegionSizes sizes{};
};

/// Is it still there, at `address`?
[[nodiscard]] bool exists(Platform& platform, VirtualPlace const& place, pci::FunctionAddress address);
/// Start of its memory `region`, if it has such memory and it is decoded.
[[nodiscard]] std::optional<Gpa> memory_region(Platform& platform, VirtualPlace const& place, unsigned region);

/// The SR-IOV capability of a physical function. All its registers are the hardware's; the one that makes the virtual
/// functions is watched, to find out the sizes of their regions before.
class VirtualFunctions final : public RegisterOwner {
public:
    VirtualFunctions(ConfigSpace& space, u16 capability) : space_{space}, capability_{capability} {}
    [[nodiscard]] Expected<> add_registers() { return space_.add({at(pci::sriov::control), 2, this}); }

    [[nodiscard]] u32 read_register(u16 offset) override { return space_.read_hardware(offset, 2); }
    void write_register(u16 offset, u32 value) override;

    /// What is at `address` now, if it is one of them.
    [[nodiscard]] std::optional<VirtualPlace> find(pci::FunctionAddress address) const;
    /// Where number `index` is, if there are so many.
    [[nodiscard]] std::optional<pci::FunctionAddress> address_of(u16 index) const;
    /// May a write there make, move or remove some?
    [[nodiscard]] bool decides(u16 offset, unsigned bytes) const
    {
        return offset < capability_ + pci::sriov::bytes && offset + bytes > at(pci::sriov::control);
    }

private:
    [[nodiscard]] u16 at(u16 offset) const { return static_cast<u16>(capability_ + offset); }
    void measure();
    [[nodiscard]] u32 writable_bits(u16 offset);

    ConfigSpace& space_;
    u16 const capability_;
    bool is_measured_ = false;
    RegionSizes sizes_{};
};

}
