// SPDX-License-Identifier: MIT
/// A domain's CPU policy and port bitmap, made with the domain and freed with it.
#include "arch/x86_64/guest/virtual_machine.hpp"

#include <cstring>

#include "kernel/arch/memory.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes::arch {

namespace {

/// A bit for each port, and a page of ones behind for accesses that reach past the last. (APM vol. 2, 15.10.1)
constexpr size_t bitmap_bytes = 3 * page_size;
constexpr unsigned bitmap_order = 2;

struct alignas(page_size) ClosedPorts {
    constexpr ClosedPorts() { bytes.fill(0xff); }
    std::array<u8, bitmap_bytes> bytes{};
};
constinit ClosedPorts const closed_ports;

}

VirtualMachine::~VirtualMachine()
{
    if (own_bitmap_) frames::free(frame_of(port_bitmap_), bitmap_order);
}

Expected<> VirtualMachine::initialize()
{
    policy = default_policy(system_policies().maximum, domain.is_control_domain());
    port_bitmap_ = physical_address(&closed_ports);
    if (!domain.is_control_domain()) return {};
    auto const frames = frames::allocate(bitmap_order);
    if (!frames) return failure(frames.error());
    port_bitmap_ = address_of(*frames);
    own_bitmap_ = static_cast<u8*>(reach(*frames));
    std::memset(own_bitmap_, 0xff, page_size << bitmap_order);
    return {};
}

void VirtualMachine::allow_ports(u16 first, u16 last)
{
    if (!own_bitmap_) return;
    for (u32 port = first; port <= last; ++port)
        own_bitmap_[port / 8] = static_cast<u8>(own_bitmap_[port / 8] & ~(1U << port % 8));
}

void VirtualMachine::keep_ports(u16 first, u16 last)
{
    if (!own_bitmap_) return;
    for (u32 port = first; port <= last; ++port)
        own_bitmap_[port / 8] = static_cast<u8>(own_bitmap_[port / 8] | 1U << port % 8);
}

DomainState::~DomainState() { delete virtual_machine_; }

Expected<> DomainState::initialize(Domain& domain)
{
    virtual_machine_ = new (std::nothrow) VirtualMachine{domain};
    if (!virtual_machine_) return failure(Error::OutOfMemory);
    return virtual_machine_->initialize();
}

}
