// SPDX-License-Identifier: MIT
/// One PCI function as the guest sees it: the hardware's configuration space with our interrupt capabilities in it.
#pragma once

#include <optional>

#include "kernel/lib/list.hpp"
#include "kernel/vpci/config_space.hpp"
#include "kernel/vpci/msi.hpp"
#include "kernel/vpci/msix.hpp"
#include "kernel/vpci/virtual_functions.hpp"

namespace hospes::vpci {

class Function {
public:
    /// NoSuchDevice if nothing answers, OutOfMemory. Interrupts that the firmware has left on are switched off.
    /// `place`: it is a virtual function of another.
    [[nodiscard]] static Expected<std::unique_ptr<Function>> create(pci::FunctionAddress address, Platform& platform,
                                                                    std::optional<VirtualPlace> const& place);
    ~Function();

    [[nodiscard]] pci::FunctionAddress address() const { return space_.function(); }
    [[nodiscard]] ConfigSpace& space() { return space_; }
    [[nodiscard]] Msix* msix() const { return msix_.get(); }
    /// The virtual functions that this function can make; null if it cannot make any.
    [[nodiscard]] VirtualFunctions* virtual_functions() { return virtual_functions_ ? &*virtual_functions_ : nullptr; }
    [[nodiscard]] std::optional<VirtualPlace> const& virtual_place() const { return place_; }
    /// Pulled out, asleep, removed, or its bus has got another number.
    [[nodiscard]] bool is_gone() const;

    ListHook<Function> bucket;

private:
    Function(pci::FunctionAddress address, Platform& platform, std::optional<VirtualPlace> const& place)
        : place_{place}, space_{address, platform, place_ ? &*place_ : nullptr}
    {}
    [[nodiscard]] Expected<> add_capabilities();
    [[nodiscard]] Expected<> add_virtual_functions();
    [[nodiscard]] Expected<> add_capability(pci::CapabilityId id, u16 offset);

    std::optional<VirtualPlace> const place_;
    ConfigSpace space_;
    std::optional<VirtualFunctions> virtual_functions_;
    std::optional<Msi> msi_;
    std::unique_ptr<Msix> msix_;
};

/// Calls `visit(id, offset)` for each capability of conventional space; stops at the first error. A list that runs in
/// circles ends.
template <typename Visit>
[[nodiscard]] Expected<> for_each_capability(ConfigSpace const& space, Visit&& visit)
{
    constexpr unsigned most = (pci::conventional_space_bytes - pci::header::first_capability) / 4;
    constexpr u32 aligned = 0xfc;
    if (!pci::Status{space.read_hardware(pci::header::status, 2)}.get<pci::Status::HasCapabilities>()) return {};
    u32 offset = space.read_hardware(pci::header::capabilities, 1) & aligned;
    for (unsigned i = 0; i < most && offset >= pci::header::first_capability; ++i) {
        u32 const id_and_next = space.read_hardware(static_cast<u16>(offset), 2);
        auto const id = static_cast<pci::CapabilityId>(id_and_next & 0xff);
        if (auto const result = visit(id, static_cast<u16>(offset)); !result) return result;
        offset = id_and_next >> 8 & aligned;
    }
    return {};
}

}
