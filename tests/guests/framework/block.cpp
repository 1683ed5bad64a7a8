// SPDX-License-Identifier: MIT
/// Connecting to a block backend, and one request at a time.

#include "tests/guests/framework/block.hpp"

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/memory.hpp"

namespace hospes::test {
namespace {

constexpr u64 patience = 20 * second;
constexpr u8 last_sector_of_page = page_size / sector_size - 1;

}

std::optional<BlockDevice> BlockDevice::connect()
{
    auto device = find_device("vbd");
    if (!device) return std::nullopt;
    auto* page = allocate_pages();
    BlockDevice disk{*device, *reinterpret_cast<xen::BlockRing*>(page)};
    disk.port_ = event_channel::alloc_unbound(xen::domid_self, device->backend_domain).port;
    auto reference = grants::grant(device->backend_domain, gfn_of(page));
    auto in_folder = [&](std::string_view name) { return xenstore::Path{}.add(device->folder.view(), "/", name); };
    if (!xenstore::write_number(in_folder("ring-ref"), reference) ||
        !xenstore::write_number(in_folder("event-channel"), disk.port_) ||
        !xenstore::write(in_folder("protocol"), "x86_64-abi") ||
        !xenstore::set_state(device->folder, xen::XenbusState::Initialised) ||
        !xenstore::wait_for_state(device->backend, xen::XenbusState::Connected, patience)) {
        return std::nullopt;
    }
    disk.sectors_ = xenstore::read_number(xenstore::Path{}.add(device->backend.view(), "/sectors")).value_or(0);
    if (!xenstore::set_state(device->folder, xen::XenbusState::Connected)) return std::nullopt;
    return disk;
}

bool BlockDevice::wait_for_response()
{
    auto deadline = now() + patience;
    while (!ring_.has_response()) {
        if (now() > deadline) return false;
        (void)schedule::poll(&port_, 1, deadline);
        clear_pending(port_);
    }
    return true;
}

Expected<> BlockDevice::transfer(xen::BlockOperation operation, u64 sector, u8* pages, u32 count)
{
    if (count > xen::block_max_segments) return failure(Error::TooBig);
    xen::BlockRequest request{};
    request.operation = operation;
    request.nr_segments = static_cast<u8>(count);
    request.handle = static_cast<u16>(device_.handle);
    request.id = next_id_++;
    request.sector_number = sector;
    for (u32 i = 0; i != count; ++i) {
        bool backend_only_reads = operation == xen::BlockOperation::Write;
        auto reference = grants::grant(device_.backend_domain, gfn_of(pages) + i, backend_only_reads);
        request.segments[i] = {reference, 0, last_sector_of_page, 0};
    }
    ring_.push(request);
    if (ring_.publish()) (void)event_channel::send(port_);
    if (!wait_for_response()) return failure(Error::TimeExpired);
    auto response = ring_.pop();
    for (u32 i = 0; i != count; ++i) (void)grants::withdraw(request.segments[i].reference);
    if (response.id != request.id || response.status != xen::BlockStatus::Okay) return failure(Error::InputOutput);
    return {};
}

void BlockDevice::disconnect()
{
    (void)xenstore::set_state(device_.folder, xen::XenbusState::Closing);
    (void)xenstore::wait_for_state(device_.backend, xen::XenbusState::Closed, patience);
    (void)xenstore::set_state(device_.folder, xen::XenbusState::Closed);
}

}
