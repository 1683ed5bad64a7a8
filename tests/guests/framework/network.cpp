// SPDX-License-Identifier: MIT
/// Connecting to a network backend, and its two rings.

#include "tests/guests/framework/network.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/memory.hpp"

namespace hospes::test {
namespace {

constexpr u64 patience = 20 * second;

}

std::optional<NetworkDevice> NetworkDevice::connect()
{
    auto device = find_device("vif");
    if (!device) return std::nullopt;
    auto* transmit_page = allocate_pages();
    auto* receive_page = allocate_pages();
    NetworkDevice network{*device, *reinterpret_cast<xen::NetworkTxRing*>(transmit_page),
                          *reinterpret_cast<xen::NetworkRxRing*>(receive_page)};
    auto backend = device->backend_domain;
    network.port_ = event_channel::alloc_unbound(xen::domid_self, backend).port;
    network.transmit_page_ = allocate_pages();
    network.transmit_page_reference_ = grants::grant(backend, gfn_of(network.transmit_page_), true);
    network.receive_pages_ = allocate_pages(receive_buffers);
    for (u16 i = 0; i != receive_buffers; ++i) {
        network.receive_references_[i] = grants::grant(backend, gfn_of(network.receive_pages_) + i);
        network.offer_buffer(i);
    }
    network.read_hardware_address();
    if (!network.announce(grants::grant(backend, gfn_of(transmit_page)),
                          grants::grant(backend, gfn_of(receive_page)))) {
        return std::nullopt;
    }
    return network;
}

bool NetworkDevice::announce(u32 transmit_reference, u32 receive_reference)
{
    auto in_folder = [&](std::string_view name) { return xenstore::Path{}.add(device_.folder.view(), "/", name); };
    return xenstore::wait_for_state(device_.backend, xen::XenbusState::InitWait, patience) &&
           xenstore::write_number(in_folder("tx-ring-ref"), transmit_reference) &&
           xenstore::write_number(in_folder("rx-ring-ref"), receive_reference) &&
           xenstore::write_number(in_folder("event-channel"), port_) &&
           xenstore::write_number(in_folder("request-rx-copy"), 1) &&
           xenstore::write_number(in_folder("feature-rx-notify"), 1) &&
           xenstore::write_number(in_folder("feature-no-csum-offload"), 1) &&
           xenstore::set_state(device_.folder, xen::XenbusState::Connected) &&
           xenstore::wait_for_state(device_.backend, xen::XenbusState::Connected, patience);
}

void NetworkDevice::read_hardware_address()
{
    auto text = xenstore::read(xenstore::Path{}.add(device_.folder.view(), "/mac"));
    constexpr size_t digits_and_colon = 3;
    if (!text || text->size() < hardware_address_.size() * digits_and_colon - 1) return;
    for (size_t i = 0; i != hardware_address_.size(); ++i) {
        auto pair = text->substr(i * digits_and_colon, 2);
        std::from_chars(pair.data(), pair.data() + 2, hardware_address_[i], 16);
    }
}

void NetworkDevice::offer_buffer(u16 index)
{
    receive_.push({index, 0, receive_references_[index]});
    if (receive_.publish()) (void)event_channel::send(port_);
}

bool NetworkDevice::send(std::span<u8 const> frame)
{
    if (frame.size() > page_size) return false;
    while (transmit_.has_response()) (void)transmit_.pop();
    memcpy(transmit_page_, frame.data(), frame.size());
    transmit_.push({transmit_page_reference_, 0, 0, 0, static_cast<u16>(frame.size())});
    if (transmit_.publish()) (void)event_channel::send(port_);
    auto deadline = now() + second; // the one page is ours again when the response is there
    while (!transmit_.has_response()) {
        if (now() > deadline) return false;
        (void)schedule::poll(&port_, 1, now() + millisecond);
        clear_pending(port_);
    }
    return transmit_.pop().status == xen::NetworkStatus::Okay;
}

std::span<u8> NetworkDevice::receive(u64 deadline)
{
    if (lent_) offer_buffer(*lent_);
    lent_.reset();
    while (!receive_.has_response()) {
        if (now() > deadline) return {};
        (void)schedule::poll(&port_, 1, deadline);
        clear_pending(port_);
    }
    auto response = receive_.pop();
    if (response.id >= receive_buffers) return {};
    lent_ = response.id;
    if (response.status <= 0 || response.offset >= page_size) return {};
    auto length = std::min<size_t>(static_cast<size_t>(response.status), page_size - response.offset);
    return {receive_pages_ + response.id * page_size + response.offset, length};
}

}
