// SPDX-License-Identifier: MIT
/// Finds a function's capabilities and puts ours in their places.
#include "kernel/vpci/function.hpp"

#include <new>

#include "kernel/lib/no_answer.hpp"

namespace hospes::vpci {

namespace {}

Expected<std::unique_ptr<Function>> Function::create(pci::FunctionAddress address, Platform& platform,
                                                     std::optional<VirtualPlace> const& place)
{
    if (!place && platform.read_config(address, pci::header::vendor, 2) == pci::no_vendor)
        return failure(Error::NoSuchDevice);
    std::unique_ptr<Function> created{new (std::nothrow) Function{address, platform, place}};
    if (!created) return failure(Error::OutOfMemory);
    if (auto const added = created->add_capabilities(); !added) return failure(added.error());
    return created;
}

Function::~Function()
{
    if (msi_) msi_->switch_off();
    if (msix_) msix_->switch_off();
}

Expected<> Function::add_capabilities()
{
    pci::HeaderType const type{space_.read_hardware(pci::header::type, 1)};
    if (pci::base_address_count(type.get<pci::HeaderType::Layout>()) == 0) return {};
    auto const added =
        for_each_capability(space_, [&](pci::CapabilityId id, u16 offset) { return add_capability(id, offset); });
    return added && !place_ ? add_virtual_functions() : added;
}

/// A function without extended space reads as ones there, or as zeros.
Expected<> Function::add_virtual_functions()
{
    constexpr unsigned most = (pci::extended_space_bytes - pci::conventional_space_bytes) / 8;
    constexpr u16 aligned = 0xffc;
    u16 offset = pci::conventional_space_bytes;
    for (unsigned i = 0; i < most && offset >= pci::conventional_space_bytes; ++i) {
        pci::ExtendedCapability const header{space_.read_hardware(offset, 4)};
        if (header.raw() == no_answer<u32>) return {};
        if (header.get<pci::ExtendedCapability::Id>() == pci::ExtendedCapabilityId::SrIov) {
            if (offset + pci::sriov::bytes > pci::extended_space_bytes) return {};
            virtual_functions_.emplace(space_, offset);
            return virtual_functions_->add_registers();
        }
        offset = header.get<pci::ExtendedCapability::Next>() & aligned;
    }
    return {};
}

bool Function::is_gone() const
{
    if (place_) return !exists(space_.platform(), *place_, address());
    return space_.read_hardware(pci::header::vendor, 2) == pci::no_vendor;
}

/// A second capability of a kind means nothing; the first is the one that drivers use.
Expected<> Function::add_capability(pci::CapabilityId id, u16 offset)
{
    if (id == pci::CapabilityId::Msi && !msi_) {
        msi_.emplace(space_, offset);
        return msi_->add_registers();
    }
    if (id == pci::CapabilityId::MsiX && !msix_) {
        msix_ = Msix::create(space_, offset);
        if (!msix_) return failure(Error::OutOfMemory);
    }
    return {};
}

}
